"""What a person asks of the audit trail: records by a beginning, users by name, and why nothing fits."""

import pytest
from bson import ObjectId

from services.audit.query import AuditQuery
from services.database import Database
from services.deployment.indexes import apply
from services.errors import NotFound, Refused
from services.history.asked import asked_page, read_asked
from services.history.naming import full_id
from services.operators.operator import Operator
from tests import shop
from tests.explaining import watch

RAJ, RAVI = "4d5ae1b9-1b6a-4c7d-b472-754512e18401", "4d5ae1c0-0000-4c7d-b472-754512e18401"


async def stock(database: Database, ops: Operator) -> None:
    """Entries of an account, of two people who are known by id alone, and one of another program."""
    await apply(database, ops)
    written = {"table": "orders", "record_id": "ord_1f0c-77", "action": "UPDATE"}
    await shop.stock(
        database,
        orders=shop.order(id="ord_1f0c-77"),
        delivery_boys_v2=[{"id": RAJ, "name": "Raj Kumar"}, {"id": RAVI, "name": "Ravi"}],
        audit_logs=[
            {"_id": "01a2-a", "user_id": "vikram", **written},
            {"_id": "01a2-b", "user_id": RAJ, **written},
            {"_id": "01b3-c", "user_id": RAVI, **written},
            {"_id": ObjectId("6b025124dc51d5640501cf62"), "id": "88a41d8f-ae", "user_id": "vikram", **written},
        ],
        console_operators={"_id": "asha", "roles": ["support"]},
    )


async def test_users_are_named_as_the_list_names_them_and_entries_and_records_by_a_beginning(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await stock(database, ops)
    for typed, meant in (
        ("vikram", "vikram"), ("Vikram", "vikram"), ("raj kumar", RAJ), ("Raj", RAJ), ("4d5ae1b9", RAJ),
        ("Ravi (4d5ae1c0)", RAVI), ("asha", "asha"),
    ):  # fmt: skip
        filters = await read_asked(database, viewer, {"user": typed, "record": "orders/ord_1f"})
        assert (filters.users, filters.record_id) == ((meant,), "ord_1f0c-77")
    (await watch(database, read_asked(database, viewer, {"user": "Raj"}))).assert_indexed()
    for typed, meant in (("01b3", "01b3-c"), ("01B3", "01b3-c"), ("88a4", "88a41d8f-ae"), ("6b02512", "88a41d8f-ae")):
        assert await full_id(database, viewer, "audit_logs", typed) == meant
    (await watch(database, full_id(database, viewer, "audit_logs", "none"))).assert_indexed()
    with pytest.raises(Refused, match="01a2-a, 01a2-b"):
        await full_id(database, viewer, "audit_logs", "01a2")


async def test_a_session_and_a_run_are_named_by_a_beginning_of_six_characters(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await stock(database, ops)
    sessions = ("01a2078c-aa", "01a2078c-ab", "77c1f0-whole", "77c1f0-whole-and-more")
    noted = [{"session": session, "run": f"run-{n}-{session}"} for n, session in enumerate(sessions)]
    for n, meta in enumerate(noted * 3):
        await database["audit_logs"].insert_one({"_id": f"noted-{n}", "action": "UPDATE", "meta": meta})
    for typed, meant in (
        ("01a2078c-aa", "01a2078c-aa"), ("01A2078C-AB", "01a2078c-ab"), ("77c1f0-whole", "77c1f0-whole"),
        ("77c1f0-whole-", "77c1f0-whole-and-more"), ("01a2", "01a2"), ("nothing-like-it", "nothing-like-it"),
    ):  # fmt: skip
        assert (await read_asked(database, viewer, {"session": typed})).session == meant
    assert (await read_asked(database, viewer, {"run": "run-1-01"})).run == "run-1-01a2078c-ab"
    with pytest.raises(Refused, match=r"Several sessions begin with '01a207': 01a2078c-aa, 01a2078c-ab\. Type more"):
        await read_asked(database, viewer, {"session": "01a207"})
    watched = await watch(database, read_asked(database, viewer, {"session": "77c1f0-whole-", "run": "run-2-7"}))
    watched.assert_indexed()
    assert max(query["docsExamined"] for query in watched.queries) <= 1
    page = await asked_page(database, viewer, {"session": "01a2"})
    assert page.note == "No entry is of the session '01a2'; a beginning of its id needs 6 characters."


async def test_a_request_is_named_by_a_beginning_of_six_characters(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await stock(database, ops)
    requests = ("01a2078c-aa", "01a2078c-ab", "r-1")
    for n, request in enumerate(requests):
        entry = {"_id": f"noted-{n}", "action": "UPDATE", "user_id": "vikram", "meta": {"request": request}}
        await database["audit_logs"].insert_one(entry | {"timestamp": "2026-11-01T05:00:00+00:00"})
    for typed, meant in (
        ("01a2078c-aa", ["noted-0"]), ("01A2078C-AB", ["noted-1"]), ("r-1", ["noted-2"]), ("r-", []), ("01a20", []),
        ("01a2078c-a.", []), ("1a2078c", []),
    ):  # fmt: skip
        page = await asked_page(database, viewer, {"request": typed})
        assert [each.key for each in page.items] == meant
        filters = await read_asked(database, viewer, {"request": typed})
        assert (await AuditQuery(database, viewer).report(filters)).entries == len(meant)
    with pytest.raises(Refused, match=r"Several requests begin with '01a207': 01a2078c-aa, 01a2078c-ab\. Type more"):
        await asked_page(database, viewer, {"request": "01a207"})
    note = (await asked_page(database, viewer, {"request": "01a20"})).note
    assert note == "No entry is of the request '01a20'; a beginning of its id needs 6 characters."


async def test_what_names_nobody_or_several_or_nothing_is_told_with_what_there_is(
    database: Database, ops: Operator, viewer: Operator
) -> None:
    await stock(database, ops)
    with pytest.raises(NotFound, match="Nobody called 'Zorro' has written an entry"):
        await read_asked(database, viewer, {"user": "Zorro"})
    with pytest.raises(Refused, match=r"Raj Kumar \(4d5ae1b9.*Ravi \(4d5ae1c0"):
        await read_asked(database, viewer, {"user": "ra"})
    for words, note in (
        ({"table": "nosuch"}, "No entry is about nosuch; there are entries about orders."),
        ({"action": "nope"}, "No entry has the action nope; the actions are UPDATE."),
        ({"action": "update", "table": "order", "user": "asha"}, None),
    ):
        page = await asked_page(database, viewer, words)
        assert (page.items, page.note) == ((), note)
    (await watch(database, asked_page(database, viewer, {"action": "nope"}))).assert_indexed()
