"""Whose an order is: users, customers and orders, in every way that links between them hold or are broken.

Each case is put to every service that has to know the customer; all must say the same.
"""

from typing import Any

import pytest
from bson import ObjectId
from hypothesis import given, settings
from hypothesis import strategies as st

from services.audit.logger import Purpose
from services.billing.statement import show_statement
from services.changes.changeset import ChangeSet, transact
from services.clock import Clock, parse_day
from services.customers.correction import Correction, correct_customer, name_customer
from services.customers.links import explain_links
from services.customers.resolution import CustomerLinks, resolve_all
from services.customers.undoing import undo_correction
from services.database import Database, Document
from services.deliveries.day import DayFilters, list_day
from services.operators.operator import Operator
from services.orders.detail import show_order
from services.orders.lookup import find_orders
from services.orders.resolving import order_customer
from services.records.orders import Owner, read_owner
from services.validation.check import check_order
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from tests import shop
from tests.services.backfills.repairing import Repair

MISSING, AMBIGUOUS = "customer-missing", "customer-ambiguous"
OCTOBER = "2026-10"


def customer(key: Any, user: Any = None, /, **fields: Any) -> Document:
    return shop.customer(**{"id": key, "user_id": user, "name": f"Asha {key}", "phone": None, **fields})


def user(key: Any, linked: Any = None, /, **fields: Any) -> Document:
    return {"id": key, "role": "customer", "name": f"Asha {key}", "customer_v2_id": linked, **fields}


async def told(database: Database, ops: Operator, clock: Clock) -> dict[str, str | None]:
    """Whose the one order is by each service: a customer's id, or the code of why nobody knows."""
    order = await database["orders"].find_one({}) or {}
    owner, name = read_owner(order), str(order["id"])
    day = DayFilters(parse_day("2026-10-15"))

    async def charged(changes: ChangeSet) -> Document | None:
        return await order_customer(changes, owner)

    resolution = (await CustomerLinks.load(database, [owner])).resolve(owner)
    open_code = AMBIGUOUS if resolution.candidates else MISSING
    detail = await show_order(database, ops, name)
    codes = {each.code for each in detail.findings} & {MISSING, AMBIGUOUS}
    checks = {each.validator: each.result for each in (await check_order(database, ops, clock, name)).checks}
    async with database.snapshot() as session:
        remembered = (await resolve_all(database, [owner], session))[owner]
    row = next(iter((await Repair("bill-one-time-orders", database, ops, clock).rows()).values()))
    return {
        "links": resolution.customer_id or open_code,
        "snapshot": remembered.customer_id or open_code,
        "list": (await find_orders(database, ops)).items[0].customer_id or open_code,
        "detail": detail.customer.id if detail.customer else codes.pop(),
        "day": (await list_day(database, ops, day)).items[0].customer_id or open_code,
        "prices": ((await transact(database, ops, clock, charged, purpose=Purpose())) or {}).get("id", open_code),
        "validators": checks["order.customer-exists"].code or resolution.customer_id,
        "billing fix": row.code or row.customer_id,
    }


Case = tuple[Document, list[Document], list[Document], str]

