"""Measuring a piece of work beside another: turn about, so that whatever else the machine does hits both alike."""

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from services.database import Database

Asked = Callable[[int], Awaitable[object]]
_WARM = 5


@dataclass
class Taken:
    """What some calls took."""

    milliseconds: list[float] = field(default_factory=list)
    processor: float = 0.0
    """Milliseconds of processor time, this process's and the server's together."""

    def at(self, share: float) -> float:
        """The time within which that share of the calls were done, in milliseconds."""
        return sorted(self.milliseconds)[int(share * len(self.milliseconds))]

    @property
    def each(self) -> float:
        """Processor time of one call, in milliseconds."""
        return self.processor / len(self.milliseconds)

    def __str__(self) -> str:
        return f"{self.at(0.5):7.2f} {self.at(0.95):7.2f} {self.each:7.2f}"


async def beside(database: Database, times: int, *works: Asked) -> list[Taken]:
    """What each of these took, called in blocks of ten, the works by turns; the first calls warm the server up."""
    taken = [Taken() for _ in works]
    for work in works:
        for number in range(_WARM):
            await work(number % times)
    for first in range(0, times, 10):
        for work, into in zip(works, taken, strict=True):
            spent = await _processor(database)
            for number in range(first, min(first + 10, times)):
                begun = time.perf_counter()
                await work(number)
                into.milliseconds.append(1_000 * (time.perf_counter() - begun))
            into.processor += await _processor(database) - spent
    return taken


async def _processor(database: Database) -> float:
    """Milliseconds of processor time of this process and of the server so far."""
    status = await database.client.admin.command({"serverStatus": 1, "repl": 0, "metrics": 0, "locks": 0})
    info = status["extra_info"]
    server: int = info["user_time_us"] + info["system_time_us"]
    return 1_000 * time.process_time() + server / 1_000
