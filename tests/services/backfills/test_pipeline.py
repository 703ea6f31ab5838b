"""Work side by side: in order, one step ahead or behind, and ended with whoever asked for it."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest

from services.backfills.pipeline import Behind, ahead


class Source:
    """Gives numbers; what it did is written down."""

    def __init__(self, fails_at: int = 10) -> None:
        self.given: list[int] = []
        self.closed = False
        self._fails_at = fails_at

    async def numbers(self) -> AsyncGenerator[int, None]:
        try:
            for number in range(6):
                if number == self._fails_at:
                    raise ValueError(number)
                self.given.append(number)
                yield number
        finally:
            self.closed = True


async def test_the_next_is_fetched_while_one_is_in_hand() -> None:
    source = Source()
    found = []
    async for number in ahead(source.numbers()):
        await asyncio.sleep(0)
        assert source.given[-1] == min(number + 1, 5)
        found.append(number)
    assert (found, source.closed) == ([0, 1, 2, 3, 4, 5], True)


async def test_who_stops_early_closes_the_source() -> None:
    source = Source()
    async with aclosing(ahead(ahead(source.numbers()))) as numbers:
        assert await anext(numbers) == 0
    assert source.closed
    assert len(source.given) < 6


async def test_what_a_source_raises_comes_after_what_it_gave() -> None:
    source = Source(fails_at=3)
    numbers = ahead(source.numbers())
    assert [await anext(numbers) for _ in range(3)] == [0, 1, 2]
    with pytest.raises(ValueError, match="3"):
        await anext(numbers)
    assert source.closed


async def test_what_follows_is_done_one_piece_at_a_time_and_in_order() -> None:
    done: list[str] = []

    async def piece(number: int) -> None:
        done.append(f"begin {number}")
        await asyncio.sleep(0)
        done.append(f"end {number}")

    behind = Behind()
    for number in range(3):
        await behind.follow(piece(number))
    await behind.settle()
    assert done == [f"{what} {number}" for number in range(3) for what in ("begin", "end")]


async def test_nothing_follows_a_piece_that_failed() -> None:
    done: list[int] = []

    async def piece(number: int) -> None:
        if number == 0:
            raise ValueError("the first")
        done.append(number)

    behind = Behind()
    await behind.follow(piece(0))
    with pytest.raises(ValueError, match="the first"):
        await behind.follow(piece(1))
    await behind.settle()
    assert done == []


async def test_what_is_ended_early_has_ended() -> None:
    ended = asyncio.Event()

    async def piece() -> None:
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    behind = Behind()
    await behind.follow(piece())
    await asyncio.sleep(0)
    await behind.end()
    assert ended.is_set()
    await behind.settle()