WHOSE: dict[str, Case] = {
    # The three meanings, first that applies.
    "the customer's id": ({"customer_id": "c1"}, [customer("c1")], [], "c1"),
    "the user's id, as the backend writes it": (
        {"customer_id": "u1", "user_id": "u1"}, [customer("c1", "u1")], [user("u1", "c1")], "c1",
    ),
    "the user's id in one field alone": ({"user_id": "u1"}, [customer("c1", "u1")], [], "c1"),
    "the customer whom the user names": (
        {"customer_id": "u1", "user_id": "u1"}, [customer("c1")], [user("u1", "c1")], "c1",
    ),
    "the customer's id before the user": (
        {"customer_id": "c2", "user_id": "u1"}, [customer("c1", "u1"), customer("c2", "u2")], [user("u1", "c1")], "c2",
    ),
    "who names the user before whom the user names": (
        {"user_id": "u1"}, [customer("c1", "u1"), customer("c2")], [user("u1", "c2")], "c1",
    ),
    # Swapped, reused, in a circle.
    "the two ids swapped": ({"customer_id": "u1", "user_id": "c1"}, [customer("c1", "u1")], [user("u1", "c1")], "c1"),
    "a customer's id as the user's alone": ({"user_id": "c1"}, [customer("c1", "u1")], [user("u1", "c1")], MISSING),
    "one id for the user and the customer": ({"user_id": "x"}, [customer("x")], [user("x", "x")], "x"),
    "an id of a user and of another customer": (
        {"user_id": "x"}, [customer("x"), customer("c1")], [user("x", "c1")], "c1",
    ),
    "a circle": (
        {"customer_id": "u1", "user_id": "u1"}, [customer("c1", "u2"), customer("c2", "u1")],
        [user("u1", "c1"), user("u2", "c2")], "c2",
    ),
    "a customer who is the own user": ({"customer_id": "u9", "user_id": "c1"}, [customer("c1", "c1")], [], "c1"),
    # Several.
    "two customers of one user": ({"user_id": "u1"}, [customer("c1", "u1"), customer("c2", "u1")], [], AMBIGUOUS),
    "two users, each of a customer": (
        {"customer_id": "u1", "user_id": "u2"}, [customer("c1", "u1"), customer("c2", "u2")], [], AMBIGUOUS,
    ),
    "two users who name two customers": (
        {"customer_id": "u1", "user_id": "u2"}, [customer("c1"), customer("c2")], [user("u1", "c1"), user("u2", "c2")],
        AMBIGUOUS,
    ),
    "two users who name one customer": (
        {"customer_id": "u1", "user_id": "u2"}, [customer("c1")], [user("u1", "c1"), user("u2", "c1")], "c1",
    ),
    "two customers of one id": ({"customer_id": "c1"}, [customer("c1"), customer("c1", "u2")], [], AMBIGUOUS),
    "two customers of one id and user": (
        {"user_id": "u1"}, [customer("c1", "u1"), customer("c1", "u1")], [], AMBIGUOUS,
    ),
    "two customers of the id that the user names": (
        {"user_id": "u1"}, [customer("c1"), customer("c1", "u2")], [user("u1", "c1")], AMBIGUOUS,
    ),
    "two users of one id": (
        {"user_id": "u1"}, [customer("c1"), customer("c2")], [user("u1", "c1"), user("u1", "c2")], AMBIGUOUS,
    ),
    # None.
    "no ids": ({}, [customer("c1", "")], [user("", "c1")], MISSING),
    "ids of nobody": ({"customer_id": "gone", "user_id": "lost"}, [customer("c1", "u1")], [user("u1", "c1")], MISSING),
    "a deleted customer": ({"customer_id": "c1", "user_id": "u1"}, [customer("c2")], [user("u1", "c1")], MISSING),
    "a deleted user": ({"customer_id": "u1", "user_id": "u1"}, [customer("c1")], [user("u2", "c1")], MISSING),
    "a link on neither side": ({"customer_id": "u1"}, [customer("c1")], [user("u1")], MISSING),
    "a phone alone": (
        {"customer_id": "u1"}, [customer("c1", phone="9876543210")], [user("u1", phone="+919876543210")], MISSING,
    ),
    "a customer without an id": ({"user_id": "u1"}, [customer("", "u1"), customer("c2", "u2")], [], MISSING),
    "a customer without an id beside one": ({"user_id": "u1"}, [customer("", "u1"), customer("c1", "u1")], [], "c1"),
    # Other spellings, other types, and what somebody planted.
    "blanks around it": ({"customer_id": " c1\n"}, [customer("c1")], [], MISSING),
    "blanks on the other side": ({"customer_id": "c1"}, [customer(" c1\n")], [], MISSING),
    "another case": ({"customer_id": "C1"}, [customer("c1")], [], MISSING),
    "a beginning": ({"customer_id": "c"}, [customer("c1")], [], MISSING),
    "another form of the same letters": ({"customer_id": "re\u0301"}, [customer("r\u00e9")], [], MISSING),
    "a number": ({"customer_id": 7}, [customer("7")], [], MISSING),
    "a number on the other side": ({"customer_id": "7"}, [customer(7)], [], MISSING),
    "digits of an ObjectId": ({"customer_id": ObjectId("a" * 24)}, [customer("a" * 24)], [], MISSING),
    "an operator": ({"customer_id": {"$ne": None}, "user_id": {"$gt": ""}}, [customer("c1", "u1")], [], MISSING),
    "an operator on the other side": (
        {"customer_id": "u1"}, [customer("c1", {"$ne": None})], [user("u1", {"$gt": ""})], MISSING,
    ),
    "a pattern": ({"customer_id": ".*", "user_id": "^u"}, [customer("c1", "u1")], [], MISSING),
    "code": ({"customer_id": "'; return true; //", "user_id": "$where"}, [customer("c1", "u1")], [], MISSING),
    "a list": ({"customer_id": ["c1"], "user_id": ["u1"]}, [customer("c1", "u1")], [], MISSING),
    "a list on the other side": ({"customer_id": "u1"}, [customer("c1", ["u1"])], [user("u1", ["c1"])], MISSING),
    "yes": ({"customer_id": True, "user_id": 1.0}, [customer("c1", True)], [user("1", "c1")], MISSING),
    "10 kB": ({"customer_id": "c" * 10_240}, [customer("c1")], [], MISSING),
    "a NUL": ({"customer_id": "c1\x00"}, [customer("c1")], [], MISSING),
}  # fmt: skip


