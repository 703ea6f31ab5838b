"""Which fields differ between two states of a record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


class _Absent:
    def __repr__(self) -> str:
        return "ABSENT"


ABSENT = _Absent()
"""The value of a field that is not there; assigned, it takes the field away."""


def differences(before: dict[str, Any], after: dict[str, Any], path: str = "") -> dict[str, dict[str, Any]]:
    """Every field that differs, nested ones by dotted path, as `{field: {"old", "new"}}`; lists are compared whole."""
    found: dict[str, dict[str, Any]] = {}
    for name in {**before, **after}:
        old, new = before.get(name, ABSENT), after.get(name, ABSENT)
        _compare(found, f"{path}{name}", old, new)
    return found


def assigned_differences(before: dict[str, Any], values: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """What an assignment of values to dotted paths changes: as `differences`, looking only where it assigns."""
    found: dict[str, dict[str, Any]] = {}
    for path, new in values.items():
        _compare(found, path, lookup(before, path), new)
    return found


def lookup(document: dict[str, Any], path: str) -> Any:
    """The value at a dotted path, ABSENT where there is none."""
    if "." not in path:
        return document.get(path, ABSENT)
    value: Any = document
    for name in path.split("."):
        value = value.get(name, ABSENT) if isinstance(value, dict) else ABSENT
    return value


def _compare(found: dict[str, dict[str, Any]], path: str, old: Any, new: Any) -> None:
    if isinstance(old, dict) and isinstance(new, dict):
        found.update(differences(old, new, f"{path}."))
    elif not same(old, new):
        found[path] = {"old": None if old is ABSENT else old, "new": None if new is ABSENT else new}


def same(old: object, new: object) -> bool:
    """Equality as the database sees it: 1 and 1.0 and True are three values, NaN is itself, also inside of lists."""
    if type(old) is not type(new):
        return False
    if isinstance(old, list) and isinstance(new, list):
        return len(old) == len(new) and all(map(same, old, new))
    if isinstance(old, dict) and isinstance(new, dict):
        return old.keys() == new.keys() and all(same(value, new[name]) for name, value in old.items())
    return old == new or (isinstance(old, float) and old != old and new != new)
