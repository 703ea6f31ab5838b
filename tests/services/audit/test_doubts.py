"""What stands against entries, as lists, a record's history and exports tell it."""

import csv
import json
import random
from datetime import timedelta
from pathlib import Path

import pytest
from bson import ObjectId

from services.audit.doubts import with_doubts
from services.audit.entries import Entry
from services.audit.export import DOUBT, check_export, export
from services.audit.filters import AuditFilters, read_filters
from services.audit.log import LEAVES
from services.audit.query import AuditQuery
from services.audit.seal import seal
from services.changes.changeset import AUDIT_LOGS, ChangeSet, Insert, transact
from services.clock import Clock
from services.database import Database, Document
from services.deployment.indexes import INDEXES
from services.history.reconstruction import AfterEntry
from services.history.states import as_of, steps
from services.history.touched import who_touched
from services.operators.operator import Operator
from tests.explaining import watch
from tests.services.audit.attacks_on_entries import rehashed
from tests.services.audit.entries import first_shape
from tests.services.audit.sealed import old_entry

EXPECTED = {
    "content": "altered", "own-hash": "altered", "no-chain": "altered", "not-sealed": "altered", "ord-1": "altered",
    "forged": "unchained", "foreign": None, "good": None, "new": None, "ord-2": None,
}  # fmt: skip
"""By the record that an entry is about, what stands against it."""


async def written(database: Database, operator: Operator, clock: Clock, *orders: str) -> None:
    async def work(changes: ChangeSet) -> None:
        changes.add(*(Insert("orders", {"id": order, "status": "pending"}) for order in orders))

    await transact(database, operator, clock, work)


async def entry_about(database: Database, record: str) -> Document:
    found = await database[AUDIT_LOGS].find_one({"$or": [{"record_id": record}, {"resource_id": record}]})
    assert found is not None
    return found


async def put(database: Database, entry: Document) -> None:
    await database[AUDIT_LOGS].replace_one({"_id": entry["_id"]}, entry)


@pytest.fixture
async def altered(database: Database, ops: Operator, clock: Clock) -> Database:
    """A sealed trail, a few entries behind the seal, and what somebody did to them in the database."""
    for index in INDEXES:
        if index.collection in (AUDIT_LOGS, LEAVES, "orders"):
            await database[index.collection].create_index(list(index.keys), **index.options)
    await database["console_operators"].insert_one({"_id": ops.account, "roles": ["ops"]})
    await database[AUDIT_LOGS].insert_many([old_entry(random.Random(n), n) for n in (1, 2)])
    await written(database, ops, clock, "content", "own-hash", "no-chain", "good")
    await seal(database, ops.trail, clock, everything=True)
    await written(database, ops, clock, "not-sealed", "new")
    content, own, chain, behind, old = [
        await entry_about(database, each) for each in ("content", "own-hash", "no-chain", "not-sealed", "ord-1")
    ]
    content["after"]["status"] = own["after"]["status"] = behind["after"]["status"] = "DELIVERED"
    chain.pop("chain")
    old["user_id"] = "another"
    for entry in (content, rehashed(own), chain, behind, old):
        await put(database, entry)
    for name, user in (("forged", ops.account), ("foreign", "u-7")):
        await database[AUDIT_LOGS].insert_one(first_shape(0, id=f"e-{name}", record_id=name, user_id=user))
    return database


def codes(entries: tuple[Entry, ...]) -> dict[str, str | None]:
    return {entry.record_id: entry.doubt.code if entry.doubt else None for entry in entries}


@pytest.mark.parametrize("words", [{}, {"table": "orders"}, {"field": "status"}, {"action": "CREATE"}])
async def test_a_list_marks_what_was_altered_and_what_bears_an_operators_name(
    altered: Database, viewer: Operator, words: dict[str, str]
) -> None:
    found = codes((await AuditQuery(altered, viewer).page(read_filters(**words))).items)
    assert found
    assert found == {record: EXPECTED[record] for record in found}
    if not words:
        assert found == EXPECTED


async def test_a_record_and_an_entry_and_its_life_say_the_same(altered: Database, viewer: Operator) -> None:
    asked = AuditQuery(altered, viewer)
    for record, code in EXPECTED.items():
        assert codes((await asked.by_record("orders", record)).items) == {record: code}
        entry = await entry_about(altered, record)
        assert codes((await asked.entry(str(entry.get("id", entry["_id"]))),)) == {record: code}
        (step,) = (await steps(altered, viewer, "orders", record)).items
        assert codes((step.entry,)) == {record: code}
        (touch,) = await who_touched(altered, viewer, "orders", record)
        assert touch.doubted == (code is not None)


async def test_a_state_says_which_entry_it_should_not_rest_on(
    altered: Database, viewer: Operator, clock: Clock
) -> None:
    for record, code in (("content", "altered"), ("good", None)):
        point = AfterEntry((await entry_about(altered, record))["_id"])
        state = await as_of(altered, viewer, lambda: clock() + timedelta(days=1), "orders", record, point)
        assert {each.code for each in state.findings} & {"altered", "unchained"} == ({code} if code else set())
        assert state.exact == (code is None)


