"""The garbage collector during bulk work."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_CONTAINERS = 200_000
_usual: list[tuple[int, int, int]] = []
"""The thresholds before each bulk work that is under way; the first are the usual ones."""


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Collect seldom while documents by the thousand come and go: they form no cycles, and looking costs a quarter."""
    before = gc.get_threshold()
    _usual.append(_usual[0] if _usual else before)
    gc.set_threshold(_CONTAINERS, *before[1:])
    try:
        yield
    finally:
        usual = _usual.pop()
        if not _usual:
            gc.set_threshold(*usual)
