"""What happened to one order, from every collection that tells of it."""

from collections import Counter
from datetime import UTC, datetime

import pytest
from bson import Decimal128, ObjectId

from services.database import Database, Document
from services.deployment.indexes import apply
from services.errors import NotFound
from services.operators.operator import Operator
from services.orders.reading import MOST_NAMING
from services.orders.timeline import Event, timeline
from tests import shop
from tests.explaining import watch


async def history_of_one(database: Database) -> Document:
    """An order of which every source tells something, and another of the same customer."""
    order = shop.order(id="o1")
    await shop.stock(
        database, orders=[order, shop.order(id="o2")], users={"id": "user-1", "customer_v2_id": None},
        delivery_statuses={**shop.delivery(order), "id": "d1", "confirmed_at": "2026-10-15T01:05:00+00:00",
                           "confirmed_by_name": "Raj", "confirmation_method": "shared_link"},
        billing_records={**shop.bill(order), "id": "b1", "created_at": "2026-10-31T10:00:00+00:00"},
        delivery_actions=[{"order_id": "o1", "action": "marked_delivered", "delivery_boy_id": "boy-1",
                           "timestamp": "2026-10-15T01:01:00Z", "notes": "gate"}, {"order_id": "o2", "action": "x"}],
        payment_transactions=[
            {"id": "p1", "customer_id": "cust-1", "month": "2026-10", "amount": 500.0, "payment_method": "UPI",
             "created_at": "2026-11-02T05:00:00+00:00", "created_by": "meera"},
            {"id": "p2", "customer_id": "cust-1", "month": "2026-09", "amount": 1.0},
        ],
        notifications_log=[
            {"_id": "reminder:m1", "id": "m1", "type": "payment_reminder", "status": "sent", "phone": "+919876543210",
             "sent_at": "2026-11-01T05:00:00+00:00", "reference_id": "cust-1"},
            {"id": "old", "reference_id": "cust-1", "created_at": "2026-01-01T05:00:00+00:00"},
            {"id": "other", "reference_id": "cust-2", "created_at": "2026-11-01T05:00:00+00:00"},
        ],
        console_outbox={"_id": "reminder:o1", "message": "m1", "state": "sent"},
        audit_logs=[
            {"id": "a1", "table": "orders", "record_id": "o1", "action": "UPDATE", "user_id": "asha",
             "timestamp": "2026-10-14T13:00:00+00:00", "changes": {"notes": {"old": "", "new": "x"}}},
            {"resource_type": "order", "resource_id": "o1", "action": "mark_delivered", "user_id": "boy-1",
             "timestamp": datetime(2026, 10, 15, 1, 2, tzinfo=UTC)},
            {"id": "a3", "table": "billing_records", "record_id": "b1", "action": "CREATE", "user_id": "vikram",
             "timestamp": "2026-10-31T10:00:01+00:00", "changes": {}},
            {"id": "a4", "table": "delivery_statuses", "record_id": "d1", "action": "CREATE"},
        ],
    )  # fmt: skip
    return order


async def test_all_sources_are_merged_by_time_newest_first(database: Database, support: Operator) -> None:
    await history_of_one(database)
    events = await timeline(database, support, "o1")
    assert [(event.source, event.reference.split("/")[0]) for event in events] == [
        ("payment", "payment_transactions"), ("message", "notifications_log"), ("audit", "audit_logs"),
        ("bill", "billing_records"), ("delivery", "delivery_statuses"), ("audit", "audit_logs"),
        ("action", "delivery_actions"), ("order", "orders"), ("audit", "audit_logs"), ("order", "orders"),
        ("audit", "audit_logs"),
    ]  # fmt: skip
    words = "\n".join(f"{event.who} {event.what}" for event in events)
    for told in ("paid ₹500.00 by UPI for the whole month 2026-10", "boy-1 marked delivered: gate",
                 "asha UPDATE orders: notes", "payment reminder sent, to +919876543210",
                 "Raj delivered, reported by shared link", "billed ₹180.00"):  # fmt: skip
        assert told in words
    assert events[-1].at is None


@pytest.mark.parametrize(("fields", "told"), [
    ({"customer_id": "user-1"}, ["2026-10"]),
    ({"customer_id": "pointing"}, ["2026-10"]),
    ({"month": None, "payment_date": "2026-10-20"}, ["2026-10, when it came: it names no month"]),
    ({"month": "October", "payment_date": "2026-11-02"}, []),
    ({"month": None}, []),
    ({"customer_id": "shared"}, []),
])  # fmt: skip
async def test_a_payment_is_told_where_a_statement_counts_it(
    database: Database, support: Operator, fields: Document, told: list[str]
) -> None:
    payment = {"id": "p1", "customer_id": "cust-1", "month": "2026-10", "amount": 500.0, "payment_method": "cash"}
    others = [shop.customer(id=f"of-shared-{n}", user_id="shared") for n in range(2)]
    await shop.stock(
        database, customers_v2=[shop.customer(), *others], orders=shop.order(id="o1", billed_month="2026-10"),
        users=[{"id": name, "customer_v2_id": "cust-1"} for name in ("pointing", "shared")],
        payment_transactions=payment | fields,
    )  # fmt: skip
    events = [event.what for event in await timeline(database, support, "o1") if event.source == "payment"]
    assert events == [f"the customer paid ₹500.00 by cash for the whole month {month}" for month in told]


