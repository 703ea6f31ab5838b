"""What the five screens look like, wide and narrow, on the demo's data of one fixed day."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import Company, press, settle

Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "narrow"])


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys once the console is open, and wait for what they ask for."""

    async def run(pilot: Pilot[Any]) -> None:
        await settle(pilot)
        for key in keys:
            await press(pilot, key)

    return run


@pytest.fixture(autouse=True)
def _same_run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backfills.preview.new_run_id", lambda now: "run-20261122-100000-demo")


@SIZES
class TestLooks:
    def test_home(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(), terminal_size=size, run_before=after())

    def test_orders(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        # Out of the search, whose cursor blinks.
        assert snap_compare(company.app(), terminal_size=size, run_before=after("f3", "escape"))

    def test_deliveries(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(), terminal_size=size, run_before=after("f4"))

    def test_billing(self, own_company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(own_company.app(), terminal_size=size, run_before=after("f5", "p"))

    def test_audit(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(), terminal_size=size, run_before=after("f6"))


@SIZES
class TestDialogsLook:
    def test_the_commit_with_cancel_in_focus(
        self, own_company: Company, snap_compare: Compare, size: tuple[int, int]
    ) -> None:
        assert snap_compare(own_company.app(), terminal_size=size, run_before=after("f5", "p", "c"))

    def test_the_help_of_a_screen(self, company: Company, snap_compare: Compare, size: tuple[int, int]) -> None:
        assert snap_compare(company.app(), terminal_size=size, run_before=after("f6", "f1"))
