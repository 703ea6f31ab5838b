"""What the five screens look like, wide and narrow, on the demo's data of one fixed day."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from textual.pilot import Pilot

from tests.screens.conftest import Company, press, settle

Compare = Callable[..., bool]
SIZES = pytest.mark.parametrize("size", [(120, 40), (80, 24)], ids=["wide", "narrow"])


def after(*keys: str) -> Callable[[Pilot[Any]], Awaitable[None]]:
    """Press keys once the console is open, and wait for what they ask for; no cursor blinks."""

    async def run(pilot: Pilot[Any]) -> None:
        pilot.app.cursor_blink = False  # type: ignore[attr-defined]
        await settle(pilot)
        for key in keys:
            await press(pilot, key)

    return run


@pytest.fixture(autouse=True)
def _same_run_id(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("services.backfills.preview.new_run_id", lambda now: "run-20261122-100000-demo")
