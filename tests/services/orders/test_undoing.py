"""Taking an order's last edit back."""

from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal

import bson
import pytest

from services.audit.chain import GENESIS, write_hash
from services.changes.changeset import AUDIT_LOGS
from services.clock import Clock
from services.database import Database, Document
from services.deliveries.confirmation import confirm_delivery
from services.deliveries.undo import undo_confirmation
from services.errors import Conflict, Refused
from services.operators.operator import Operator
from services.orders.creation import NewOrder, create_order, preview_order
from services.orders.editing import OrderEdit, cancel_order, open_beside, open_order, preview_update
from services.orders.undoing import preview_undo, undo_edit
from tests.services.orders.ordering import TOMORROW, change, everything, stock, stored


async def refusal(database: Database, operator: Operator, clock: Clock) -> Refused:
    """Why the last edit cannot be taken back; nothing is written."""
    before = await everything(database)
    with pytest.raises(Refused) as refused:
        await undo_edit(database, operator, clock, "o1", "wrong")
    assert await everything(database) == before
    return refused.value


async def test_an_edit_is_taken_back_only_while_nothing_later_rests_on_it(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database)
    assert "no change of it is on record" in (await refusal(database, support, clock)).message
    await confirm_delivery(database, ops, clock, "o1", early=True)
    words = (await refusal(database, support, clock)).message
    assert "what happened to it last is DELIVERED of status, delivered_at, delivery_confirmed" in words
    assert "by olga, 2026-11-22 10:00" in words
    await undo_confirmation(database, ops, clock, "o1", "the wrong house")
    await change(database, support, clock, notes="a", items={"milk": Decimal(1)})
    await database["orders"].update_one({"id": "o1"}, {"$set": {"notes": "the backend's"}})
    changed = await refusal(database, ops, clock)
    assert changed.code == "changed-since"
    assert "the edit by sam, 2026-11-22 10:00" in changed.message
    assert "notes by the backend, which keeps no trace" in changed.message
    await database["orders"].update_one({"id": "o1"}, {"$set": {"notes": "a", "billed": True}})
    assert (await refusal(database, support, clock)).code == "already-billed"
    await database["orders"].update_one({"id": "o1"}, {"$set": {"billed": False}})
    shown = await preview_undo(database, support, clock, "o1")
    assert (await undo_edit(database, support, clock, "o1", "wrong")) == shown
    assert {each.field for each in shown.changes} == {"notes", "items", "total_amount"}
    assert ((await stored(database))["notes"], (await stored(database))["total_amount"]) == ("", 180.0)


