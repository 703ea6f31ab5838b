"""What all backfills have in common."""

from datetime import date
from typing import Any

import pytest

from services.backfills.backfill import Backfill
from services.backfills.plan import Options
from services.backfills.preview import preview
from services.backfills.registry import BACKFILLS, find_backfill
from services.clock import Clock
from services.database import Database
from services.errors import BadRequest
from services.operators.operator import Operator

OPTIONS: dict[str, Any] = {
    "delivered_from": date(2026, 10, 1),
    "delivered_to": date(2026, 10, 31),
    "include_flagged": True,
    "confirmed_only": True,
}
EVERY = pytest.mark.parametrize("backfill", BACKFILLS.values(), ids=list(BACKFILLS))


def test_there_are_five() -> None:
    assert list(BACKFILLS) == [
        "bill-one-time-orders", "repair-billed-flags", "add-order-fields", "link-users-customers",
        "link-deliveries-orders",
    ]  # fmt: skip
    with pytest.raises(BadRequest):
        find_backfill("drop-everything")


@EVERY
@pytest.mark.parametrize("option", OPTIONS)
async def test_a_preview_takes_the_options_that_make_sense_and_refuses_the_others(
    database: Database, ops: Operator, clock: Clock, backfill: Backfill[Any], option: str
) -> None:
    asked = Options(**{option: OPTIONS[option]})
    if option in backfill.takes:
        assert (await preview(database, ops, clock, backfill.name, asked)).examined == 0
        return
    with pytest.raises(BadRequest) as refused:
        await preview(database, ops, clock, backfill.name, asked)
    assert f"--{option.replace('_', '-')}" in refused.value.message
    assert await database["console_runs"].count_documents({}) == 0


@EVERY
async def test_options_left_as_they_are_are_never_refused(
    database: Database, viewer: Operator, clock: Clock, backfill: Backfill[Any]
) -> None:
    plain = Options(delivered_from=None, delivered_to=None, include_flagged=False, confirmed_only=False)
    plan = await preview(database, viewer, clock, backfill.name, plain, store=False)
    assert (plan.examined, tuple(plan.classes)) == (0, backfill.groups)
