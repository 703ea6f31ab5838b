"""The recovery report on the screen: opened from the billing, read by area, saved to a file."""

import csv
import os
import stat
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from screens.billing.screen import BillingScreen
from screens.report.screen import ReportScreen
from screens.report.views import SplitBar
from screens.widgets.field import Field
from screens.widgets.save import SaveFile
from screens.widgets.table import RecordTable
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press, type_text
from tests.screens.test_billing import commit
from tests.screens.test_hostile_text import CONTROL, ESCAPE, MARKUP, rename_customers
from tests.screens.test_snapshots import SIZES, Compare, after


@pytest.fixture(autouse=True)
def _same_run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backfills.preview.new_run_id", lambda now: "run-20261122-100000-demo")


def table(pilot: Pilot[Any], name: str) -> RecordTable:
    assert isinstance(pilot.app.screen, ReportScreen)
    return pilot.app.screen.query_one(name, RecordTable)


class TestReading:
    async def test_before_a_commit_it_tells_what_would_be_billed_and_after_it_what_was(
        self, own_company: Company
    ) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "o")
            planned = painted(pilot)
            assert "Would bill" in planned
            await press(pilot, "tab", "enter")
            assert "Planned, and not committed yet." in painted(pilot)
            await press(pilot, "escape", "escape")
            assert isinstance(pilot.app.screen, BillingScreen)
            number = await commit(pilot)
            await press(pilot, "escape", "o")
            done = painted(pilot)
            assert f"Billed {number}" in done
            assert "verified: yes, to the paisa" in done
            assert "Would bill" not in done

    async def test_enter_on_an_area_lists_its_customers_alone(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "o")
            everybody = table(pilot, "#customers").row_count
            await press(pilot, "tab", "tab")
            assert table(pilot, "#areas").has_focus
            await press(pilot, "enter")
            assert 0 < table(pilot, "#customers").row_count < everybody
            assert table(pilot, "#customers").has_focus
            await press(pilot, "c")
            assert table(pilot, "#customers").row_count == everybody
            await press(pilot, "escape")
            assert table(pilot, "#months").has_focus

    async def test_a_viewer_reads_it_too(self, own_company: Company) -> None:
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
        async with opened(own_company.app(Operator("vera", ("viewer",)))) as pilot:
            await press(pilot, "f5", "o")
            assert table(pilot, "#months").row_count > 0

    async def test_without_a_run_the_key_says_why(self, company: Company) -> None:
        async with opened(company.app()) as pilot:
            await press(pilot, "f5", "o")
            assert isinstance(pilot.app.screen, BillingScreen)
            assert "There is no run yet." in painted(pilot)

    async def test_names_and_areas_are_only_text(self, own_company: Company) -> None:
        await rename_customers(own_company, f"{ESCAPE}{MARKUP}")
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "o")
            assert not CONTROL.search(painted(pilot))
            await press(pilot, "c")
            assert "␛]0;pwned␇" in painted(pilot)


class TestSaving:
    async def test_it_is_saved_for_its_owner_alone_and_never_over_another_file_unasked(
        self, own_company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "o")
            await press(pilot, "s")
            file = tmp_path / "r.csv"
            await self.name(pilot, str(file))
            assert "Written to /" in painted(pilot)
            assert stat.S_IMODE(file.stat().st_mode) == 0o600
            with file.open(newline="", encoding="utf-8") as stream:
                assert {row["section"] for row in csv.DictReader(stream)} >= {"month", "area", "customer"}
            file.write_text("mine")
            await press(pilot, "s")
            await self.name(pilot, "r.csv")
            assert "is there already" in painted(pilot)
            assert file.read_text() == "mine"
            await press(pilot, "tab", "space", "tab", "tab", "enter")
            assert isinstance(pilot.app.screen, ReportScreen)
            assert file.read_text() != "mine"

    async def test_what_cannot_be_written_is_told_in_the_dialog(
        self, own_company: Company, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.chdir(tmp_path)
        async with opened(own_company.app()) as pilot:
            await press(pilot, "f5", "p")
            await press(pilot, "o")
            await press(pilot, "s")
            for name, words in (
                ("r.pdf", "names no format"), ("none/r.md", "There is no folder none"), ("", "names no file"),
            ):  # fmt: skip
                await self.name(pilot, name)
                assert isinstance(pilot.app.screen, SaveFile)
                assert words in painted(pilot)
            await press(pilot, "escape")
            assert isinstance(pilot.app.screen, ReportScreen)
        assert os.listdir(tmp_path) == []  # noqa: PTH208 - an async test, as the other linter sees it

    async def name(self, pilot: Pilot[Any], name: str) -> None:
        dialog = pilot.app.screen
        assert isinstance(dialog, SaveFile)
        dialog.query_one("#path", Field).value = ""
        dialog.query_one("#path", Field).input.focus()
        await type_text(pilot, name)
        await press(pilot, "enter")


@pytest.mark.parametrize(
    ("share", "solid", "drawn"),
    [(1.0, 1.0, "████"), (1.0, 0.5, "██░░"), (1.0, 0.001, "█░░░"), (1.0, 0.999, "███░"), (0.0, 0.0, ""),
     (0.01, 0.0, "░")],
)  # fmt: skip
def test_each_part_of_a_bar_shows_however_small(share: float, solid: float, drawn: str) -> None:
    assert SplitBar(share, solid=solid).draw(4).plain == drawn


@SIZES
class TestLooks:
    def test_the_report(self, own_company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(own_company.app(), terminal_size=size, run_before=after("f5", "p", "o"))

    def test_saving_it(self, own_company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        # Out of the file name, whose cursor blinks.
        assert snap_compare(own_company.app(), terminal_size=size, run_before=after("f5", "p", "o", "s", "tab"))
