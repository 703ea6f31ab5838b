"""Each database role lets its operators do their whole work through the services, and nobody else's."""

import ast
import importlib
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import pytest
from pymongo.errors import OperationFailure

import services
from services.audit.filters import AuditFilters
from services.audit.prove import prove
from services.audit.query import AuditQuery
from services.audit.seal import seal
from services.audit.verify import verify as verify_trail
from services.backfills.approval import approve
from services.backfills.commit import commit
from services.backfills.control import cancel
from services.backfills.lease import shut_out
from services.backfills.preview import latest_plan, preview
from services.backfills.registry import BACKFILLS
from services.backfills.report import report
from services.backfills.rollback import rollback
from services.backfills.rows import list_rows
from services.backfills.runs import LANES, list_runs, show_run
from services.backfills.verification import verify
from services.changes.changeset import AUDIT_LOGS
from services.clock import Clock, utc_now
from services.customers.correction import Correction, correct_customer, open_customer
from services.customers.undoing import undo_correction
from services.database import Database, told
from services.deliveries.confirmation import confirm_delivery
from services.deliveries.day import DayFilters, list_day
from services.deployment import indexes
from services.deployment.roles import TRAIL, grants
from services.errors import Unreachable
from services.operators.directory import add, environment_of, identify, init, list_operators, mark, remove
from services.operators.operator import ROLES, Operator
from services.orders.creation import NewOrder, create_order
from services.orders.detail import show_order
from services.orders.editing import OrderEdit, open_order, update_order
from services.orders.lookup import find_orders
from services.orders.undoing import undo_edit
from services.reminders.cancellation import cancel as cancel_reminders
from services.reminders.listing import list_reminders, survey
from services.reminders.providers.whatsapp import WhatsAppCloud
from services.reminders.release import release
from services.reminders.sender import count_due, send
from services.saved import VIEWS
from tests import shop
from tests.services.deployment.conftest import Secured
from tests.services.reminders.conftest import ENGLISH, QUICK, at
from tests.services.reminders.providing import serving

DAY = date(2026, 11, 22)
TEMPLATE = {"type": "payment_reminder", "channel": "whatsapp", "language": "en", "active": True, "content": ENGLISH}


@pytest.fixture
async def stocked(secured: Secured) -> AsyncIterator[Secured]:
    """Something to do for everybody; the collections stay, as they do in production."""
    late, old = shop.order(id="late", billed=...), shop.order(id="old", billed=..., delivery_confirmed=...)
    milk = [{"product_id": "milk", "product_name": "Milk", "quantity": 1, "price": 30.0}]
    await shop.stock(
        secured.database,
        orders=[
            shop.order(id="o1"), shop.order(id="o2", delivery_date="2026-10-16"), late, old,
            shop.order(id="due", status="pending", delivery_date="2026-11-22", delivered_at=...,
                       delivery_confirmed=..., items=milk),
        ],
        users={"id": "user-1", "name": "Asha Rao", "role": "customer", "phone": "9876543210"},
        billing_records=shop.bill(late),
        delivery_statuses=shop.delivery(shop.order(id="o2", delivery_date="2026-10-16"), order_id=...),
        notification_templates=TEMPLATE | {"id": "en", "name": "payment_reminder_en"},
    )  # fmt: skip
    yield secured
    for name in await secured.database.client[secured.database.name].list_collection_names():
        await secured.database[name].delete_many({})


async def look_around(database: Database, operator: Operator, clock: Clock) -> None:
    """What every operator may do."""
    assert (await find_orders(database, operator, "9876543210")).items
    assert (await find_orders(database, operator, "Asha")).items
    assert (await show_order(database, operator, "o1")).order.id == "o1"
    assert (await list_day(database, operator, DayFilters(DAY))).items
    audit = AuditQuery(database, operator)
    await audit.page(AuditFilters())
    await audit.by_user("sam")
    await audit.by_record("orders", "o1")
    await audit.report(AuditFilters())
    await list_operators(database, operator)
    await identify(database, operator.account, "")
    await environment_of(database)
    assert await indexes.missing(database) == ()
    assert {state.state for state in await indexes.plan(database)} == {"present"}
    for name in BACKFILLS:
        dry = await preview(database, operator, clock, name, store=False)
        assert (dry.run, dry.classes["change"].records > 0) == (None, True), name
        await latest_plan(database, operator, name)
    await list_runs(database, operator)
    await list_reminders(database, operator)
    await count_due(database, operator, clock)
    async with await database[AUDIT_LOGS].watch(max_await_time_ms=10) as following:
        assert await following.try_next() is None


