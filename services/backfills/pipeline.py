"""Stages of work that go on side by side: the next piece is fetched and the last one put away while one is in hand."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Coroutine
from typing import Any, TypeVar

A = TypeVar("A")


async def ahead(source: AsyncGenerator[A, None]) -> AsyncGenerator[A, None]:
    """What a source gives, fetched one step ahead of who takes it; the source is closed at the end."""
    async with contextlib.aclosing(source):
        coming = asyncio.create_task(_next(source))
        try:
            while (found := await coming) is not None:
                coming = asyncio.create_task(_next(source))
                yield found[0]
        finally:
            await _end(coming)


async def _next(source: AsyncGenerator[A, None]) -> tuple[A] | None:
    async for item in source:
        return (item,)
    return None


class Behind:
    """Work that follows, one piece at a time, while its giver goes on."""

    def __init__(self) -> None:
        self._piece: asyncio.Task[None] | None = None

    async def follow(self, work: Coroutine[Any, Any, None]) -> None:
        """Wait for the piece before, and begin with this one. Raises what the piece before raised."""
        try:
            await self.settle()
        except BaseException:
            work.close()
            raise
        self._piece = asyncio.create_task(work)

    async def settle(self) -> None:
        """Wait until all is done."""
        piece, self._piece = self._piece, None
        if piece is not None:
            await piece

    async def end(self) -> None:
        """End what is under way, whatever became of it."""
        piece, self._piece = self._piece, None
        if piece is not None:
            await _end(piece)


async def _end(task: asyncio.Task[Any]) -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
