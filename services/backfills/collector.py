"""The garbage collector during bulk work."""

from __future__ import annotations

import contextlib
import gc
from collections.abc import Iterator

_CONTAINERS = 200_000


@contextlib.contextmanager
def rare_collections() -> Iterator[None]:
    """Collect seldom while documents by the thousand come and go: they form no cycles, and looking costs a quarter."""
    before = gc.get_threshold()
    gc.set_threshold(_CONTAINERS, *before[1:])
    try:
        yield
    finally:
        gc.set_threshold(*before)