async def test_every_source_is_read_through_an_index(database: Database, ops: Operator) -> None:
    await history_of_one(database)
    await apply(database, ops)
    (await watch(database, timeline(database, ops, "o1"))).assert_indexed()


def message(reference: str, at: str, **fields: object) -> Document:
    """A message about something, as the backend logs it."""
    return {"phone": "+919876543210", "type": "delivery_update", "status": "sent", "reference_id": reference,
            "created_at": at, **fields}  # fmt: skip


@pytest.mark.parametrize("indexed", [False, True])
async def test_what_was_written_before_the_order_hides_nothing_of_what_came_after(
    database: Database, ops: Operator, indexed: bool
) -> None:
    earlier = [message("cust-1", f"2026-{1 + n // 28:02d}-{1 + n % 28:02d}T06:00:00+00:00") for n in range(150)]
    its_own = message("o1", "2026-10-15T06:00:00+00:00", id="own")
    reminder = message("cust-1", "2026-11-03T06:00:00+00:00", id="late")
    await shop.stock(database, orders=shop.order(id="o1"), notifications_log=[*earlier, reminder, its_own])
    if indexed:
        await apply(database, ops)
    found = [each for each in await timeline(database, ops, "o1") if each.source == "message"]
    assert [each.reference for each in found] == ["notifications_log/late", "notifications_log/own"]


async def test_the_newest_are_told_and_that_there_are_older_ones(database: Database, support: Operator) -> None:
    times = [f"2026-10-15T{n // 60:02d}:{n % 60:02d}:00+00:00" for n in range(130)]
    pings = [{"id": f"a{n}", "order_id": "o1", "action": "ping", "timestamp": at} for n, at in enumerate(times)]
    written = [message("cust-1", at, id=f"m{n}") for n, at in enumerate(times)]
    its_own = [message("o1", at, id=f"own{n}") for n, at in enumerate(times)]
    handed = {"id": "last", "order_id": "o1", "action": "handed_over", "timestamp": "2026-10-15T03:00:00+00:00"}
    await shop.stock(
        database, orders=shop.order(id="o1"), delivery_actions=[*pings, handed],
        notifications_log=[*written[::-1], *its_own],
    )  # fmt: skip
    events = await timeline(database, support, "o1")
    references = [each.reference for each in events]
    assert references[0] == "delivery_actions/last"
    for kept, dropped in (("a31", "a30"), ("m30", "m29"), ("own30", "own29")):
        table = "delivery_actions" if kept[0] == "a" else "notifications_log"
        assert f"{table}/{kept}" in references
        assert f"{table}/{dropped}" not in references
    assert [(each.at, each.reference, each.what) for each in events[-3:]] == [
        (None, "delivery_actions", "only the 100 newest of the staff's notes are listed"),
        (None, "notifications_log", "only the 100 newest of the messages about the order are listed"),
        (None, "notifications_log", "only the 100 newest of the other messages to the customer are listed"),
    ]


async def test_the_entries_of_every_delivery_and_bill_are_told(database: Database, ops: Operator) -> None:
    order = shop.order(id="o1")
    deliveries = [shop.delivery(order, id=f"d{n}") for n in range(12)]
    bills = [shop.bill(order, id=f"b{n}") for n in range(8)]
    named = [("delivery_statuses", each["id"]) for each in deliveries] + [("billing_records", b["id"]) for b in bills]
    entries = [{"id": f"of-{name}", "table": table, "record_id": name, "action": "UPDATE"} for table, name in named]
    other = {"id": "other", "table": "orders", "record_id": "d1", "action": "UPDATE"}
    await shop.stock(
        database, orders=order, delivery_statuses=deliveries, billing_records=bills, audit_logs=[*entries, other]
    )
    await apply(database, ops)
    told: list[Event] = []

    async def read() -> None:
        told.extend(await timeline(database, ops, "o1"))

    (await watch(database, read())).assert_indexed()
    audited = {each.reference for each in told if each.source == "audit"}
    assert audited == {f"audit_logs/of-{record}" for _, record in named}


async def test_where_there_are_more_deliveries_and_bills_than_are_listed_it_says_so(
    database: Database, support: Operator
) -> None:
    order = shop.order(id="o1")
    for number, notes in ((MOST_NAMING, 0), (1, 2)):
        await database["delivery_statuses"].insert_many([shop.delivery(order) for _ in range(number)])
        await database["billing_records"].insert_many([shop.bill(order) for _ in range(number)])
        if not notes:
            await shop.stock(database, orders=order)
        events = await timeline(database, support, "o1")
        counts = Counter(each.source for each in events)
        assert counts["delivery"] == counts["bill"] == MOST_NAMING + notes // 2
        assert [each.what for each in events if each.at is None and each.what.startswith("only")] == [
            "only 200 of the deliveries are listed", "only 200 of the billing records are listed",
        ][:notes]  # fmt: skip


