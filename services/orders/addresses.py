"""Where an order goes: the customer's address, or one that was typed, in parts that can be checked."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any

from services.changes.changeset import ChangeSet
from services.changes.difference import ABSENT
from services.database import Document
from services.errors import BadRequest, Refused
from services.records.fields import first, identity, mapping, text
from services.typed import typed_text
from services.validation.address import AddressValidator
from services.validation.result import Result

LONGEST_ADDRESS = 500
_PARTS = (
    "label", "address_line1", "address_line2", "landmark", "area", "city", "state", "pincode", "latitude", "longitude",
)  # fmt: skip
_PLACED = ("latitude", "longitude")
_OF_THE_PLACE = ("label", "address_line2", "landmark", "area")
"""What says more of an address, and nothing of another one."""
_AROUND = ("area", "city", "state", "pincode")
# `12, 4th Cross, Bengaluru 560041`: what looks like a pincode at the end, and the city before it.
_ENDING = re.compile(r"(?P<line>\S.*?)\s*,\s*(?P<city>[^,\d]*[^,\d\s-])[\s,-]+(?P<pincode>\d{3} ?\d{2,4})", re.DOTALL)
_MOST = 20


def read_written(address: str) -> dict[str, str]:
    """The parts of an address in one text: first line, city and pincode where it ends with them, else one line."""
    found = _ENDING.fullmatch(address.strip())
    if found is None:
        return {"address_line1": address.strip()}
    return {"address_line1": found["line"], "city": found["city"].strip(), "pincode": found["pincode"]}


async def new_address(
    changes: ChangeSet, customer: Document, known_as: Collection[str], typed: str
) -> tuple[str | None, Document]:
    """The id and the parts of a new order's address: the customer's own, or as typed.

    Typed without city and pincode, it lies where the customer's own does. Raises BadRequest where there is none.
    """
    area = customer.get("area")
    near = {"area": area} if isinstance(area, str) and area else {}
    name, own = await _own(changes, customer, known_as, near)
    written = read_written(typed_text(typed, "address", LONGEST_ADDRESS))
    if not written["address_line1"]:
        if not own:
            raise BadRequest("no-address", "The customer has no address; give one.")
        return name, own
    around = near if "pincode" in written else {part: own[part] for part in _AROUND if part in own}
    return None, written | around


async def _own(
    changes: ChangeSet, customer: Document, known_as: Collection[str], near: Document
) -> tuple[str | None, Document]:
    """Of the customer's addresses the first that is whole, else the first; empty where there is none."""
    known = [each async for each in _known(changes, customer, known_as, near)]
    for name, parts in known:
        if (await AddressValidator().pincode(parts)).ok:
            return name, parts
    return known[0] if known else (None, {})


async def _known(
    changes: ChangeSet, customer: Document, known_as: Collection[str], near: Document
) -> AsyncIterator[tuple[str | None, Document]]:
    """The customer's addresses: those on record, the default one first, then the one that the customer carries."""
    matching = {"user_id": {"$in": list(known_as)}}
    cursor = changes.database["addresses"].find(matching, session=changes.session).limit(_MOST)
    for record in sorted(await cursor.to_list(), key=lambda each: each.get("is_default") is not True):
        if parts := {name: record[name] for name in _PARTS if record.get(name) not in (None, "")}:
            yield identity(record.get("id")), parts
    stored = customer.get("address")
    if isinstance(stored, dict) and stored:
        yield None, dict(stored)
    elif text(stored).strip():
        yield None, read_written(text(stored)) | near


def changed_address(document: Document, typed: str) -> dict[str, Any]:
    """The values, by dotted path, that give a stored order another address; an address in one text stays one.

    Of one in parts the first line is replaced; where the text ends with city and pincode, they and all that belongs to
    the old place are. It is no longer the address on record that the order names, nor where its coordinates lie.
    Raises BadRequest for an empty one.
    """
    line = typed_text(typed, "address", LONGEST_ADDRESS)
    if not line:
        raise BadRequest("no-address", "An address cannot be empty.")
    if line == address_line(document):
        return {}
    stored = document.get("address")
    values: dict[str, Any] = {"address_id": None} if document.get("address_id") else {}
    if isinstance(stored, str) and stored:
        return values | {"address": line}
    parts = read_written(line)
    if not (isinstance(stored, dict) and stored):
        return values | {"address": parts}
    elsewhere = _OF_THE_PLACE if "pincode" in parts else ()
    gone = {f"address.{name}": ABSENT for name in (*_PLACED, *elsewhere) if name in stored}
    return values | {f"address.{name}": value for name, value in parts.items()} | gone


def address_line(document: Mapping[str, Any]) -> str:
    """The part of a stored address that an edit changes: the text, or the first line of one in parts."""
    address = document.get("address")
    return address if isinstance(address, str) else text(mapping(address).get("address_line1"))


async def check_address(address: object) -> list[tuple[str, Result]]:
    """What the validators say of an order's address, by their names; a single text has no parts to check."""
    parts = mapping(address)
    if not parts:
        return []
    rules = AddressValidator()
    results = [("address.pincode", await rules.pincode(parts))]
    if first(parts, *_PLACED) is not None:
        results.append(("address.coordinates", await rules.coordinates(parts.get("latitude"), parts.get("longitude"))))
    return results


def require_address(result: Result) -> None:
    """Raise Refused for an address that breaks a rule, with how one is written."""
    if not result.ok:
        example = "write it as STREET, CITY PINCODE, for example 12, 4th Cross, Bengaluru 560041"
        raise Refused(result.code or "invalid", f"{result.message[:-1]}; {example}.")
