"""What a viewer may not see: addresses, and phones wherever somebody wrote one."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from typing import Any, TypeVar, cast

from pydantic import BaseModel

from services.records.phones import hide_phones

T = TypeVar("T")
MASK = "•••••"
_PRIVATE = {
    "phone", "phone_number", "email", "address", "address_line1", "address_line2", "landmark",
    "location", "latitude", "longitude", "pincode", "lat", "lng", "alternate_phone", "whatsapp_number", "password",
    "password_hash",
}  # fmt: skip
_MONEY = re.compile(r"paise|amount|total|balance|price|paid", re.IGNORECASE)
_REFERENCE = re.compile(r"(?:^|[_.])(?:ids?|key|record|ref|reference|utr|rrn|txn|token|digest|hash)$|[a-z]Ids?$")
"""Fields that name a record or a payment."""
_MOBILE = re.compile(r"(?:91)?[6-9]\d{9}")


def is_private(field: object) -> bool:
    """Whether all that a record has in that field, named by its dotted path, is masked."""
    return bool(_PRIVATE & set(str(field).lower().split(".")))


def masked_value(value: Any, field: str = "") -> Any:
    """What a record holds in a field, or a whole record, as a viewer sees it.

    Every text in it, at any depth and also as a name, without its phones; numbers that can be one likewise.
    """
    if value and is_private(field):
        return MASK
    if isinstance(value, Mapping):
        parts = ((str(name), masked_value(inner, _within(name, field, value))) for name, inner in value.items())
        return {hide_phones(name): part for name, part in parts}
    if isinstance(value, list):
        return [masked_value(each, field) for each in value]
    return _masked(value, field)


def private_values(value: Any, path: str = "", field: str = "") -> dict[str, Any]:
    """What `masked_value` hides in a record, by dotted path."""
    if value and is_private(field):
        return {path: value}
    found: dict[str, Any] = {}
    if isinstance(value, Mapping):
        for name, inner in value.items():
            found |= private_values(inner, f"{path}.{name}" if path else str(name), _within(name, field, value))
    elif isinstance(value, list):
        for number, inner in enumerate(value):
            found |= private_values(inner, f"{path}.{number}", field)
    elif _masked(value, field) != value:
        found[path] = value
    return found


def masked_view(view: T, field: str = "") -> T:
    """What a service shows, as a viewer sees it: all its texts without phones; the ids to go on with stay."""
    changed: dict[str, Any]
    if isinstance(view, str):
        return cast(T, _masked_word(view, field))
    if is_dataclass(view) and not isinstance(view, type):
        parts = {each.name: getattr(view, each.name) for each in fields(view) if each.init}
        return replace(view, **changed) if (changed := _changed(parts)) else view
    if isinstance(view, BaseModel):
        return cast(T, view.model_copy(update=changed)) if (changed := _changed(dict(view))) else view
    if isinstance(view, tuple) and hasattr(view, "_asdict"):
        return cast(T, cast(Any, view)._replace(**_changed(view._asdict())))
    if isinstance(view, (tuple, list)):
        return cast(T, type(view)([masked_view(each, field) for each in view]))
    if isinstance(view, Mapping):
        named = {masked_view(name): masked_view(inner, str(name)) for name, inner in view.items()}
        return cast(T, named)
    return view


def last_three(phone: str) -> str:
    """A phone by which a viewer tells one from another."""
    return MASK + phone[-3:] if phone[-3:].isdigit() else MASK


def _changed(parts: Mapping[str, Any]) -> dict[str, Any]:
    """The parts of a view that a viewer sees otherwise."""
    shown = {name: masked_view(part, name) for name, part in parts.items()}
    return {name: part for name, part in shown.items() if part is not parts[name]}


def _masked_word(word: str, field: str) -> str:
    if not word or _REFERENCE.search(field):
        return word
    if field == "phone":
        return last_three(word)
    if field == "user":  # an id, though not one to go on with
        return hide_phones(word, reference=True)
    return MASK if field == "address" else hide_phones(word)


def _within(name: object, field: str, record: Mapping[str, Any]) -> str:
    """The field that a part of a record is of: what changed tells it above, or beside as `field`."""
    if "field" in record and name != "field":
        return str(record["field"])
    return field if field and name in ("old", "new") else str(name)


def _masked(value: Any, field: str) -> Any:
    if isinstance(value, str):
        return hide_phones(value, reference=bool(_REFERENCE.search(field)))
    if isinstance(value, (int, float)) and not isinstance(value, bool) and not _MONEY.search(field):
        return last_three(f"{value:.0f}") if value % 1 == 0 and _MOBILE.fullmatch(f"{value:.0f}") else value
    return value
