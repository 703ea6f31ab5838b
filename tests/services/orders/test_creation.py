"""Making an order: priced, checked by every validator that applies, and once."""

import asyncio
import dataclasses
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from services.clock import Clock
from services.database import Database, Document
from services.errors import Conflict, ConsoleError, Refused
from services.operators.operator import Operator
from services.orders.creation import Created, NewOrder, create_order, preview_order
from services.orders.editing import OrderEdit, open_order, preview_update, update_order
from services.validation.check import check_order
from tests.services.orders.ordering import TOMORROW, change, stock, stored

WHOLE = {"address_line1": "12, 4th Cross", "city": "Bengaluru", "pincode": "560041", "area": "Jayanagar"}
RECORD = {"id": "adr-1", "user_id": "user-1", "label": "Home", "address_line1": "5, Temple Road", "city": "Mysuru",
          "pincode": "570001", "latitude": 12.3, "longitude": 76.6, "is_default": True}  # fmt: skip


def milk(day: date = TOMORROW, **fields: Any) -> NewOrder:
    return NewOrder("cust-1", {"milk": Decimal(1)}, day, **fields)


async def test_a_new_order_is_priced_validated_and_stored_as_the_backend_would(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database, delivery_date="2026-11-24")
    new = NewOrder("user-1", {"milk": Decimal(2), "curd": Decimal("0.5")}, TOMORROW, notes="gate 2")
    shown = await preview_order(database, support, clock, new)
    assert await database["orders"].count_documents({}) == 1
    assert (shown.customer_id, shown.customer_name, shown.amount_paise) == ("cust-1", "Asha Rao", 6048)
    assert shown.refusal is None
    made = await create_order(database, support, clock, new)
    order = await database["orders"].find_one({"id": made.order_id})
    assert order is not None
    assert made.order_id.startswith("ord_")
    assert (order["customer_id"], order["user_id"], order["status"]) == ("cust-1", "user-1", "PENDING")
    assert (type(order["total_amount"]), order["total_amount"], order["billed"]) == (float, 60.48, False)
    assert order["address"] == WHOLE
    entry = await database["audit_logs"].find_one({"record_id": made.order_id})
    assert entry is not None
    assert (entry["action"], entry["changes"]) == ("CREATE", {})
    for broken, code in (
        (NewOrder("nobody", {"milk": Decimal(1)}, TOMORROW), "unknown-customer"),
        (NewOrder("cust-1", {}, date(2026, 11, 26)), "no-items"),
        (milk(date(2026, 11, 21)), "date-past"), (milk(delivery_boy_id="boy-3"), "person-inactive"),
        (milk(date(2026, 11, 27), address="7, MG Road, Bengaluru 012345"), "pincode-malformed"),
        (milk(notes="\x1b"), "bad-text"), (milk(), "order-duplicate"),
    ):  # fmt: skip
        with pytest.raises(ConsoleError) as refused:
            await create_order(database, support, clock, broken)
        assert refused.value.code == code
    assert await database["orders"].count_documents({}) == 2


