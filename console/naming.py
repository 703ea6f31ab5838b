"""Records named on the command line by the beginning of their ids."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from services.text import visible

if TYPE_CHECKING:
    from console.session import Session


async def whole_id(session: Session, table: str, typed: str) -> str:
    """The id that is meant; where it is more than was typed, it is told on standard error. Raises as `full_id`."""
    from services.history.naming import full_id

    named = await full_id(session.database, session.operator, table, typed)
    if named != typed.strip():
        print(visible(f"{typed.strip()} is {named}."), file=sys.stderr)
    return named
