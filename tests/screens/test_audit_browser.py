"""The browser of the audit trail: filters, jumps, following, views, report, export, check and unmasking."""

import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from rich.text import Text
from textual.pilot import Pilot
from textual.strip import Strip

from console.demo.mongod import EmbeddedMongod
from screens.audit.export import ExportDialog
from screens.audit.filters import FilterDialog
from screens.audit.report import AuditReportScreen
from screens.audit.saved import ViewsDialog
from screens.audit.screen import AuditScreen
from screens.audit.verify import VerifyScreen
from screens.history.screen import HistoryScreen
from screens.widgets.facts import FactsScreen
from screens.widgets.field import Field
from screens.widgets.table import RecordTable
from services.audit import query
from services.audit.export import check_export, manifest_bytes
from services.audit.seal import seal
from services.audit.signing import is_sealed
from services.changes.changeset import ChangeSet, Insert, Update, transact
from services.database import Database
from services.deployment.indexes import INDEXES
from services.operators.operator import Operator
from tests.screens.conftest import NOW, Company, opened, painted, press, settle
from tests.screens.test_hostile_text import CONTROL, ESCAPE, MARKUP
from tests.screens.test_snapshots import SIZES, Compare, after
from tests.services.audit.entries import first_shape, second_shape

MEERA = Operator("meera", ("auditor",))
VERA = Operator("vera", ("viewer",))
OLD = 90
"""Entries of other programs; those of the even numbers are vikram's."""


@pytest.fixture(scope="module")
async def old_trail(mongod: EmbeddedMongod) -> AsyncIterator[Company]:
    """Old entries in both shapes."""
    company = Company(mongod.uri, f"browser_{uuid.uuid4().hex}")
    async with company.connected() as database:
        for index in INDEXES:
            if index.collection in ("audit_logs", "console_audit_leaves"):
                await database[index.collection].create_index(list(index.keys), **index.options)
        old = [first_shape(n) if n % 3 else second_shape(n) for n in range(OLD)]
        await database["audit_logs"].insert_many(old)
        yield company
        await database.client.drop_database(company.name)


@pytest.fixture
async def trail(old_trail: Company) -> Company:
    """The same, whose newest entries are of an order that vikram made and changed, whatever a test wrote before."""
    async with old_trail.connected() as database:
        await write(database)
    return old_trail


async def write(database: Database, **fields: Any) -> str:
    """An order that vikram made and changed; its id."""
    vikram = Operator("vikram", ("ops",))
    order = {"id": f"ord_{uuid.uuid4()}", "status": "pending", "amount": 180.0, "phone": "9876543210", **fields}

    async def make(changes: ChangeSet) -> None:
        changes.add(Insert("orders", dict(order)))

    async def change(changes: ChangeSet) -> None:
        found = await database["orders"].find_one({"id": order["id"]}, session=changes.session)
        assert found is not None
        changes.add(Update("orders", found, {"status": "DELIVERED", "amount": 120.0}, {"status": "pending"}))

    for work in (make, change):
        await transact(database, vikram, lambda: NOW, work)
    return str(order["id"])


def audit(pilot: Pilot[None]) -> AuditScreen:
    assert isinstance(pilot.app.screen, AuditScreen)
    return pilot.app.screen


def table(pilot: Pilot[None]) -> RecordTable:
    return audit(pilot).list_target()


async def fill(pilot: Pilot[None], **words: str) -> None:
    """Open the filters, put these in, and show what they leave."""
    await press(pilot, "slash")
    assert isinstance(pilot.app.screen, FilterDialog)
    for name, value in words.items():
        pilot.app.screen.query_one(f"#{name}", Field).value = value
    await press(pilot, "enter")


