"""Choosing a customer, a product or a delivery person, found as one types."""

from __future__ import annotations

from functools import partial

from screens.context import Context
from screens.tones import customer_text, text
from screens.widgets.chooser import Chooser, Found
from screens.widgets.table import Column, Row
from services.money import format_rupees

_CUSTOMERS = (Column("Name", 18, grow=2), Column("Phone", 15), Column("Area", 10, grow=1, drop=1),
              Column("Id", 9, grow=1))  # fmt: skip
_PRODUCTS = (Column("Product", 22, grow=3), Column("Unit", 8, grow=1), Column("Price", 10, right=True),
             Column("", 3), Column("Id", 8, grow=1, drop=1))  # fmt: skip
_PEOPLE = (Column("Name", 18, grow=2), Column("Area", 12, grow=1), Column("Shift", 8), Column("Id", 9, grow=1))


def choose_customer(context: Context, typed: str = "", offered: str = "", *, title: str = "For whom?") -> Chooser:
    """Returns the Customer; `offered` is looked for first, and the first letter takes its place."""
    return Chooser(title, _CUSTOMERS, partial(_customers, context), noun="customer", typed=typed,
                   offered=offered, hint="phone, beginning of a name, customer or user id")  # fmt: skip


def choose_product(context: Context, customer_id: str, typed: str = "") -> Chooser:
    """Returns the Offer, at the customer's price."""
    find = partial(_products, context, customer_id)
    return Chooser("Which product?", _PRODUCTS, find, noun="product", typed=typed, hint="words of its name, or its id")


def choose_person(context: Context, typed: str = "") -> Chooser:
    """Returns the id and the name of the delivery person."""
    return Chooser("Who brings it?", _PEOPLE, partial(_people, context), noun=("delivery person", "delivery people"),
                   typed=typed, hint="words of a name, or the beginning of an id")  # fmt: skip


async def _customers(context: Context, words: str) -> Found:
    from services.customers.search import find_customers

    found = await find_customers(context.database, context.operator, words)
    rows = [
        Row(
            each.id or "",
            (customer_text(each.name), text(each.phone), text(each.area, "muted"), text(each.id, "muted")),
        )
        for each in found.items
    ]
    return Found(rows, {each.id or "": each for each in found.items}, found.note)


async def _products(context: Context, customer_id: str, words: str) -> Found:
    from services.orders.products import find_products

    found = await find_products(context.database, context.operator, words, customer_id)
    rows = [
        Row(each.id, (text(each.name or "—"), text(each.unit, "muted"), text(format_rupees(each.price_paise), "money"),
                      text("own" if each.own_price else "", "info"), text(each.id, "muted")))
        for each in found.items
    ]  # fmt: skip
    return Found(rows, {each.id: each for each in found.items}, found.note)


async def _people(context: Context, words: str) -> Found:
    from services.deliveries.staff import find_staff

    found = await find_staff(context.database, context.operator, words)
    rows = [
        Row(name, (text(each.name or "—"), text(each.area, "muted"), text(each.shift, "muted"), text(name, "muted")))
        for name, each in found.items()
    ]
    return Found(rows, {name: (name, each.name) for name, each in found.items()})