async def test_a_hundred_messages_of_which_all_are_told_have_no_note(database: Database, support: Operator) -> None:
    written = [message("cust-1", f"2026-10-15T01:{n % 60:02d}:00+00:00") for n in range(100)]
    before = message("cust-1", "2026-10-01T06:00:00+00:00")
    await shop.stock(database, orders=shop.order(id="o1"), notifications_log=[before, *written])
    events = [each for each in await timeline(database, support, "o1") if each.source == "message"]
    assert len(events) == 100
    assert all(each.at for each in events)


async def test_a_viewer_sees_no_phone(database: Database, viewer: Operator, support: Operator) -> None:
    await history_of_one(database)
    phone = {"$set": dict.fromkeys(PHONED, "call 9876543210")}
    for name in ("delivery_actions", "payment_transactions", "delivery_statuses", "notifications_log", "audit_logs"):
        await database[name].update_many({}, phone)
    assert "9876543210" not in str(await timeline(database, viewer, "o1"))
    told = await timeline(database, support, "o1")
    assert {each.source for each in told if "9876543210" in str(each)} == {
        "delivery", "action", "payment", "message", "audit",
    }  # fmt: skip


PHONED = (
    "action", "delivery_boy_name", "notes", "payment_method", "created_by", "confirmed_by_name", "confirmation_method",
    "status", "type", "error_message", "user_id",
)  # fmt: skip
BROKEN: list[object] = [
    None, [], {}, 7, float("nan"), "31 February", "\x1b[31m", ObjectId("6b036adf61609e6bf849a41c"), Decimal128("NaN"),
    datetime(1, 1, 1, tzinfo=UTC), True,
]  # fmt: skip


@pytest.mark.parametrize("value", BROKEN, ids=repr)
async def test_no_document_however_broken_breaks_it(database: Database, support: Operator, value: object) -> None:
    order = shop.order(id="o1", created_at=value, delivered_at=value, items=value, status=value, billed_month=value)
    fields = (
        "timestamp", "created_at", "confirmed_at", "confirmed_by_name", "confirmation_method", "status", "action",
        "notes",
        "user_id", "amount", "payment_method", "created_by", "phone", "type", "error_message", "changes", "sent_at",
        "delivery_boy_id", "before", "after", "id", "items", "payment_status", "run", "state", "message",
    )  # fmt: skip
    odd = dict.fromkeys(fields, value)
    await shop.stock(
        database, orders=order, delivery_statuses={**odd, "order_id": "o1"},
        billing_records={**odd, "order_id": "o1", "month": "2026-10"}, delivery_actions={**odd, "order_id": "o1"},
        payment_transactions={**odd, "customer_id": "cust-1", "month": "2026-10"},
        notifications_log={**odd, "reference_id": "o1"}, console_outbox={**odd, "_id": "reminder:o1"},
        audit_logs=[{**odd, "table": "orders", "record_id": "o1"},
                    {**odd, "resource_type": "order", "resource_id": "o1"}],
    )  # fmt: skip
    events = await timeline(database, support, "o1")
    sources = {event.source for event in events}
    assert {"order", "delivery", "bill", "action", "payment", "message", "audit"} == sources
    dated = [event.at for event in events if event.at]
    assert dated == sorted(dated, reverse=True)


@pytest.mark.parametrize(
    ("fields", "at", "told"),
    [
        ({"state": "held"}, 6, "payment reminder held"),
        ({"state": "cancelled", "reason": "she called", "cancelled_at": "2026-11-03T09:00:00+00:00"}, 9,
         "payment reminder cancelled: she called"),
        ({"state": "cancelled", "reason": "she called"}, 6,
         "payment reminder made, and cancelled at a time that is not stored: she called"),
        ({"state": "cancelled", "cancelled_at": "soon"}, 6,
         "payment reminder made, and cancelled at a time that is not stored"),
    ],
)  # fmt: skip
async def test_a_reminder_that_was_never_released_stands_where_it_was_cancelled(
    database: Database, support: Operator, fields: Document, at: int, told: str
) -> None:
    row = {"_id": "reminder:o1", "run": "run-1", "created_at": "2026-11-03T06:00:00+00:00", **fields}
    await shop.stock(database, orders=shop.order(id="o1"), console_outbox=row)
    (event,) = [each for each in await timeline(database, support, "o1") if each.source == "message"]
    assert (event.at, event.what) == (datetime(2026, 11, 3, at, tzinfo=UTC), told)


async def test_an_order_that_is_gone_is_told(database: Database, viewer: Operator) -> None:
    with pytest.raises(NotFound):
        await timeline(database, viewer, "o" * 10_000)