async def test_the_preview_says_what_every_rule_answers_and_writes_nothing(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await database["customers_v2"].update_one({}, {"$set": {"phone": "", "delivery_boy_id": "boy-2"}})
    shown = await preview_order(database, support, clock, milk(date(2028, 1, 1), address="7, MG Road, Mysuru 570001"))
    assert {each.validator: each.result.code for each in shown.checks} == {
        "order.customer-exists": None, "order.user-matches-customer": None, "order.items": None, "order.total": None,
        "order.delivery-date": "date-far", "order.no-duplicate": None, "address.phone": "phone-missing",
        "address.pincode": None, "delivery.person-active": None,
    }  # fmt: skip
    assert (shown.refusal, shown.delivery_person) == (None, "Suresh")
    twin = await preview_order(database, support, clock, milk())
    assert twin.refusal is not None
    assert (twin.refusal.result.code, twin.beside) == ("order-duplicate", ("o1",))
    assert await database["orders"].count_documents({}) == 1
    assert await database["console_turns"].count_documents({}) == 0


@pytest.mark.parametrize(
    ("customer", "records", "typed", "expected"),
    [
        ("12, 4th Cross, Bengaluru - 560 041", [], "", WHOLE | {"pincode": "560 041"}),
        ("12, 4th Cross", [RECORD], "", {k: v for k, v in RECORD.items() if k not in ("id", "user_id", "is_default")}),
        ("12, 4th Cross", [RECORD | {"is_default": False, "pincode": ""}, RECORD | {"id": "adr-2"}], "", "adr-2"),
        ("12, 4th Cross, Bengaluru 560041", [], "1, New Road", WHOLE | {"address_line1": "1, New Road"}),
        ("12, 4th Cross", [RECORD], "1, New Road",
         {"address_line1": "1, New Road", "city": "Mysuru", "pincode": "570001"}),
        ("12, 4th Cross", [], "1, New Road, Hubballi, 580020",
         {"address_line1": "1, New Road", "city": "Hubballi", "pincode": "580020", "area": "Jayanagar"}),
        (dict(WHOLE, state="Karnataka"), [], "", dict(WHOLE, state="Karnataka")),
    ],
)  # fmt: skip
async def test_the_address_is_the_customers_or_as_typed_and_whole(
    database: Database, support: Operator, clock: Clock, customer: object, records: list[Document], typed: str,
    expected: object,
) -> None:  # fmt: skip
    await stock(database, delivery_date="2026-11-24")
    await database["customers_v2"].update_one({}, {"$set": {"address": customer}})
    for record in records:
        await database["addresses"].insert_one({**record})
    document = (await create_order(database, support, clock, milk(address=typed))).document
    if isinstance(expected, str):
        assert document["address_id"] == expected
        return
    assert document["address"] == expected
    assert document["address_id"] == ("adr-1" if records and not typed else None)
    checked = await check_order(database, support, clock, document["id"])
    assert [each for each in checked.checks if not each.result.ok] == []


@pytest.mark.parametrize(
    ("customer", "typed", "code"),
    [("12, 4th Cross", "", "address-incomplete"), ("12, 4th Cross", "1, New Road", "address-incomplete"),
     ("", "", "no-address"), (None, "", "no-address"), ("1, Main, Hubballi 80020", "", "pincode-malformed")],
)  # fmt: skip
async def test_an_address_that_is_not_whole_is_refused_with_how_one_is_written(
    database: Database, support: Operator, clock: Clock, customer: object, typed: str, code: str
) -> None:
    await stock(database, delivery_date="2026-11-24")
    await database["customers_v2"].update_one({}, {"$set": {"address": customer}})
    with pytest.raises(ConsoleError) as refused:
        await create_order(database, support, clock, milk(address=typed))
    assert refused.value.code == code
    assert await database["orders"].count_documents({}) == 1


async def test_another_address_is_checked_and_is_no_longer_the_one_on_record(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database, address={**WHOLE, "landmark": "Park", "latitude": 12.9, "longitude": 77.6}, address_id="a1")
    changed = await change(database, support, clock, address="9, MG Road, Mysuru 570001")
    assert changed.keys() == {"address_id"} | {
        f"address.{name}" for name in ("address_line1", "city", "pincode", "latitude", "longitude", "landmark", "area")
    }
    order = await stored(database)
    assert order["address"] == {"address_line1": "9, MG Road", "city": "Mysuru", "pincode": "570001"}
    assert order["address_id"] is None
    await database["orders"].update_one({"id": "o1"}, {"$unset": {"address.pincode": ""}})
    with pytest.raises(Refused) as refused:
        await change(database, support, clock, address="10, MG Road")
    assert refused.value.code == "address-incomplete"
    assert "STREET, CITY PINCODE" in refused.value.message


async def test_of_two_operators_in_the_same_instant_the_second_is_told_of_the_first(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database, delivery_date="2026-12-31")
    for day in range(1, 9):
        new = milk(date(2026, 12, day))
        done = await asyncio.gather(
            *(create_order(database, operator, clock, new) for operator in (support, ops, Operator("asha", ("ops",)))),
            return_exceptions=True,
        )
        (made,) = [each for each in done if isinstance(each, Created)]
        told = [each for each in done if isinstance(each, Refused)]
        assert [(each.code, made.order_id in each.message) for each in told] == [("order-duplicate", True)] * 2
        assert await database["orders"].count_documents({"delivery_date": new.delivery_date.isoformat()}) == 1
    # Moving an order to the day opens one there, too.
    seen = (await open_order(database, ops, "o1")).seen
    moved = update_order(database, ops, clock, "o1", OrderEdit(delivery_date=date(2026, 12, 20)), seen)
    both = await asyncio.gather(
        moved, create_order(database, support, clock, milk(date(2026, 12, 20))), return_exceptions=True
    )
    assert [each.code for each in both if isinstance(each, Refused)] == ["order-duplicate"]
    assert await database["orders"].count_documents({"delivery_date": "2026-12-20"}) == 1


async def test_a_second_order_is_made_beside_the_one_that_is_known_and_beside_no_other(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database)
    second = milk(beside=(await preview_order(database, support, clock, milk())).beside)
    done = await asyncio.gather(
        *(create_order(database, operator, clock, second) for operator in (support, ops)), return_exceptions=True
    )
    assert sorted(type(each).__name__ for each in done) == ["Created", "Refused"]
    third = dataclasses.replace(second, beside=(await preview_order(database, support, clock, second)).beside)
    await create_order(database, support, clock, third)
    assert await database["orders"].count_documents({"delivery_date": "2026-11-23"}) == 3


@pytest.mark.parametrize(
    ("said", "same"),
    [("2026-11-23T06:00:00", True), ("2026-11-22T19:00:00+00:00", True), ("2026-11-24T01:00:00+09:00", True),
     (datetime(2026, 11, 22, 18, 30, tzinfo=UTC), True), (datetime(2026, 11, 23, 18, 29, tzinfo=UTC), True),
     ("2026-11-22", False), ("2026-11-24", False), ("2026-11-23T19:00:00+00:00", False),
     (datetime(2026, 11, 23, 18, 30, tzinfo=UTC), False)],
)  # fmt: skip
async def test_an_open_order_is_known_in_whatever_form_it_says_its_day(
    emptied: Database, support: Operator, clock: Clock, said: object, same: bool
) -> None:
    await stock(emptied, delivery_date=said)
    shown = await preview_order(emptied, support, clock, milk())
    assert shown.beside == (("o1",) if same else ())
    assert (shown.refusal is not None) is same


async def test_no_other_order_is_made_than_the_one_that_was_shown(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database, delivery_date="2026-11-24")
    shown = await preview_order(database, support, clock, milk(notes="gate 2"))
    await database["customers_v2"].update_one({}, {"$set": {"custom_product_prices.milk": 1234.5}})
    with pytest.raises(Conflict) as refused:
        await create_order(database, support, clock, milk(notes="gate 2"), shown)
    assert refused.value.code == "changed-meanwhile"
    assert "came to ₹27.15 and comes to ₹1,234.50 now; items, total amount would differ" in refused.value.message
    await database["customers_v2"].update_one({}, {"$set": {"custom_product_prices.milk": 27.15, "address": WHOLE}})
    assert await create_order(database, support, clock, milk(notes="gate 2"), shown)
    shown = await preview_order(database, support, clock, milk(date(2026, 11, 26)))
    for customer in ({"delivery_boy_id": "boy-2"}, {"address": WHOLE | {"address_line1": "9, New Road"}}):
        await database["customers_v2"].update_one({}, {"$set": customer})
        with pytest.raises(Conflict) as refused:
            await create_order(database, support, clock, milk(date(2026, 11, 26)), shown)
        assert f"as before; {next(iter(customer)).removesuffix('_id').replace('_', ' ')}" in refused.value.message
    assert await database["orders"].count_documents({}) == 2


async def test_no_other_change_is_written_than_the_one_that_was_shown(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    seen, edit = (await open_order(database, support, "o1")).seen, OrderEdit(items={"curd": Decimal(2)}, notes="gate 2")
    shown = await preview_update(database, support, clock, "o1", edit, seen)
    await database["products"].update_one({"id": "curd"}, {"$set": {"price": 99.0}})
    with pytest.raises(Conflict) as refused:
        await update_order(database, support, clock, "o1", edit, seen, shown)
    assert refused.value.code == "changed-meanwhile"
    assert "came to ₹24.70 and comes to ₹198.00 now; items, total amount would differ" in refused.value.message
    assert (await stored(database))["notes"] == ""
    again = await preview_update(database, support, clock, "o1", edit, seen)
    await update_order(database, support, clock, "o1", edit, seen, again)
    assert (await stored(database))["total_amount"] == 198.0


async def test_an_order_is_not_moved_to_a_day_that_has_another(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    made = await create_order(database, support, clock, milk(date(2026, 11, 25)))
    with pytest.raises(Refused) as refused:
        await change(database, support, clock, delivery_date=date(2026, 11, 25))
    assert refused.value.code == "order-duplicate"
    assert made.order_id in refused.value.message
    assert await change(database, support, clock, delivery_date=date(2026, 11, 25), beside=(made.order_id,)) == {
        "delivery_date": ("2026-11-23", "2026-11-25")
    }


async def test_orders_of_the_user_who_points_at_the_customer_are_known(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await database["customers_v2"].update_one({}, {"$set": {"user_id": None}})
    await database["users"].insert_one({"id": "user-1", "customer_v2_id": "cust-1"})
    with pytest.raises(Refused) as refused:
        await create_order(database, support, clock, milk())
    assert refused.value.code == "order-duplicate"
    made = await create_order(database, support, clock, milk(date(2026, 11, 25)))
    assert made.document["user_id"] == "user-1"


async def test_a_product_costs_what_a_statement_would_charge(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database, delivery_date="2026-11-24")
    prices: list[tuple[object, object, float]] = [
        (27.15, 28.0, 27.15), ("n/a", 28.0, 28.0), (-1.0, 28.0, 28.0), (None, float("nan"), 30.0), (1e12, None, 30.0),
        (0, 28.0, 28.0),
    ]  # fmt: skip
    for own, default, price in prices:
        await database["customers_v2"].update_one({}, {"$set": {"custom_product_prices": {"milk": own}}})
        await database["products"].update_one({"id": "milk"}, {"$set": {"default_price": default}})
        new = NewOrder("cust-1", {"milk": Decimal(1), "curd": Decimal(1)}, TOMORROW)
        shown = await preview_order(database, support, clock, new)
        assert shown.document["items"][0]["price"] == (0.0 if own == 0 else price)


async def test_a_quantity_that_stays_the_same_is_no_change(database: Database, support: Operator, clock: Clock) -> None:
    items = [
        {"product_id": "milk", "product_name": "Milk", "quantity": 1.5, "unit": "l", "price": 66.4,
         "total": 99.60000000000001},
        {"product": "Old curd", "quantity": 2, "price": 12.35},
    ]  # fmt: skip
    await stock(database, items=items, total_amount=124.30000000000001)
    seen = (await open_order(database, support, "o1")).seen
    same = {"milk": Decimal("1.50"), "Old curd": Decimal(2)}
    with pytest.raises(Refused) as refused:
        await update_order(database, support, clock, "o1", OrderEdit(items=same), seen)
    assert refused.value.code == "nothing-to-change"
    await change(database, support, clock, items=same | {"Old curd": Decimal(3)})
    order = await stored(database)
    assert order["items"][0] == items[0]
    assert (order["items"][1]["total"], order["total_amount"]) == (37.05, 136.65)


@pytest.mark.parametrize(
    ("quantity", "words"),
    [("1e309", "1e309 is too large for the quantity of 'Milk'"), ("100001", "100001 is too large"),
     ("1e-7", "1e-7 of 'Milk' comes to less than a paisa; type more."),
     ("NaN", "Type a number above 0 as the quantity of 'Milk'"), ("-1", "Type a number above 0")],
)  # fmt: skip
async def test_a_quantity_that_is_none_is_told_with_the_name(
    database: Database, support: Operator, clock: Clock, quantity: str, words: str
) -> None:
    await stock(database, delivery_date="2026-11-24")
    with pytest.raises(ConsoleError) as refused:
        await create_order(database, support, clock, NewOrder("cust-1", {"milk": Decimal(quantity)}, TOMORROW))
    assert refused.value.code == "bad-quantity"
    assert words in refused.value.message
