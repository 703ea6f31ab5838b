"""Records as of any time, beside an oracle that saw them live."""

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings

from services.changes.difference import same
from services.database import Database
from services.history.states import compare
from services.history.touched import who_touched
from services.operators.operator import Operator
from tests.services.history.living import DEEDS, ON_ONE_DATABASE, Life, index, late, state_of


async def check_every_moment(life: Life) -> None:
    """At, right before and right after each moment, before all of them, and now."""
    at_last = dict(life.moments)
    times = sorted(at_last)
    for record in life.touched:
        for number, moment in enumerate(times):
            before = at_last[times[number - 1]].get(record) if number else None
            after = at_last[moment].get(record)
            half = timedelta(milliseconds=500)
            for time, expected in ((moment - half, before), (moment, after), (moment + half, after)):
                found = await state_of(life.database, record, time)
                assert found.findings == ()
                assert found.exact
                assert found.exists == (expected is not None)
                assert same(found.state, expected), (time, found, expected)
        now = await state_of(life.database, record, "now")
        assert same(now.state, life.records.get(record))
        assert (await state_of(life.database, record, "before")).exists is False


async def check_differences(life: Life) -> None:
    """What differs between two moments is what differs between the oracle's records."""
    at_last = dict(life.moments)
    times = sorted(at_last)
    record = next(iter(life.moments[0][1]))
    first, second = times[0], times[len(times) // 2]
    found = await compare(life.database, Operator("amit", ("auditor",)), late, "orders", record, second, first)
    assert (found.first.at, found.second.at) == (first, second)
    assert same(found.first.state, at_last[first].get(record))
    assert same(found.second.state, at_last[second].get(record))
    noted = [at for _, _, at in life.touched[record] if first < at <= second]
    assert found.entries == len(noted)


async def check_who(life: Life) -> None:
    for record, deeds in life.touched.items():
        found = {touch.user: touch for touch in await who_touched(life.database, Operator("v", ("viewer",)), "orders",
                                                                  record)}  # fmt: skip
        assert found.keys() == {user for user, _, _ in deeds}
        for user, touch in found.items():
            mine = [(action, at) for name, action, at in deeds if name == user]
            assert touch.entries == len(mine)
            assert (touch.first, touch.last) == (mine[0][1], mine[-1][1])
            assert touch.actions == {action: [a for a, _ in mine].count(action) for action, _ in mine}


async def live_and_check(database: Database, deeds: list[Any]) -> None:
    await index(database)
    life = Life(database)
    await life.live(deeds)
    await check_every_moment(life)
    await check_differences(life)
    await check_who(life)


@given(DEEDS)
@settings(max_examples=10, suppress_health_check=ON_ONE_DATABASE)
async def test_any_record_is_what_it_was_at_any_time(database: Database, deeds: list[Any]) -> None:
    await live_and_check(database, deeds)


@pytest.mark.long
@given(DEEDS)
@settings(max_examples=1_000, suppress_health_check=ON_ONE_DATABASE)
async def test_a_thousand_lives_are_told_as_they_were(database: Database, deeds: list[Any]) -> None:
    await live_and_check(database, deeds)
