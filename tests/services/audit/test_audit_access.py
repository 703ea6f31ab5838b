"""Sensitive readings: told in the trail before anything is shown."""

import asyncio
import contextlib
import hashlib
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from bson import json_util
from pymongo.errors import PyMongoError

from services.audit import follow
from services.audit.access import reveal
from services.audit.doubts import UNCHAINED
from services.audit.entries import Entry
from services.audit.export import check_export, export, format_of, manifest_bytes
from services.audit.filters import AuditFilters
from services.audit.query import AuditQuery
from services.audit.views import delete_view, list_views, load_view, save_view
from services.changes.changeset import AUDIT_LOGS
from services.clock import Clock
from services.database import Database, Document
from services.errors import BadRequest, ConsoleError, NotFound, NotPermitted, Refused
from services.operators.operator import Operator
from tests.failing import failing
from tests.services.audit.entries import first_shape, put, second_shape
from tests.shop import CUSTOMER, stock


async def trail(database: Database) -> list[Document]:
    return await database["audit_logs"].find({"action": {"$in": ["READ", "EXPORT"]}}).to_list()


async def test_a_viewer_sees_a_phone_after_the_reason_is_in_the_trail(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    await stock(database)

    shown = await reveal(database, viewer, clock, "customers_v2", CUSTOMER, " calls back about a refund ")

    (entry,) = await trail(database)
    assert shown.values == {"phone": "9876543210", "address": "12, 4th Cross"}
    assert (entry["table"], entry["record_id"], entry["action"], entry["user_id"]) == (
        "customers_v2", CUSTOMER, "READ", "vera",
    )  # fmt: skip
    assert (entry["before"], entry["changes"]) == (None, {})
    assert entry["after"] == {"reason": "calls back about a refund", "fields": ["address", "phone"]}


async def test_nothing_is_shown_where_the_trail_cannot_have_it(
    database: Database, viewer: Operator, clock: Clock
) -> None:
    await stock(database)
    await database.client[database.name].create_collection("audit_logs", validator={"user_id": {"$ne": "vera"}})
    with pytest.raises(ConsoleError):
        await reveal(database, viewer, clock, "customers_v2", CUSTOMER, "because")


@pytest.mark.parametrize(
    ("table", "record", "reason", "refusal"),
    [
        ("customers_v2", CUSTOMER, "  ", BadRequest),
        ("customers_v2", CUSTOMER, "x" * 501, BadRequest),
        ("console_operators", "vera", "because", BadRequest),
        ("customers_v2", "nobody", "because", NotFound),
    ],
)
async def test_a_reading_that_is_refused_is_no_entry(
    database: Database, viewer: Operator, clock: Clock, table: str, record: str, reason: str, refusal: type[Exception]
) -> None:
    await stock(database)
    with pytest.raises(refusal):
        await reveal(database, viewer, clock, table, record, reason)
    assert await trail(database) == []


async def test_the_values_of_an_entry_can_be_seen_too(database: Database, viewer: Operator, clock: Clock) -> None:
    changed = {"before": {"phone": "1"}, "after": {"phone": "2", "people": [{"email": "a@b"}]}, "changes": {}}
    await put(database, [first_shape(1, **changed)])
    shown = await reveal(database, viewer, clock, "audit_logs", "entry-1", "because")
    assert shown.values == {"before.phone": "1", "after.phone": "2", "after.people.0.email": "a@b"}


def hostile() -> list[Document]:
    nasty = {"notes": "=cmd()|'x'!A1", "$set": {"a.b": 1}, "name": "గుడి\x1b[31m\u202e", "amount": float("nan")}
    return [first_shape(n, after=nasty) if n % 2 else second_shape(n, user_id="=1+1") for n in range(20)]


async def test_json_lines_are_whole_and_check_themselves(
    database: Database, auditor: Operator, clock: Clock, tmp_path: Path
) -> None:
    await put(database, hostile())
    file, signed = tmp_path / "trail.jsonl", []

    def sign(data: bytes) -> dict[str, Any]:
        signed.append(data)
        return {"key": "k1", "signature": "00"}

    done = await export(
        database, auditor, clock, AuditFilters(users=("asha",)), file, "jsonl", "for the year", sign=sign
    )

    *lines, last = file.read_bytes().splitlines(keepends=True)
    stored = {entry["id"]: entry async for entry in database["audit_logs"].find({"user_id": "asha"})}
    read = [json_util.loads(line) for line in lines]
    closing = json.loads(last)
    manifest = closing["manifest"]
    (entry,) = await trail(database)
    assert [each["id"] for each in read] == [f"entry-{n}" for n in range(19, 0, -2)]
    assert repr(read[0]) == repr(stored["entry-19"])
    assert (manifest["entries"], manifest["sha256"]) == (10, hashlib.sha256(b"".join(lines)).hexdigest())
    assert (manifest["exported_by"], manifest["reason"], manifest["filters"]) == (
        "amit", "for the year", {"user": ["asha"]},
    )  # fmt: skip
    assert closing["signature"] == {"key": "k1", "signature": "00"}
    assert signed == [manifest_bytes(manifest)]
    assert (entry["action"], entry["record_id"]) == ("EXPORT", manifest["export"])
    assert entry["after"]["reason"] == "for the year"
    assert (done.entries, file.stat().st_mode & 0o777, file.read_bytes().isascii()) == (10, 0o600, True)
    assert check_export(file).intact


@pytest.mark.parametrize(
    "cut", [(b"DELIVERED", b"DELIVEREX"), (b"entry-5", b"entry-6"), (b'"sha256":"', b'"sha256":"0')]
)
async def test_a_file_that_was_changed_is_known(
    database: Database, auditor: Operator, clock: Clock, tmp_path: Path, cut: tuple[bytes, bytes]
) -> None:
    await database["audit_logs"].insert_many([first_shape(n) for n in range(8)])
    file = tmp_path / "trail.jsonl"
    await export(database, auditor, clock, AuditFilters(), file, "jsonl", "because")
    whole = file.read_bytes()

    file.write_bytes(whole.replace(*cut, 1))
    assert not check_export(file).intact
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[1:]))
    assert not check_export(file).intact
    file.write_bytes(b"".join(whole.splitlines(keepends=True)[:-1]))
    with pytest.raises(BadRequest):
        check_export(file)


