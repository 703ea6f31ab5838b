"""Which fields differ between two states of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

_ABSENT = object()


def differences(before: dict[str, Any], after: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """Every field that differs, nested ones by dotted path, as `{field: {"old", "new"}}`; lists are compared whole."""
    found: dict[str, dict[str, Any]] = {}
    for name in {**before, **after}:
        old, new = before.get(name, _ABSENT), after.get(name, _ABSENT)
        here = f"{path}{name}"
        if isinstance(old, dict) and isinstance(new, dict):
            found.update(differences(old, new, f"{here}."))
        elif not same(old, new):
            found[here] = {"old": None if old is _ABSENT else old, "new": None if new is _ABSENT else new}
    return found


def assigned_differences(before: dict[str, Any], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What an assignment of values to dotted paths changes: as `differences`, looking only where it assigns."""
    found: dict[str, dict[str, Any]] = {}
    for path, new in values.items():
        old: Any = before
        for name in path.split("."):
            old = old.get(name, _ABSENT) if isinstance(old, dict) else _ABSENT
        found.update(differences({path: old} if old is not _ABSENT else {}, {path: new}))
    return found


def same(old: object, new: object) -> bool:
    """Equality as the database sees it: 1 and 1.0 and True are three values, NaN is itself."""
    if type(old) is not type(new):
        return False
    return old == new or (isinstance(old, float) and old != old and new != new)