@pytest.mark.parametrize(("ids", "customers", "users", "expected"), list(WHOSE.values()), ids=list(WHOSE))
async def test_every_service_says_whose_an_order_is(
    emptied: Database, ops: Operator, clock: Clock,
    ids: Document, customers: list[Document], users: list[Document], expected: str,
) -> None:  # fmt: skip
    order = shop.order(**{"customer_id": None, "user_id": None, **ids})
    # Copies: an insert writes the `_id` into what it is given.
    await shop.stock(emptied, orders=order, customers_v2=[dict(c) for c in customers], users=[dict(u) for u in users])
    answers = await told(emptied, ops, clock)
    assert answers == dict.fromkeys(answers, expected)
    steps = await explain_links(emptied, read_owner(order))
    assert any(step.sound for step in steps) or expected == MISSING


@pytest.mark.parametrize("case", [name for name, case in WHOSE.items() if case[0].get("user_id") == "u1"])
async def test_a_statement_has_the_orders_that_are_its_customers(
    emptied: Database, ops: Operator, clock: Clock, case: str
) -> None:
    ids, customers, users, expected = WHOSE[case]
    order = shop.order(id="o1", **{"customer_id": None, **ids})
    await shop.stock(emptied, orders=order, users=[dict(u) for u in users], customers_v2=[dict(c) for c in customers])
    for name in {str(each["id"]) for each in customers if each["id"]}:
        if sum(each["id"] == name for each in customers) == 1:
            statement = await show_statement(emptied, ops, clock, name, OCTOBER)
            assert [line.id for line in statement.lines] == (["o1"] if name == expected else [])
            assert (AMBIGUOUS in {each.code for each in statement.findings}) == (expected == AMBIGUOUS)


NAMES = st.sampled_from(["a", "b", "c", " a"])
MAYBE = st.one_of(st.none(), NAMES)


@settings(max_examples=60)
@given(
    st.lists(st.tuples(NAMES, MAYBE), max_size=5), st.lists(st.tuples(NAMES, MAYBE), max_size=5),
    st.lists(st.tuples(MAYBE, MAYBE), min_size=1, max_size=4),
)  # fmt: skip
async def test_alone_or_among_others_an_order_is_whose_the_rule_says(
    standing: Database, customers: list[tuple[str, str]], users: list[tuple[str, str]], owners: list[Owner]
) -> None:
    for name, field, records in (("customers_v2", "user_id", customers), ("users", "customer_v2_id", users)):
        await standing[name].delete_many({})
        if records:
            await standing[name].insert_many([{"id": record, field: link} for record, link in records])
    together = await CustomerLinks.load(standing, owners)
    for owner in owners:
        found = [name for name, _ in customers if name == owner[0]]
        found = found or [name for name, of in customers if of is not None and of in owner]
        named = {linked for name, linked in users if name in owner}
        found = found or [name for name, _ in customers if name in named]
        for links in (together, await CustomerLinks.load(standing, [owner])):
            assert links.resolve(owner).candidates == tuple(sorted(found))