async def test_sheets_hold_text_and_no_formula(
    database: Database, auditor: Operator, clock: Clock, tmp_path: Path
) -> None:
    await put(database, hostile())
    book, table = tmp_path / "trail.xlsx", tmp_path / "trail.csv"
    await export(database, auditor, clock, AuditFilters(tables=("orders",)), book, "xlsx", "because")
    await export(database, auditor, clock, AuditFilters(tables=("orders",)), table, "csv", "because")

    sheet = openpyxl.load_workbook(book)["Entries"]
    rows = list(sheet.iter_rows(min_row=2))
    lines = table.read_text().splitlines()
    assert len(rows) == len(lines) - 1 == 20
    assert {cell.data_type for row in rows for cell in row if cell.value is not None} == {"s"}
    assert ",'=1+1,MARK_DELIVERED,order," in lines[2]
    assert "\x1b" not in table.read_text()


async def test_an_export_needs_an_auditor_a_reason_and_a_place(
    database: Database, ops: Operator, auditor: Operator, clock: Clock, tmp_path: Path
) -> None:
    there = tmp_path / "there.csv"
    there.write_text("mine")
    with pytest.raises(NotPermitted):
        await export(database, ops, clock, AuditFilters(), tmp_path / "x.csv", "csv", "because")
    for path, reason, refusal in ((tmp_path / "x.csv", " ", BadRequest), (there, "because", Refused)):
        with pytest.raises(refusal):
            await export(database, auditor, clock, AuditFilters(), path, "csv", reason)
    with pytest.raises(BadRequest):
        format_of(tmp_path / "x.pdf")
    assert there.read_text() == "mine"
    assert await trail(database) == []


async def test_views_are_each_operators_own(database: Database, viewer: Operator, ops: Operator, clock: Clock) -> None:
    await save_view(database, viewer, clock, "mine", {"user": ["asha"], "first_day": "today"})
    await save_view(database, viewer, clock, "mine", {"user": ["meera"], "first_day": "today", "table": None})
    await save_view(database, ops, clock, "other", {"table": ["orders"]})
    await database["console_views"].insert_one({"_id": "vera\nview\nbroken", "words": 5})

    assert [view.name for view in await list_views(database, viewer)] == ["mine"]
    assert (await load_view(database, viewer, "mine")).words == {"user": ["meera"], "first_day": "today"}
    assert (await load_view(database, viewer, "mine")).filters().users == ("meera",)
    for name in ("other", "broken", "nothing"):
        with pytest.raises(NotFound):
            await load_view(database, viewer, name)
    await delete_view(database, viewer, "mine")
    with pytest.raises(NotFound):
        await delete_view(database, viewer, "mine")
    assert [view.name for view in await list_views(database, ops)] == ["other"]


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (" ", {"user": ["a"]}),
        ("a\nb", {"user": ["a"]}),
        ("x" * 61, {"user": ["a"]}),
        ("x", {}),
        ("x", {"color": "red"}),
    ],
)
async def test_a_view_that_asks_nothing_is_not_kept(
    database: Database, viewer: Operator, clock: Clock, name: str, words: dict[str, Any]
) -> None:
    with pytest.raises(BadRequest):
        await save_view(database, viewer, clock, name, words)
    assert await list_views(database, viewer) == ()