async def test_a_page_is_checked_in_a_few_queries_however_its_leaves_are_spread(
    altered: Database, viewer: Operator, clock: Clock
) -> None:
    for _ in range(3):
        operator = Operator("sam", ("support",))
        await written(altered, operator, clock, *(str(ObjectId()) for _ in range(200)))
        await seal(altered, operator.trail, clock, everything=True)
    page = await AuditQuery(altered, viewer).page(AuditFilters(), limit=200)
    watched = await watch(altered, with_doubts(altered, page.items))
    watched.assert_indexed()
    assert await altered[LEAVES].count_documents({}) > 2
    assert len([each for each in watched.queries if each["op"] != "getmore"]) <= 3


async def test_without_the_index_of_the_leaves_an_entry_is_held_to_its_own_hash(
    altered: Database, viewer: Operator
) -> None:
    await altered[LEAVES].drop_indexes()
    found = codes((await AuditQuery(altered, viewer).page(AuditFilters())).items)
    assert (found["content"], found["own-hash"], found["good"]) == ("altered", None, None)


async def test_of_very_large_entries_a_list_checks_some_and_says_of_the_others_that_it_did_not(
    database: Database, viewer: Operator
) -> None:
    await database[AUDIT_LOGS].insert_many([first_shape(n, after={"x": "x" * 9_000_000}) for n in range(3)])
    await database[AUDIT_LOGS].insert_one(first_shape(4))
    found = (await AuditQuery(database, viewer).page(AuditFilters())).items
    told = [entry.doubt.code if entry.doubt else None for entry in found]
    assert told[0] is None
    assert "unchecked" in told
    assert set(told) <= {None, "unchecked"}
    assert (await AuditQuery(database, viewer).entry("entry-0")).doubt is None


@pytest.mark.parametrize(
    "broken",
    [{"entries": 5}, {"entries": []}, {"hashes": "words"}, {"hashes": b"short"}, {"entries": ["good", {"a": 1}, [2]]}],
)
async def test_leaves_that_were_altered_beyond_reading_break_no_list(
    altered: Database, viewer: Operator, broken: Document
) -> None:
    key = (await entry_about(altered, "good"))["_id"]
    values = {name: [key, *value] if value == ["good", {"a": 1}, [2]] else value for name, value in broken.items()}
    await altered[LEAVES].update_many({}, {"$set": values})
    found = codes((await AuditQuery(altered, viewer).page(AuditFilters())).items)
    assert found["content"] == "altered"
    await altered[LEAVES].update_many({}, {"$set": {"entries": key}})
    assert codes((await AuditQuery(altered, viewer).page(AuditFilters())).items)["content"] == "altered"


async def test_entries_with_odd_keys_users_and_chains_break_no_list(database: Database, viewer: Operator) -> None:
    odd: list[Document] = [
        {"_id": {"a": [1]}}, {"_id": 5}, {"_id": b"\x00"}, {"user_id": ["asha"]}, {"user_id": {"$x": 1}},
        {"user_id": None}, {"chain": 5}, {"chain": {"hash": "x"}}, {"size_of_entry": "wide"}, {"_id": None},
    ]  # fmt: skip
    odd = [first_shape(n, **fields) for n, fields in enumerate(odd)]
    await database["console_operators"].insert_one({"_id": "asha", "roles": ["ops"]})
    await database[AUDIT_LOGS].insert_many(odd)
    found = (await AuditQuery(database, viewer).page(AuditFilters())).items
    assert {entry.id: entry.doubt.code if entry.doubt else None for entry in found} == {
        f"entry-{n}": "unchained" if n % 2 and entry["user_id"] == "asha" else None for n, entry in enumerate(odd)
    }


async def test_exported_entries_say_what_stands_against_them(
    altered: Database, auditor: Operator, clock: Clock, tmp_path: Path
) -> None:
    lines, rows = tmp_path / "trail.jsonl", tmp_path / "trail.csv"
    filters = AuditFilters(tables=("orders",))
    done = await export(altered, auditor, clock, filters, lines, "jsonl", "because")
    await export(altered, auditor, clock, filters, rows, "csv", "because")

    *entries, closing = [json.loads(line) for line in lines.read_text().splitlines()]
    told = {each.get("record_id") or each["resource_id"]: each.get(DOUBT, "").partition(":")[0] for each in entries}
    assert told == {record: code or "" for record, code in EXPECTED.items()}
    assert closing["manifest"]["doubts"] == done.doubts == {"altered": 5, "unchained": 1}
    assert done.doubts_told[0].startswith("5 altered: ")
    assert check_export(lines).intact
    with rows.open(newline="", encoding="utf-8-sig") as stream:
        table = {row["record_id"]: row["doubt"].partition(":")[0] for row in csv.DictReader(stream)}
    assert table == told
