"""A new order, and what an edit changes, in words: items and delivery people by name, their ids behind."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from services.audit.entries import FieldChange
from services.money import format_rupees, quantity_told, rupees_told
from services.orders.creation import Created
from services.orders.editing import Cancellable, Edited
from services.records.orders import CANCELLED, Item, read_items


def readable_changes(edited: Edited) -> tuple[FieldChange, ...]:
    """The changes for people: a list of items as one change for each item that differs."""
    return tuple(each for change in edited.changes for each in _readable(change, edited.names))


def order_in_words(new: Created) -> Iterator[tuple[str, str]]:
    """A new order for whoever is asked whether to make it: for whom, when and where, what, and what it comes to."""
    document = new.document
    yield "customer", f"{new.customer_name or 'no name'} ({new.customer_id})"
    yield "day", document["delivery_date"]
    yield "address", new.address
    person = document["delivery_boy_id"]
    yield "delivery person", person_in_words(person, {str(person): new.delivery_person}) if person else "nobody yet"
    if document["notes"]:
        yield "notes", document["notes"]
    yield from (("item", _item(item)) for item in read_items(document))
    yield "total", format_rupees(new.amount_paise)


def cancelling_in_words(shown: Cancellable) -> Iterator[tuple[str, str]]:
    """An order for whoever is asked whether to cancel it: whose and for when, what, notes, and what becomes of it."""
    order = shown.order
    yield "customer", shown.customer_name or "no customer"
    yield "day", str(order.delivery_date or "none")
    yield from (("item", _item(item)) for item in order.items)
    yield "total", rupees_told(order.total) if order.total is not None else "no amount"
    if order.notes:
        yield "notes", order.notes
    yield "status", f"{order.status} → {CANCELLED}"


def person_in_words(person: object, names: Mapping[str, str]) -> str:
    """`Raj (boy-1)`; the id alone where nobody on the staff has it."""
    name = names.get(str(person), "")
    return f"{name} ({person})" if name else str(person)


def _readable(change: FieldChange, names: Mapping[str, str]) -> Iterator[FieldChange]:
    if change.field == "delivery_boy_id":
        old, new = (person_in_words(each, names) if each else None for each in (change.old, change.new))
        yield FieldChange("delivery person", old, new, change.kind)
    elif change.field == "items":
        yield from _items(change.old, change.new)
    else:
        yield change


def _items(old: object, new: object) -> Iterator[FieldChange]:
    before, after = _by_key(old), _by_key(new)
    for key in {**before, **after}:
        was, now = before.get(key), after.get(key)
        if was is None:
            yield FieldChange("items", None, now, "added")
        elif now is None:
            yield FieldChange("items", was, None, "removed")
        elif was != now:
            yield FieldChange("items", was, now, "changed")


def _by_key(items: object) -> dict[str, str]:
    found: dict[str, list[str]] = {}
    for item in read_items({"items": items}):
        found.setdefault(item.key, []).append(_item(item))
    return {key: ", ".join(lines) for key, lines in found.items()}


def _item(item: Item) -> str:
    name = " ".join(filter(None, (item.name or item.key, item.unit)))
    price = f" at {rupees_told(item.price)}" if item.price is not None else ""
    behind = f" ({item.product_id})" if item.product_id and item.name else ""
    return f"{quantity_told(item.quantity)} × {name}{price}{behind}"