async def test_entries_are_followed_as_they_are_written_without_a_gap(database: Database, viewer: Operator) -> None:
    await database["audit_logs"].insert_one(first_shape(0, id="before"))
    seen: asyncio.Queue[Entry] = asyncio.Queue()

    async def read() -> None:
        async with aclosing(AuditQuery(database, viewer).follow(AuditFilters(users=("asha",)))) as entries:
            async for entry in entries:
                await seen.put(entry)

    async def until(name: str) -> list[Entry]:
        found: list[Entry] = []
        while not found or found[-1].id != name:
            found.append(await asyncio.wait_for(seen.get(), 30))
        return found

    reading = asyncio.create_task(read())
    begun = False
    while not begun:  # only the follower knows when it has begun
        await database["audit_logs"].insert_one(first_shape(1, id="first"))
        with contextlib.suppress(TimeoutError):
            begun = (await asyncio.wait_for(seen.get(), 0.2)).id == "first"
    private = {"after": {"phone": "9876543210"}, "changes": {}}
    await database["audit_logs"].insert_one(first_shape(2, id="masked", user_id="asha", **private))
    assert "9876543210" not in repr(await until("masked"))

    # As in an election: the server is no primary, also when the driver asks again.
    no_primary: dict[str, Any] = {"errorCode": 189, "errorLabels": ["ResumableChangeStreamError"]}
    async with failing(database, "getMore", "aggregate", mode={"times": 3}, **no_primary) as met:
        await met(3)
        await database["audit_logs"].insert_many([first_shape(n, id=f"later-{n}") for n in range(6)])
        later = await until("later-5")
    assert [entry.id for entry in later] == ["later-1", "later-3", "later-5"]
    assert not any(entry.doubt for entry in later)
    await database["console_operators"].insert_one({"_id": "asha", "roles": ["ops"]})
    await database["audit_logs"].insert_one(first_shape(7, id="forged", user_id="asha"))
    assert [entry.doubt and entry.doubt.code for entry in await until("forged")] == [UNCHAINED]
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading


async def test_an_entry_is_told_at_once_however_long_the_server_is_let_wait(
    database: Database, viewer: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert follow._AWAIT_MS >= 1_000
    monkeypatch.setattr(follow, "_AWAIT_MS", 60_000)
    began = asyncio.Event()
    changes = follow._changes

    def noting(stream: Any) -> Any:
        began.set()
        return changes(stream)

    monkeypatch.setattr(follow, "_changes", noting)
    await database[AUDIT_LOGS].insert_one(first_shape(0, id="before"))
    async with aclosing(AuditQuery(database, viewer).follow(AuditFilters())) as entries:
        for names in (["one"], ["two", "three"], ["four"]):
            reading = asyncio.create_task(anext(entries))
            await began.wait()
            await database[AUDIT_LOGS].insert_many([first_shape(1, id=name) for name in names])
            found = [(await asyncio.wait_for(reading, 20)).id]
            found += [(await asyncio.wait_for(anext(entries), 20)).id for _ in names[1:]]
            assert found == names


async def test_following_ends_where_the_trail_itself_is_gone(database: Database, viewer: Operator) -> None:
    await database[AUDIT_LOGS].insert_one({"_id": "first"})

    async def following() -> None:
        async for _ in AuditQuery(database, viewer).follow(AuditFilters()):
            await database.client.drop_database(database.name)

    task = asyncio.create_task(following())
    while not task.done():
        with contextlib.suppress(PyMongoError):
            await database[AUDIT_LOGS].insert_one({})
        await asyncio.wait([task], timeout=0.1)
    with pytest.raises(Refused, match="no longer knows"):
        await task
