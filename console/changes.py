"""Field changes on the command line: as pairs for people, as documents for JSON, and told before a question."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from services.text import visible

if TYPE_CHECKING:
    from services.audit.entries import FieldChange


def change_pairs(changes: Sequence[FieldChange]) -> list[tuple[str, str]]:
    """Each field with its old and its new value in words: rupees, and times in India, as on the screens."""
    return [(each.field, f"{_value(each.field, each.old)} → {_value(each.field, each.new)}") for each in changes]


def change_documents(changes: Sequence[FieldChange]) -> list[dict[str, Any]]:
    """Each field with its stored values."""
    return [{"field": each.field, "old": each.old, "new": each.new, "kind": each.kind} for each in changes]


def tell(changes: Sequence[FieldChange]) -> None:
    """What would change, on standard error, where the question is asked."""
    for field, words in change_pairs(changes):
        print(visible(f"{field}: {words}"), file=sys.stderr)


def _value(field: str, value: Any) -> str:
    from screens.widgets.values import told

    if isinstance(value, list):
        items = [each for each in value if isinstance(each, dict)]
        return ", ".join(f"{each.get('quantity')} × {each.get('product_name')}" for each in items)
    return "nothing" if value in (None, "") else told(field, value)
