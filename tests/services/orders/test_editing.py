"""Making, changing and cancelling orders: validated, as seen, audited, and taken back."""

from datetime import date
from decimal import Decimal

import pytest

from services.clock import Clock
from services.database import Database
from services.deployment.indexes import apply
from services.errors import BadRequest, Conflict, ConsoleError, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from services.orders.creation import NewOrder, create_order
from services.orders.editing import OrderEdit, cancel_order, open_order, preview_update, update_order
from services.orders.undoing import undo_edit
from tests.explaining import watch
from tests.services.orders.ordering import TOMORROW, change, everything, stock, stored


async def test_an_edit_is_shown_field_by_field_then_done_and_audited(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    changed = await change(
        database, support, clock, address="7, MG Road", notes="ring\ntwice", delivery_date=date(2026, 11, 25),
        delivery_boy_id="sur", items={"eggs": Decimal("1.5"), "milk": Decimal(3), "curd": Decimal(1)},
    )  # fmt: skip
    assert changed["address.address_line1"] == ("12, 4th Cross", "7, MG Road")
    assert changed["delivery_date"] == ("2026-11-23", "2026-11-25")
    assert changed["delivery_boy_id"] == ("boy-1", "boy-2")
    order = await stored(database)
    assert order["address"] == {"address_line1": "7, MG Road", "city": "Bengaluru", "pincode": "560041"}
    assert [(item["product_id"], item["quantity"], item["price"], item["total"]) for item in order["items"]] == [
        ("eggs", 1.5, 60.0, 90.0), ("milk", 3, 27.15, 81.45), ("curd", 1, 12.35, 12.35),
    ]  # fmt: skip
    assert order["total_amount"] == 183.8
    assert changed["total_amount"] == (180.0, 183.8)
    (entry,) = await database["audit_logs"].find({}).to_list()
    assert (entry["action"], entry["user_id"]) == ("UPDATE", "sam")
    assert entry["changes"].keys() == changed.keys() | {"updated_at", "last_edit_id"}


INVALID: list[tuple[dict[str, object], str]] = [
    ({"address": "  "}, "no-address"), ({"address": "x" * 10_240}, "too-long"), ({"notes": "a\x1b[31m"}, "bad-text"),
    ({"notes": "x" * 2_001}, "too-long"), ({"delivery_date": date(2026, 11, 21)}, "date-past"),
    ({"items": {}}, "no-items"),
    ({"items": {"eggs": Decimal(0)}}, "bad-quantity"), ({"items": {"eggs": Decimal("NaN")}}, "bad-quantity"),
    ({"items": {"eggs": Decimal(-1)}}, "bad-quantity"), ({"items": {"$where": Decimal(1)}}, "unknown-product"),
    ({"items": {"gift": Decimal(1)}}, "no-price"), ({"items": {"eggs": Decimal(5_000)}}, "amount-invalid"),
    ({"delivery_boy_id": "nobody"}, "unknown-delivery-person"), ({"delivery_boy_id": "boy-3"}, "person-inactive"),
    ({"delivery_boy_id": "R"}, "person-ambiguous"), ({"items": {"eggs": Decimal("1e309")}}, "bad-quantity"),
    ({"address": "7, MG Road, Bengaluru 012345"}, "pincode-malformed"),
    ({"delivery_boy_id": '{"$ne": null}'}, "unknown-delivery-person"),
    ({"notes": ""}, "nothing-to-change"), ({}, "nothing-to-change"),
]  # fmt: skip


async def test_a_value_that_is_none_is_refused_and_nothing_written(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    before = await everything(database)
    seen = (await open_order(database, support, "o1")).seen
    for edit, code in INVALID:
        for deed in (preview_update, update_order):
            with pytest.raises(ConsoleError) as refused:
                await deed(database, support, clock, "o1", OrderEdit(**edit), seen)  # type: ignore[arg-type]
            assert refused.value.code == code, edit
    assert await everything(database) == before


@pytest.mark.parametrize(
    ("fields", "code"),
    [({"status": "DELIVERED"}, "order-closed"), ({"status": "Cancelled"}, "order-closed"),
     ({"billed": True}, "already-billed"),
     ({"delivery_confirmed": True}, "order-closed"), ({"status": "Teleported"}, "order-closed")],
)  # fmt: skip
async def test_a_closed_order_takes_notes_and_nothing_else(
    database: Database, support: Operator, clock: Clock, fields: dict[str, object], code: str
) -> None:
    await stock(database, **fields)
    seen = (await open_order(database, support, "o1")).seen
    with pytest.raises(Refused) as refused:
        await update_order(database, support, clock, "o1", OrderEdit(address="x"), seen)
    assert refused.value.code == code
    with pytest.raises(Refused) as kept:
        await cancel_order(database, support, clock, "o1", "asked for")
    assert kept.value.code == code
    assert await change(database, support, clock, notes="called") == {"notes": ("", "called")}


async def test_the_second_of_two_operators_is_told_what_changed_and_by_whom(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database)
    seen = (await open_order(database, support, "o1")).seen
    await change(database, ops, clock, notes="first", delivery_boy_id="boy-2")
    await database["orders"].update_one({"id": "o1"}, {"$set": {"total_amount": 1.0}})
    with pytest.raises(Conflict) as told:
        await update_order(database, support, clock, "o1", OrderEdit(notes="second"), seen)
    words = told.value.message
    assert "notes by olga, 2026-11-22 10:00" in words
    assert "delivery boy id by olga" in words
    assert "total amount by the backend" in words
    assert (await stored(database))["notes"] == "first"
    assert await change(database, support, clock, notes="second") == {"notes": ("first", "second")}


async def test_an_order_is_cancelled_with_a_reason_and_taken_back(
    database: Database, support: Operator, clock: Clock
) -> None:
    before = await stock(database)
    for reason in ("", "  ", "x" * 501, "\x07"):
        with pytest.raises(BadRequest):
            await cancel_order(database, support, clock, "o1", reason)
    cancelled = await cancel_order(database, support, clock, "o1", "customer is away")
    assert {each.field: each.new for each in cancelled.changes}["status"] == "CANCELLED"
    assert (await stored(database))["cancel_reason"] == "customer is away"
    await undo_edit(database, support, clock, "o1", "she is back")
    order = await stored(database)
    assert {name: value for name, value in order.items() if name in before and name != "updated_at"} == before
    assert "cancel_reason" not in order
    with pytest.raises(Refused) as again:
        await undo_edit(database, support, clock, "o1", "twice")
    assert again.value.code == "nothing-to-undo"
    assert await database["audit_logs"].count_documents({"record_id": "o1"}) == 2


async def test_only_support_may_and_an_order_that_is_gone_is_told(
    database: Database, viewer: Operator, auditor: Operator, support: Operator, clock: Clock
) -> None:
    await stock(database)
    for operator in (viewer, auditor):
        with pytest.raises(NotPermitted):
            await open_order(database, operator, "o1")
        with pytest.raises(NotPermitted):
            await update_order(database, operator, clock, "o1", OrderEdit(notes="x"), {})
        with pytest.raises(NotPermitted):
            await cancel_order(database, operator, clock, "o1", "x")
        with pytest.raises(NotPermitted):
            await undo_edit(database, operator, clock, "o1", "x")
        with pytest.raises(NotPermitted):
            await create_order(database, operator, clock, NewOrder("cust-1", {}, TOMORROW))
    seen = (await open_order(database, support, "o1")).seen
    await database["orders"].delete_one({"id": "o1"})
    with pytest.raises(NotFound):
        await update_order(database, support, clock, "o1", OrderEdit(notes="typed"), seen)
    assert await database["audit_logs"].count_documents({}) == 0


async def test_every_question_of_an_edit_has_its_index(database: Database, ops: Operator, clock: Clock) -> None:
    await stock(database)
    await apply(database, ops)
    (await watch(database, change(database, ops, clock, notes="x", items={"milk": Decimal(1)}))).assert_indexed()
    new = NewOrder("cust-1", {"curd": Decimal(1)}, date(2026, 11, 28))
    (await watch(database, create_order(database, ops, clock, new))).assert_indexed()
    (await watch(database, undo_edit(database, ops, clock, "o1", "wrong"))).assert_indexed()