MATCHES: dict[str, tuple[Owner, str | None]] = {
    "the customer's user": (("c1", "u1"), None),
    "a user who names the customer": (("c1", "u2"), None),
    "no user": (("c1", None), "user-missing"),
    "another's user": (("c1", "u3"), "user-mismatch"),
    "a user who is gone": (("c1", "gone"), "user-unknown"),
    "a user without a link, a customer with one": (("c1", "u4"), "user-mismatch"),
    "neither has a link": (("c3", "u4"), "user-not-linked"),
    "nobody's": (("gone", "gone"), MISSING),
}


@pytest.mark.parametrize(("owner", "code"), list(MATCHES.values()), ids=list(MATCHES))
async def test_whether_an_orders_user_is_its_customers(
    emptied: Database, clock: Clock, owner: Owner, code: str | None
) -> None:
    await shop.stock(
        emptied, customers_v2=[customer("c1", "u1"), customer("c2", "u3"), customer("c3")],
        users=[user("u1"), user("u2", "c1"), user("u3", "c2"), user("u4")],
    )  # fmt: skip
    rules = OrderValidator(Lookups(emptied), clock().date())
    assert (await rules.user_matches_customer(*owner)).code == code


SAME: Document = {"phone": "9876543210", "name": "Asha"}
BOTH_WAYS: dict[str, tuple[str, list[Document], list[Document]]] = {
    # Told by one side, or by a phone that nobody shares.
    "linked": ("nothing-to-do", [customer("c1", "u1")], [user("u1", "c1")]),
    "the customer names the user": ("change", [customer("c1", "u1")], [user("u1")]),
    "the user names the customer": ("change", [customer("c1")], [user("u1", "c1")]),
    "a blank half": ("change", [customer("c1", "")], [user("u1", "c1")]),
    "a phone and a name": ("change", [customer("c1", **SAME)], [user("u1", **SAME)]),
    "a phone in another writing": (
        "change", [customer("c1", **SAME)], [user("u1", phone="+91 98765-43210", name=" asha ")],
    ),
    "a phone under its other name": (
        "change", [customer("c1", phone="", phone_number="098765 43210", name="Asha")], [user("u1", **SAME)],
    ),
    # Nothing tells.
    "no account": ("nothing-to-do", [customer("c1")], [user("u1")]),
    "a landline": ("nothing-to-do", [customer("c1", phone="080-2345 6789")], [user("u1", phone="08023456789")]),
    "no phone": ("nothing-to-do", [customer("c1", phone="")], [user("u1", phone="")]),
    # Dangling, contradicting, in a circle.
    "a deleted user": ("link-broken", [customer("c1", "u0")], [user("u1")]),
    "a customer's id as the user's": ("link-broken", [customer("c1", "c1")], [user("u1")]),
    "the user names a deleted customer": ("link-contradicts", [customer("c1", "u1")], [user("u1", "c0")]),
    "the user names another": ("link-contradicts", [customer("c1", "u1"), customer("c2")], [user("u1", "c2")]),
    "another user names the customer": ("link-contradicts", [customer("c1", "u1")], [user("u1"), user("u2", "c1")]),
    "a circle": (
        "link-contradicts", [customer("c1", "u1"), customer("c2", "u2")], [user("u1", "c2"), user("u2", "c1")],
    ),
    # Several.
    "two users name the customer": ("user-ambiguous", [customer("c1")], [user("u1", "c1"), user("u2", "c1")]),
    "two users of the id": ("user-ambiguous", [customer("c1", "u1")], [user("u1"), user("u1")]),
    "two customers name the user": ("user-claimed", [customer("c1", "u1"), customer("c2", "u1")], [user("u1")]),
    "the user is named by another": ("user-claimed", [customer("c1"), customer("c2", "u1")], [user("u1", "c1")]),
    "two customers of the id": ("id-duplicate", [customer("c1", "u1"), customer("c1")], [user("u1")]),
    "two users of the phone": (
        "phone-shared", [customer("c1", **SAME)], [user("u1", **SAME), user("u2", phone="+919876543210")],
    ),
    "two customers of the phone": (
        "phone-shared", [customer("c1", **SAME), customer("c2", phone="9876543210")], [user("u1", **SAME)],
    ),
    "a linked user of the phone": ("phone-shared", [customer("c1", **SAME)], [user("u1", "c0", **SAME)]),
    "a user of the phone whom a customer names": (
        "phone-shared", [customer("c1", **SAME), customer("c2", "u1")], [user("u1", **SAME)],
    ),
    "another name": ("phone-name-differs", [customer("c1", **SAME)], [user("u1", **SAME | {"name": "Asha R"})]),
    "no names": (
        "phone-name-differs", [customer("c1", **SAME | {"name": " "})], [user("u1", **SAME | {"name": " "})],
    ),
    # No customer's account, or no id to write down.
    "staff": ("user-not-customer", [customer("c1", "u1")], [user("u1", role="delivery_boy")]),
    "staff of the phone": ("user-not-customer", [customer("c1", **SAME)], [user("u1", **SAME, role="delivery_boy")]),
    "no id": ("id-missing", [customer(None, "u1")], [user("u1")]),
    "blanks around the id": ("id-missing", [customer(" c1", "u1")], [user("u1")]),
    "blanks around the link": ("link-unreadable", [customer("c1", " u1")], [user("u1")]),
    "an operator": ("link-unreadable", [customer("c1", {"$ne": 1})], [user("u1")]),
}  # fmt: skip