@asynccontextmanager
async def made_operators(secured: Secured, clock: Clock) -> AsyncIterator[dict[str, Operator]]:
    """Operators of every role, the first made by the user of ops itself."""
    async with secured.logged_in("ops") as database:
        await init(database, clock, "olga", "", test=True)
        ops = await identify(database, "olga", "")
        for account, role in (("vera", "viewer"), ("sam", "support"), ("amit", "auditor"), ("omar", "ops")):
            await add(database, ops, clock, account, (role,))  # type: ignore[arg-type]
        await mark(database, ops, clock, "demo")
        yield {account: await identify(database, account, "") for account in ("olga", "vera", "sam", "amit", "omar")}


async def test_a_viewer_looks_at_everything_and_previews(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("viewer") as database:
        await look_around(database, operators["vera"], clock)


async def test_support_makes_changes_and_restores_orders(stocked: Secured, clock: Clock) -> None:
    await stocked.database["products"].insert_one({"id": "milk", "name": "Milk", "price": 30.0})
    async with made_operators(stocked, clock) as operators, stocked.logged_in("support") as database:
        sam, address = operators["sam"], "12, 4th Cross, Bengaluru 560041"
        new = NewOrder("cust-1", {"milk": Decimal(1)}, date(2026, 11, 25), address)
        made = (await create_order(database, sam, clock, new)).order_id
        edit, seen = OrderEdit(delivery_date=date(2026, 11, 26)), (await open_order(database, sam, made)).seen
        await update_order(database, sam, clock, made, edit, seen)
        await undo_edit(database, sam, clock, made, "the day was right")
        assert (await show_order(database, sam, made)).order.delivery_date == date(2026, 11, 25)


@pytest.mark.parametrize(("role", "account"), [("support", "sam"), ("ops", "olga")])
async def test_who_edits_orders_corrects_customers_and_takes_it_back(
    stocked: Secured, clock: Clock, role: Literal["support", "ops"], account: str
) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in(role) as database:
        operator = operators[account]
        seen = (await open_customer(database, operator, "cust-1")).seen
        await correct_customer(database, operator, clock, "cust-1", Correction(user_id=""), seen, "another's account")
        await undo_correction(database, operator, clock, "cust-1", "it was theirs")
        assert (await open_customer(database, operator, "cust-1")).customer.user_id == "user-1"


async def test_support_confirms_deliveries(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("support") as database:
        await look_around(database, operators["sam"], clock)
        assert (await confirm_delivery(database, operators["sam"], clock, "due")).status == "DELIVERED"
        assert (await AuditQuery(database, operators["sam"]).by_user("sam")).items


async def test_an_auditor_seals_and_verifies(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("auditor") as database:
        amit = operators["amit"]
        await look_around(database, amit, clock)
        sealed = await seal(database, amit.trail, utc_now, everything=True)
        found = await verify_trail(database, amit)
        assert sealed is not None
        assert (found.sealed, found.problems) == (sealed.size, ())
        assert (await prove(database, amit, str((await last_entry(stocked))["_id"]))).size == sealed.size


async def test_ops_runs_every_backfill_and_takes_it_back(stocked: Secured, clock: Clock) -> None:
    before = await _business(stocked)
    async with made_operators(stocked, clock) as operators, stocked.logged_in("ops") as database:
        ops = operators["olga"]
        await look_around(database, ops, clock)
        for name in BACKFILLS:
            plan = await preview(database, ops, clock, name)
            assert plan.run, plan.unstored_because
            assert (await list_rows(database, ops, plan.run)).items
            await approve(database, operators["omar"], clock, plan.run, plan.digest)
            done = await commit(database, ops, clock, plan.run, plan.digest)
            assert (done.state, done.verified, done.applied > 0) == ("done", True, True), name
            assert (await verify(database, ops, plan.run)).verified
            await report(database, ops, plan.run)
            back = await rollback(database, ops, clock, plan.run, "a test")
            assert (back.state, back.restored, back.verified) == ("rolled-back", done.applied, True), name
        unwanted = (await preview(database, ops, clock, "bill-one-time-orders")).run
        assert unwanted
        assert (await cancel(database, ops, unwanted)).state == "cancelled"
        assert (await show_run(database, ops, unwanted)).state == "cancelled"
        await remove(database, ops, clock, "omar")
    assert await _business(stocked) == before


async def test_ops_releases_sends_and_cancels_reminders(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("ops") as database:
        ops = operators["olga"]
        for account in ("released", "called-off"):
            plan = await preview(database, ops, clock, "bill-one-time-orders")
            assert plan.run
            await commit(database, ops, clock, plan.run, plan.digest)
            assert (await survey(database, ops, plan.run)).ready.orders > 0, account
            assert (await release(database, ops, at(10), plan.run)).messages == 1
            if account == "released":
                assert (await rollback(database, ops, clock, plan.run, "not yet")).state == "rolled-back"
            else:
                with serving() as server:
                    provider = WhatsAppCloud(server.url, "v23.0", "555", "s3cret-token", {})
                    assert (await send(database, ops, at(10), provider, limits=QUICK)).sent == 1
        await stocked.database["orders"].insert_one(shop.order(id="late-one"))
        plan = await preview(database, ops, clock, "bill-one-time-orders")
        assert plan.run
        await commit(database, ops, clock, plan.run, plan.digest)
        assert (await cancel_reminders(database, ops, clock, plan.run, "paid in cash")).orders == 1


async def test_ops_ends_the_transaction_of_a_dead_runner(stocked: Secured) -> None:
    async with (
        stocked.logged_in("ops") as dead,
        stocked.logged_in("ops") as database,
        dead.client.start_session() as session,
    ):
        await session.start_transaction()
        await dead["orders"].update_one({"id": "o1"}, {"$set": {"billed": True}}, session=session)
        await database[LANES].insert_one({"_id": "run-1/commit/0", "session": session.session_id["id"]})
        await shut_out(database, "run-1", 2)
        # Else its record would be held until the server's limit of a minute, and this would end as a write conflict.
        changed = await database["orders"].update_one({"id": "o1"}, {"$set": {"notes": "free"}})
        assert changed.modified_count == 1
        with pytest.raises(OperationFailure, match="aborted"):
            await session.commit_transaction()


async def test_ops_builds_indexes_save_on_the_trail(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("ops") as database:
        for name in ("orders", AUDIT_LOGS):
            await stocked.database[name].drop_indexes()
        states = await indexes.apply(database, operators["olga"])
        blocked = {state.index.collection: state.reason for state in states if state.state != "present"}
        assert blocked.keys() == {AUDIT_LOGS}
        assert "MongoDB refuses it the command createIndexes on shop.audit_logs" in blocked[AUDIT_LOGS]
    await indexes.apply(stocked.database, Operator("olga", ("ops",)))


async def test_what_a_role_lacks_is_refused_with_a_sentence_and_writes_nothing(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("viewer") as database:
        ops, before = operators["olga"], await _business(stocked)
        plan = await preview(database, ops, clock, "bill-one-time-orders")
        assert (plan.run, plan.unstored_because) == (
            None, "The database user may only read, so the plan was not stored and cannot be committed.",
        )  # fmt: skip
        async with stocked.logged_in("ops") as writer:
            stored = await preview(writer, ops, clock, "bill-one-time-orders")
        run = stored.run or ""
        refused: list[Callable[[], Awaitable[Any]]] = [
            lambda: commit(database, ops, clock, run, stored.digest),
            lambda: approve(database, operators["omar"], clock, run, stored.digest),
            lambda: cancel(database, ops, run),
            lambda: confirm_delivery(database, ops, clock, "due"),
            lambda: add(database, ops, clock, "raj", ("ops",)),
        ]
        for work in refused:
            with pytest.raises(Unreachable, match=r"MongoDB refuses it the command \w+ on shop\.\w+\.") as refusal:
                await work()
            assert (refusal.value.code, refusal.value.exit_status) == ("not-authorised", 3)
        assert await _business(stocked) == before


async def test_support_can_neither_bill_nor_make_itself_ops(stocked: Secured, clock: Clock) -> None:
    async with made_operators(stocked, clock) as operators, stocked.logged_in("support") as database:
        bold = Operator("sam", ("ops",))  # as if the console had been changed
        assert (await preview(database, bold, clock, "bill-one-time-orders")).run is None
        with pytest.raises(Unreachable, match="MongoDB refuses it"):
            await add(database, bold, clock, "sam", ("ops",))
        with pytest.raises(Unreachable, match=r"insert on shop\.billing_records"), told():
            await database["billing_records"].insert_one({"id": "mine"})
        assert (await identify(database, "sam", "")).roles == operators["sam"].roles


async def last_entry(secured: Secured) -> dict[str, Any]:
    """The entry of the console that was written last."""
    (entry,) = await secured.database[AUDIT_LOGS].find({"chain.seq": {"$gt": 0}}).sort("_id", -1).limit(1).to_list()
    return entry


async def _business(secured: Secured) -> dict[str, list[Any]]:
    names = ("orders", "users", "customers_v2", "billing_records", "delivery_statuses", "subscriptions_v2")
    return {name: await secured.database[name].find().sort("_id").to_list() for name in names}


def test_every_collection_in_the_services_is_granted_to_who_needs_it() -> None:
    """A new collection, or a new way of writing to one, must be given to the roles too."""
    used: dict[str, set[str]] = {}
    for path in Path(services.__file__).parent.rglob("*.py"):
        for collection, action in _uses(path):
            used.setdefault(collection, set()).add(action)
    assert len(used) > 20
    allowed = grants("ops")
    lacking = {name: actions - allowed.get(name, frozenset()) for name, actions in used.items()}
    assert {name: actions for name, actions in lacking.items() if actions} == {}


def test_no_role_may_do_more_with_the_trail_than_it_says() -> None:
    for role in ROLES:
        for collection in TRAIL:
            may = grants(role)[collection]
            assert may <= {"find", "listIndexes", "insert", "update", "changeStream"}
        assert "update" not in grants(role)[AUDIT_LOGS]
    for collection, actions in grants("viewer").items():
        own = collection in TRAIL or collection == VIEWS
        assert own or actions <= {"find", "listIndexes"}, collection


ACTIONS = {
    "insert_one": {"insert"}, "insert_many": {"insert"}, "update_one": {"update"}, "update_many": {"update"},
    "bulk_write": {"update"}, "delete_one": {"remove"}, "delete_many": {"remove"}, "find_one_and_update": {"update"},
    "Insert": {"insert"}, "Update": {"update"}, "Delete": {"remove"},
}  # fmt: skip


def _uses(path: Path) -> Iterator[tuple[str, str]]:
    """The collections that a module names, each with what it does there; reading is `find`."""
    module = importlib.import_module(
        ".".join(path.relative_to(Path(services.__file__).parents[1]).with_suffix("").parts)
    )
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Subscript) and _is_database(node.value):
            yield from ((name, "find") for name in _named(module, node.slice))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            target = node.func.value
            if isinstance(target, ast.Subscript) and _is_database(target.value):
                yield from _written(_named(module, target.slice), node.func.attr, node)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
            yield from _written(_named(module, node.args[0]), node.func.id, node)


def _written(names: list[str], call: str, node: ast.Call) -> Iterator[tuple[str, str]]:
    actions = ACTIONS.get(call, set())
    if any(keyword.arg == "upsert" for keyword in node.keywords):
        actions = actions | {"insert"}
    yield from ((name, action) for name in names for action in actions)


def _is_database(node: ast.expr) -> bool:
    name = node.id if isinstance(node, ast.Name) else node.attr if isinstance(node, ast.Attribute) else ""
    return name in ("database", "_database")


def _named(module: Any, node: ast.expr) -> list[str]:
    if isinstance(node, ast.Constant):
        return [str(node.value)]
    if isinstance(node, ast.Name) and node.id.isupper():
        return [getattr(module, node.id)]
    return []