class TestFilters:
    async def test_they_combine_one_key_clears_them_and_words_that_make_none_are_refused(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            every = table(pilot).row_count
            await fill(pilot, user="vikram", table="orders", last_day="2026-11-01", field="status")
            seen = {(entry.user, entry.table) for entry in audit(pilot)._entries.values()}
            assert seen == {("vikram", "orders")}
            assert 0 < table(pilot).row_count < every
            line = painted(pilot).splitlines()[3]
            assert "users vikram" in line
            assert "to 2026-11-01" in line
            assert "field status" in line
            await press(pilot, "x")
            assert table(pilot).row_count == every
            assert "every entry" in painted(pilot)
            await fill(pilot, first_day="2026-1")
            assert isinstance(pilot.app.screen, FilterDialog)
            assert "is not a day" in painted(pilot)

    async def test_what_is_looked_for_is_said_not_to_be_there_only_at_the_end(
        self, trail: Company, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(query, "LOOKING_SECONDS", 0.0)  # each page looks through one entry
        looked = [first_shape(-n, table="looked", after={"n": "needle" if n == 5 else "hay"}) for n in range(1, 8)]
        async with trail.connected() as database:
            await database["audit_logs"].insert_many(looked)
        said: set[str] = set()
        shown = RecordTable.render_line

        def watched(self: RecordTable, y: int) -> Strip:
            strip = shown(self, y)
            if self.id == "entries" and y == 1 and self.more:
                said.add(strip.text.strip())
            return strip

        monkeypatch.setattr(RecordTable, "render_line", watched)
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            await fill(pilot, table="looked", text="needle")
            assert [entry.id for entry in audit(pilot)._entries.values()] == ["entry--5"]
            assert "Looked through 1 entry in 0 s" in painted(pilot)
            await fill(pilot, table="looked", text="straw")
            assert "No entry fits." in painted(pilot)
            assert "Looked through" not in painted(pilot)
            await fill(pilot, table="looked", request="01a20", text="")
            assert "Looked through" not in painted(pilot)
            assert "No entry fits." not in said

    async def test_what_is_refused_lists_nothing_and_escape_returns_to_what_was_listed(self, trail: Company) -> None:
        async with trail.connected() as database:
            noted = [first_shape(n, _id=f"noted-{n}", meta={"session": f"01a208eb-{n}"}) for n in range(2)]
            await database["audit_logs"].insert_many(noted)
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            before, row = table(pilot).rows, table(pilot).row
            await fill(pilot, session="01a208eb")
            assert "Several sessions begin with '01a208eb'" in painted(pilot)
            assert "session 01a208eb" in painted(pilot)
            assert table(pilot).rows == ()
            assert "Not read." in painted(pilot)
            assert "No entry is chosen." in painted(pilot)
            await fill(pilot, session="01a208eb-1")
            assert [row.key for row in table(pilot).rows] == ["noted-1"]
            await press(pilot, "escape")  # past what listed nothing
            assert (table(pilot).rows, table(pilot).row) == (before, row)
            assert "every entry" in painted(pilot)
            await fill(pilot, session="01a208eb")
            await press(pilot, "escape")
            assert (table(pilot).rows, table(pilot).row) == (before, row)
        async with trail.connected() as database:
            await database["audit_logs"].delete_many({"_id": {"$in": ["noted-0", "noted-1"]}})

    async def test_a_jump_keeps_the_cursor_and_escape_returns_deep_into_the_list(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            row = table(pilot).row
            assert row is not None
            for downs, number in ((0, 2), (2, 1), (3, 2)):  # this record, this request, this session
                await press(pilot, "a", *["down"] * downs, "enter")
                assert table(pilot).row_count == number
                assert table(pilot).row == row
            await press(pilot, "escape", "escape", "escape")
            table(pilot).cursor = 45
            await settle(pilot)
            table(pilot).cursor = 70
            before, row = table(pilot).rows, table(pilot).row
            await press(pilot, "a", "down", "enter")
            assert {entry.user for entry in audit(pilot)._entries.values()} < {"asha", "vikram"}
            await press(pilot, "escape")
            assert (table(pilot).rows, table(pilot).row) == (before, row)

    async def test_history_opens_for_the_record_also_of_the_second_shape(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            await fill(pilot, action="mark_delivered")
            await press(pilot, "h")
            assert isinstance(pilot.app.screen, HistoryScreen)
            assert "orders/ord_" in painted(pilot)
            await press(pilot, "escape")
            assert audit(pilot)


class TestEntry:
    async def test_it_tells_fields_circumstances_and_its_place(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            screen = painted(pilot)
            assert "₹180.00 → ₹120.00" in screen
            assert "= 2 unchanged: id, phone" in screen
            assert "number 2 in" in screen
            assert "Request" in screen
            await press(pilot, "u")
            assert "9876543210" in painted(pilot)
            assert "stored: 180.0" in painted(pilot)

    async def test_of_another_program_it_says_that_it_has_no_chain(self, trail: Company) -> None:
        async with opened(trail.app(MEERA), (80, 24)) as pilot:
            await press(pilot, "f6")
            await fill(pilot, action="mark_delivered")
            await press(pilot, "enter", "end")
            assert "none: of another program" in painted(pilot)

    async def test_stored_text_is_only_text(self, trail: Company) -> None:
        async with trail.connected() as database:
            wild = {
                "before": {f"{MARKUP}": f"{ESCAPE}"},
                "after": {f"{MARKUP}": f"{MARKUP}{ESCAPE}"},
                "user_id": MARKUP,
            }
            await database["audit_logs"].insert_one(
                first_shape(0, id="wild", table="wild", **wild, meta={"run": ESCAPE})
            )
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            await fill(pilot, table="wild")
            assert table(pilot).row_count == 1
            assert not CONTROL.search(painted(pilot))
            await press(pilot, "a")
            assert not CONTROL.search(painted(pilot))

    async def test_a_viewer_unmasks_for_a_reason_that_the_trail_has(self, trail: Company) -> None:
        async with opened(trail.app(VERA)) as pilot:
            await press(pilot, "f6", "u")
            assert "9876543210" not in painted(pilot)
            await press(pilot, "y", "e")
            assert audit(pilot)
            assert "It needs the role auditor" in painted(pilot)
            await press(pilot, "m")
            pilot.app.screen.query_one("#reason", Field).value = "call back"
            pilot.app.screen.query_one("#reason", Field).input.focus()
            await press(pilot, "enter", "enter")
            assert isinstance(pilot.app.screen, FactsScreen)
            assert "9876543210" in painted(pilot)
        async with trail.connected() as database:
            noted = await database["audit_logs"].find_one({"action": "READ"})
            assert noted is not None
            assert (noted["user_id"], noted["meta"]["reason"]) == ("vera", "call back")


async def test_new_entries_are_counted_without_moving_the_cursor(trail: Company) -> None:
    async with opened(trail.app(MEERA)) as pilot, trail.connected() as database:
        await press(pilot, "f6", "l", "down", "down")
        row, rows = table(pilot).row, table(pilot).rows
        screen = audit(pilot)
        order = ""
        while not screen._news:  # only the follower knows when it has begun
            order = await write(database)
            await pilot.pause(0.2)
        await pilot.pause(0.2)
        assert "new: g shows them" in painted(pilot)
        assert (table(pilot).row, table(pilot).rows) == (row, rows)
        await press(pilot, "g")
        newest = table(pilot).row
        assert newest is not None
        assert table(pilot).cursor == 0
        assert screen._entries[newest.key].record_id == order
        assert "following" in painted(pilot)
        await press(pilot, "l")
        assert "following" not in painted(pilot)


async def test_views_are_saved_applied_and_deleted(trail: Company) -> None:
    async with opened(trail.app(MEERA)) as pilot:
        await press(pilot, "f6")
        await fill(pilot, user="asha", action="UPDATE")
        listed = table(pilot).row_count
        await press(pilot, "v")
        assert isinstance(pilot.app.screen, ViewsDialog)
        pilot.app.screen.query_one("#name", Field).value = "hers"
        pilot.app.screen.query_one("#name", Field).input.focus()
        await press(pilot, "enter")
        assert "users asha" in painted(pilot)
        await press(pilot, "escape", "x", "v")
        await press(pilot, "enter")
        assert table(pilot).row_count == listed
        await press(pilot, "v", "d")
        assert "You have no views." in painted(pilot)


async def test_the_report_counts_and_lists_what_is_chosen(trail: Company) -> None:
    async with opened(trail.app(MEERA)) as pilot:
        await press(pilot, "f6")
        await fill(pilot, last_day="2026-11-01")
        await press(pilot, "r")
        assert isinstance(pilot.app.screen, AuditReportScreen)
        assert "When in the week (India)" in painted(pilot)
        assert "█" in painted(pilot)
        users = pilot.app.screen.query_one("#users", RecordTable)
        assert {row.key for row in users.rows} >= {"asha", "vikram"}
        users.focus()
        chosen = users.rows[0].key
        await press(pilot, "enter")
        assert {entry.user for entry in audit(pilot)._entries.values()} == {chosen}
        assert "to 2026-11-01" in painted(pilot)
        await press(pilot, "escape")
        await fill(pilot, field="status")
        await press(pilot, "r")
        assert "A report takes no record, field or text" in painted(pilot)


class TestExport:
    async def test_a_refusal_keeps_what_was_typed_and_the_file_is_signed(self, trail: Company, tmp_path: Path) -> None:
        file = tmp_path / "out.jsonl"
        async with opened(trail.app(MEERA)) as pilot:
            await press(pilot, "f6")
            await fill(pilot, user="asha", last_day="2026-11-01")
            listed = table(pilot).row_count
            await press(pilot, "e")
            assert isinstance(pilot.app.screen, ExportDialog)
            pilot.app.screen.query_one("#path", Field).value = str(tmp_path / "out.doc")
            pilot.app.screen.query_one("#reason", Field).value = "year end"
            await press(pilot, "enter")
            assert "the formats are jsonl, csv, xlsx" in painted(pilot)
            pilot.app.screen.query_one("#path", Field).value = str(file)
            await press(pilot, "enter")
            assert f"{listed} entries are in" in painted(pilot)
        checked = check_export(file)
        assert checked.intact
        assert is_sealed(checked.signature or {}, manifest_bytes(checked.manifest), [MEERA.trail.signer.public])
        async with trail.connected() as database:
            noted = await database["audit_logs"].find_one({"action": "EXPORT"})
            assert noted is not None
            assert noted["after"]["reason"] == "year end"


class TestVerify:
    async def test_a_problem_is_named_and_enter_opens_its_entry(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot, trail.connected() as database:
            order = await write(database)
            await seal(database, MEERA.trail, lambda: NOW, everything=True)
            entry = await database["audit_logs"].find_one({"record_id": order, "action": "UPDATE"})
            assert entry is not None
            await press(pilot, "f6", "y")
            assert isinstance(pilot.app.screen, VerifyScreen)
            assert "✓" in painted(pilot)
            await database["audit_logs"].update_one({"_id": entry["_id"]}, {"$set": {"after.amount": 1.0}})
            await press(pilot, "r")
            assert "not as sealed" in painted(pilot)
            assert str(pilot.app.screen.query_one("#problems", RecordTable).rows[0].cells[1]) == entry["_id"]
            await press(pilot, "enter")
            row = table(pilot).row
            assert row is not None
            assert row.key == entry["_id"]
            assert "ALTERED: its content does not fit its" in painted(pilot)
            assert [str(each.style) for each in row.cells[3:] if isinstance(each, Text)] == ["bad"]
            await press(pilot, "s")
            assert "▌✗ 2026" in painted(pilot)
            assert "2 entries ─" in painted(pilot)
            await press(pilot, "h", "down")
            assert " ✗  " in painted(pilot)
            assert "! altered" in painted(pilot)
            await press(pilot, "escape", "escape")
            await database["audit_logs"].replace_one({"_id": entry["_id"]}, entry)
            await press(pilot, "y")  # back from the entry, to the check that named it
            assert "not as sealed" in painted(pilot)
            await press(pilot, "r")
            assert "✓" in painted(pilot)

    async def test_the_last_of_many_problems_is_in_sight_also_when_one_comes_back_to_it(self, trail: Company) -> None:
        async with opened(trail.app(MEERA), (80, 24)) as pilot, trail.connected() as database:
            for _ in range(8):
                await write(database)
            await seal(database, MEERA.trail, lambda: NOW, everything=True)
            await database["audit_logs"].update_many({"user_id": "vikram"}, {"$set": {"altered": 1}})
            await press(pilot, "f6", "y")
            await press(pilot, "end")
            problems = pilot.app.screen.query_one("#problems", RecordTable)
            assert problems.row_count > 12
            assert "▌altered" in painted(pilot)
            await press(pilot, "enter")
            assert audit(pilot)
            await press(pilot, "y")
            assert pilot.app.screen.query_one("#problems", RecordTable).cursor == problems.row_count - 1
            assert "▌altered" in painted(pilot)
            await database["audit_logs"].update_many({}, {"$unset": {"altered": ""}})

    async def test_one_that_was_closed_is_not_told_again(self, trail: Company) -> None:
        async with opened(trail.app(MEERA)) as pilot, trail.connected() as database:
            await press(pilot, "f6", "y")
            waiting = int(painted(pilot).split(" wait for the next seal")[0].split()[-1])
            assert "Checked 2026-11-22 10:00 India time." in painted(pilot)
            await press(pilot, "escape")
            await write(database)  # two entries
            await press(pilot, "y")
            assert f" {waiting + 2} wait for the next seal" in painted(pilot)


@SIZES
class TestLooks:
    def test_the_filters(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        keys = ("f6", "slash", "tab", "shift+tab")

        async def unblinking(pilot: Pilot[Any]) -> None:
            await after(*keys)(pilot)
            pilot.app.set_focus(None)
            await settle(pilot)

        assert snap_compare(company.app(MEERA), terminal_size=size, run_before=unblinking)

    def test_the_report(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(MEERA), terminal_size=size, run_before=after("f6", "r"))

    def test_the_check(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(MEERA), terminal_size=size, run_before=after("f6", "y"))