@pytest.mark.parametrize(("outcome", "customers", "users"), list(BOTH_WAYS.values()), ids=list(BOTH_WAYS))
async def test_users_and_customers_name_each_other_where_one_side_tells_beyond_doubt(
    emptied: Database, ops: Operator, clock: Clock, outcome: str, customers: list[Document], users: list[Document]
) -> None:
    await shop.stock(emptied, customers_v2=[dict(c) for c in customers], users=[dict(u) for u in users])
    repair = Repair("link-users-customers", emptied, ops, clock)
    outcomes = await repair.outcomes()
    assert outcomes.get("c1", next(iter(outcomes.values()))) == outcome
    if outcome == "change":
        await repair.done()
        assert (await OrderValidator(Lookups(emptied), clock().date()).user_matches_customer("c1", "u1")).code is None
        linked = await repair.find("customers_v2", id="c1"), await repair.find("users", id="u1")
        assert (linked[0]["user_id"], linked[1]["customer_v2_id"]) == ("u1", "c1")


async def test_a_link_that_is_made_or_taken_back_is_one_for_every_service(
    emptied: Database, ops: Operator, clock: Clock
) -> None:
    order = shop.order(customer_id="u1", user_id="u1")
    await shop.stock(emptied, orders=order, customers_v2=customer("c1", phone="9876543210"), users=user("u1"))

    async def whose() -> set[str | None]:
        return set((await told(emptied, ops, clock)).values())

    assert await whose() == {MISSING}
    opened = await name_customer(emptied, ops, "98765 43210")
    await correct_customer(emptied, ops, clock, "c1", Correction(user_id="u1"), opened.seen, "she ordered by app")
    assert await whose() == {"c1"}
    await undo_correction(emptied, ops, clock, "c1", "it was her sister")
    assert await whose() == {MISSING}


async def test_a_phone_that_two_share_links_nobody_until_the_backfill_did(
    emptied: Database, ops: Operator, clock: Clock
) -> None:
    order = shop.order(customer_id="u1", user_id="u1")
    asha = {"name": "Asha", "phone": "+91 98765-43210"}
    await shop.stock(emptied, orders=order, customers_v2=customer("c1", **asha), users=user("u1", **asha))
    assert set((await told(emptied, ops, clock)).values()) == {MISSING}
    await Repair("link-users-customers", emptied, ops, clock).done()
    assert set((await told(emptied, ops, clock)).values()) == {"c1"}
