"""When a message may go: so many a second, a gap for each customer, quiet hours, growing gaps between tries."""

from __future__ import annotations

import asyncio
import time as clocks
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta

from services.clock import INDIA


@dataclass(frozen=True, slots=True)
class Limits:
    """What the sending keeps to; seconds, and times in India."""

    per_second: int = 80
    customer_gap: float = 6.0
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    retry_gaps: tuple[float, ...] = (60.0, 600.0)
    """After the first and after the second try."""
    throttle_gap: float = 30.0
    """Where a provider asks for a pause and does not say how long."""
    longest_pause: float = 120.0
    """A pause up to this is waited for; for a longer one the sending ends and says when it goes on."""
    answer_within: float = 20.0
    lease_seconds: float = 10.0
    at_once: int = 32
    """Requests on their way at a time."""

    def quiet_end(self, moment: datetime) -> datetime | None:
        """When the quiet hours end in which that moment lies; None outside of them."""
        local = moment.astimezone(INDIA)
        if self.quiet_until <= local.time() < self.quiet_from:
            return None
        day = local.date() + timedelta(days=local.time() >= self.quiet_from)
        return datetime.combine(day, self.quiet_until, INDIA)


@dataclass
class Pacer:
    """Gives each request its moment; knows when each phone was last written to."""

    limits: Limits
    last: dict[str, float] = field(default_factory=dict)
    """The last moment of each phone, on the monotonic clock."""
    _next: float = 0.0
    _paused_until: float = 0.0

    def customer_free_in(self, phone: str) -> float:
        """Seconds until that phone may be written to again, 0 or less when it may now."""
        return self._free_at(phone) - clocks.monotonic()

    def pause(self, seconds: float) -> None:
        """Nothing more for some seconds."""
        self._paused_until = max(self._paused_until, clocks.monotonic() + seconds)

    async def pause_over(self) -> bool:
        """Wait for the end of a pause; False where there is none."""
        wait = self._paused_until - clocks.monotonic()
        if wait <= 0:
            return False
        await asyncio.sleep(wait)
        return True

    async def turn(self, phone: str) -> None:
        """Wait for the next moment of the whole sending at which that phone is free, and take it."""
        while (wait := max(self._next, self._paused_until, self._free_at(phone)) - clocks.monotonic()) > 0:  # noqa: ASYNC110
            await asyncio.sleep(wait)  # and look again: a pause may have begun meanwhile
        now = clocks.monotonic()
        self._next = now + 1 / self.limits.per_second
        self.last[phone] = now

    def wrote(self, phone: str) -> None:
        """That phone's gap begins anew: the request came after its moment."""
        self.last[phone] = clocks.monotonic()

    def remember(self, recent: Mapping[str, float]) -> None:
        """Whom a sender before this one wrote to, with the seconds since."""
        now = clocks.monotonic()
        self.last.update({phone: now - ago for phone, ago in recent.items()})

    def _free_at(self, phone: str) -> float:
        return self.last.get(phone, float("-inf")) + self.limits.customer_gap

    def recent(self) -> dict[str, float]:
        """The seconds since each phone was written to, of those whose gap is not over."""
        now = clocks.monotonic()
        return {phone: now - at for phone, at in self.last.items() if now - at < self.limits.customer_gap}