async def test_edits_are_taken_back_one_by_one_whatever_their_writers_clocks_say(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    before = await stock(database)
    await change(database, support, clock, notes="first", delivery_date=date(2026, 11, 25))
    await change(database, ops, lambda: clock() - timedelta(minutes=7), notes="second")
    await change(database, support, lambda: clock() - timedelta(minutes=3), delivery_boy_id="boy-2")
    left = []
    for _ in range(3):
        await undo_edit(database, support, lambda: clock() - timedelta(hours=1), "o1", "wrong")
        order = await stored(database)
        left.append((order["notes"], order["delivery_date"], order["delivery_boy_id"]))
    assert left == [("second", "2026-11-25", "boy-1"), ("first", "2026-11-25", "boy-1"), ("", "2026-11-23", "boy-1")]
    bookkeeping = ("updated_at", "undone", "undo_reason")
    assert {name: value for name, value in order.items() if name not in bookkeeping} == {
        name: value for name, value in before.items() if name not in bookkeeping
    }
    nothing = await refusal(database, support, clock)
    assert nothing.code == "nothing-to-undo"
    assert "taken back already" in nothing.message


async def rewrite(database: Database, matching: Document, values: Mapping[str, object], *, rehash: bool) -> None:
    """Alter an audit entry behind the console's back, with `rehash` so that its own hash fits again."""
    await database[AUDIT_LOGS].update_one(matching, {"$set": values})
    entry = await database[AUDIT_LOGS].find_one(matching)
    assert entry is not None
    if rehash:
        import hashlib

        blank = {**entry, "chain": {**entry["chain"], "hash": GENESIS}}
        digest = write_hash(hashlib.sha256(bson.encode(blank)).digest())
        await database[AUDIT_LOGS].update_one(matching, {"$set": {"chain.hash": digest}})


@pytest.mark.parametrize("rehash", [False, True])
async def test_nothing_is_restored_from_an_altered_entry(
    database: Database, support: Operator, clock: Clock, rehash: bool
) -> None:
    await stock(database)
    await change(database, support, clock, notes="a")
    if rehash:  # the writer's next entry goes on from the hash that was
        await confirm_delivery(database, support, clock, "o1", early=True)
        await undo_confirmation(database, support, clock, "o1", "wrong")
    await rewrite(database, {"changes.notes": {"$exists": True}}, {"before.notes": "forged"}, rehash=rehash)
    assert (await refusal(database, support, clock)).code == "entry-altered"
    assert (await stored(database))["notes"] == "a"


async def test_no_confirmation_is_taken_back_by_an_altered_entry(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await confirm_delivery(database, support, clock, "o1", early=True)
    await rewrite(database, {"table": "orders"}, {"before.status": "CANCELLED"}, rehash=False)
    with pytest.raises(Refused) as refused:
        await undo_confirmation(database, support, clock, "o1", "wrong")
    assert refused.value.code == "entry-altered"
    assert (await stored(database))["status"] == "DELIVERED"


async def test_an_entry_that_is_gone_is_told(database: Database, support: Operator, clock: Clock) -> None:
    await stock(database)
    await change(database, support, clock, notes="a")
    await database[AUDIT_LOGS].delete_many({})
    assert (await refusal(database, support, clock)).code == "no-image"


async def test_notes_that_changed_after_a_confirmation_are_named_stay_and_can_be_taken_back(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database)
    await confirm_delivery(database, support, clock, "o1", early=True)
    await change(database, ops, clock, notes="ring twice")
    undone = await undo_confirmation(database, support, clock, "o1", "wrong")
    assert undone.kept == {"notes": "by olga, 2026-11-22 10:00"}
    assert (await stored(database))["notes"] == "ring twice"
    await undo_edit(database, support, clock, "o1", "quiet")
    assert (await stored(database))["notes"] == ""


async def test_what_somebody_changed_since_a_confirmation_is_told_with_who_and_when(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await confirm_delivery(database, support, clock, "o1", early=True)
    await database["orders"].update_one({"id": "o1"}, {"$set": {"status": "CANCELLED"}})
    with pytest.raises(Refused) as refused:
        await undo_confirmation(database, support, clock, "o1", "wrong")
    assert "orders.status by the backend, which keeps no trace" in refused.value.message


async def test_what_was_ordered_is_not_changed_back_under_a_delivery(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await change(database, support, clock, items={"milk": Decimal(3)})
    await database["orders"].update_one({"id": "o1"}, {"$set": {"delivered_at": "2026-11-22T01:00:00+00:00"}})
    await database["orders"].update_one({"id": "o1"}, {"$set": {"status": "DELIVERED"}})
    assert (await refusal(database, support, clock)).code == "order-closed"


async def test_neither_a_cancellation_nor_another_day_is_taken_back_where_the_customer_ordered_anew(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await cancel_order(database, support, clock, "o1", "customer is away")
    made = await create_order(database, support, clock, NewOrder("cust-1", {"milk": Decimal(1)}, TOMORROW))
    assert (await refusal(database, support, clock)).code == "order-duplicate"
    await cancel_order(database, support, clock, made.order_id, "once is enough")
    await undo_edit(database, support, clock, "o1", "she is back")
    await change(database, support, clock, delivery_date=date(2026, 11, 25))
    await create_order(database, support, clock, NewOrder("cust-1", {"milk": Decimal(1)}, TOMORROW))
    assert (await refusal(database, support, clock)).code == "order-duplicate"


async def test_an_edit_that_is_not_the_one_shown_is_not_taken_back(
    database: Database, support: Operator, ops: Operator, clock: Clock
) -> None:
    await stock(database)
    for note in ("first", "second"):
        await change(database, support, clock, notes=note)
    shown = await preview_undo(database, support, clock, "o1")
    await undo_edit(database, ops, lambda: clock() + timedelta(hours=1), "o1", "wrong", edit=shown.edit)
    before = await everything(database)
    with pytest.raises(Conflict) as refused:
        await undo_edit(database, support, clock, "o1", "wrong", edit=shown.edit)
    assert refused.value.code == "changed-meanwhile"
    assert "another by now, by olga, 2026-11-22 11:00" in refused.value.message
    assert await everything(database) == before
    assert before["orders"][0]["notes"] == "first"


@pytest.mark.parametrize("values", [{"delivery_date": "2026-12-01"}, {"items": []}, {"user_id": "user-9"}])
async def test_an_order_is_open_again_only_as_it_was_looked_at(
    database: Database, support: Operator, clock: Clock, values: Document
) -> None:
    await stock(database)
    await change(database, support, clock, notes="ring twice")
    await cancel_order(database, support, clock, "o1", "customer is away")
    shown = await preview_undo(database, support, clock, "o1")
    await database["orders"].update_one({"id": "o1"}, {"$set": values})
    before = await everything(database)
    with pytest.raises(Conflict, match="changed since you looked"):
        await undo_edit(database, support, clock, "o1", "she is back", edit=shown.edit, seen=shown.seen)
    assert await everything(database) == before
    shown = await preview_undo(database, support, clock, "o1")
    await undo_edit(database, support, clock, "o1", "she is back", edit=shown.edit, seen=shown.seen)
    await database["orders"].update_one({"id": "o1"}, {"$set": {"delivery_date": "2026-12-02"}})
    await undo_edit(database, support, clock, "o1", "no need", seen=shown.seen)  # a note opens nothing
    assert (await stored(database))["notes"] == before["orders"][0].get("notes", "").replace("ring twice", "")


async def test_an_order_that_is_meant_beside_another_is_restored_beside_it(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    second = await create_order(
        database, support, clock, NewOrder("cust-1", {"milk": Decimal(1)}, TOMORROW, beside=("o1",))
    )
    await cancel_order(database, support, clock, "o1", "once is enough")
    shown = await preview_undo(database, support, clock, "o1")
    assert shown.refusal is not None
    assert (shown.refusal.result.code, shown.beside) == ("order-duplicate", (second.order_id,))
    assert (await refusal(database, support, clock)).code == "order-duplicate"
    await undo_edit(database, support, clock, "o1", "twice after all", edit=shown.edit, beside=shown.beside)
    assert (await stored(database))["status"] == "pending"


async def test_only_one_time_orders_must_be_alone_on_their_day_as_when_they_are_moved(
    database: Database, support: Operator, clock: Clock
) -> None:
    order = await stock(database, order_type="subscription", subscription_id="s1")
    await cancel_order(database, support, clock, "o1", "away")
    await database["orders"].insert_one({**order, "_id": bson.ObjectId(), "id": "o2"})
    await undo_edit(database, support, clock, "o1", "back")
    assert (await stored(database))["status"] == "pending"


async def test_no_cancellation_is_taken_back_under_a_confirmed_delivery(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await cancel_order(database, support, clock, "o1", "away")
    await database["orders"].update_one({"id": "o1"}, {"$set": {"delivery_confirmed": True}})
    refused = await refusal(database, support, clock)
    assert (refused.code, "confirmed" in refused.message) == ("order-closed", True)


async def test_notes_of_a_billed_order_are_changed_and_taken_back(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database, status="DELIVERED", billed=True, notes="gate 2")
    await database["billing_records"].insert_one({"order_id": "o1", "month": "2026-11"})
    await change(database, support, clock, notes="gate 3")
    await undo_edit(database, support, clock, "o1", "it was right")
    assert (await stored(database))["notes"] == "gate 2"


async def test_a_reason_is_kept_as_it_was_cleaned(database: Database, support: Operator, clock: Clock) -> None:
    await stock(database)
    await cancel_order(database, support, clock, "o1", "  away \r\n until May ")
    entry = await database[AUDIT_LOGS].find_one({"record_id": "o1"})
    assert entry is not None
    assert entry["meta"]["reason"] == (await stored(database))["cancel_reason"] == "away \n until May"


async def test_who_only_looks_waits_for_no_change_of_the_operators_own(
    database: Database, support: Operator, clock: Clock
) -> None:
    await stock(database)
    await change(database, support, clock, notes="a")
    seen = (await open_order(database, support, "o1")).seen
    async with support.trail.own.turn:
        assert (await preview_update(database, support, clock, "o1", OrderEdit(notes="b"), seen)).changes
        assert (await preview_undo(database, support, clock, "o1")).changes
        assert (
            await preview_order(database, support, clock, NewOrder("user-1", {"milk": Decimal(1)}, TOMORROW))
        ).beside
        assert await open_beside(database, support, clock, "o1", TOMORROW + timedelta(days=1)) == ()
