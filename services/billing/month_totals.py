"""The month of all customers, or of an area's: what it comes to, who has paid, and which orders are not billed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Literal, TypeAlias, get_args

from services.billing.month_records import CustomerRecords, Products, load_records, month_orders
from services.billing.share import Share
from services.billing.statement import ACCOUNT, Billed, Line, Statement, Status, order_line, state
from services.clock import Clock, india_day, parse_month
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator, shown_to
from services.paging import Page, bad_token, below, list_kind, page_size, read_token, scalar_key, write_token
from services.records.fields import identity, text

Only: TypeAlias = Literal["paid", "partial", "unpaid", "missing"]
"""Customers of a status, or with one-time orders that are delivered and not billed."""
ONLY: tuple[Only, ...] = get_args(Only)
Progress: TypeAlias = Callable[[str, int], None]
STATUSES: tuple[Status, ...] = get_args(Status)
BILLED: tuple[Billed, ...] = get_args(Billed)
_CHUNK = 500
_BREATH = 25
"""Statements between which the event loop may turn."""
_NAMED = 40
"""Areas that a refusal lists."""


@dataclass(slots=True)
class AreaMonth:
    """Sums over the customers of an area, in paise; an empty area is that of customers without one."""

    area: str
    customers: int = 0
    """With anything delivered, paid or carried over."""
    idle: int = 0
    """The others; they are in no status."""
    statuses: dict[Status, Share] = field(default_factory=lambda: {name: Share() for name in STATUSES})
    """Customers, and what they have left to pay."""
    orders: dict[Billed, Share] = field(default_factory=lambda: {name: Share() for name in BILLED})
    """One-time orders; those under review count nothing."""
    subscriptions_paise: int = 0
    previous_balance_paise: int = 0
    paid_paise: int = 0
    expected_paise: int = 0

    @property
    def one_time_paise(self) -> int:
        """Of the total, what one-time orders come to."""
        return sum(share.paise for share in self.orders.values())

    @property
    def total_paise(self) -> int:
        """What was delivered, and what is expected until the month's end."""
        return self.subscriptions_paise + self.one_time_paise

    @property
    def balance_paise(self) -> int:
        """What is left to pay, the customers' credit taken off."""
        return self.total_paise + self.previous_balance_paise - self.paid_paise

    @property
    def missing(self) -> Share:
        """One-time orders without a billing record, those among them that are flagged as billed."""
        flagged, missing = self.orders["flagged"], self.orders["missing"]
        return Share(flagged.records + missing.records, flagged.paise + missing.paise)

    def count(self, statement: Statement) -> None:
        """Add a customer's statement."""
        if statement.idle:
            self.idle += 1
            return
        self.customers += 1
        self.statuses[statement.status].add(Share(1, statement.balance_paise))
        for line in statement.lines:
            if line.billed is None:
                self.subscriptions_paise += line.amount_paise
            else:
                self.orders[line.billed].add(Share(1, line.amount_paise))
        self.previous_balance_paise += statement.previous_balance_paise
        self.paid_paise += statement.paid_paise
        self.expected_paise += statement.expected_paise

    def add(self, other: AreaMonth) -> None:
        """Add another area."""
        self.customers += other.customers
        self.idle += other.idle
        for status, share in other.statuses.items():
            self.statuses[status].add(share)
        for billed, share in other.orders.items():
            self.orders[billed].add(share)
        self.subscriptions_paise += other.subscriptions_paise
        self.previous_balance_paise += other.previous_balance_paise
        self.paid_paise += other.paid_paise
        self.expected_paise += other.expected_paise


@dataclass(frozen=True, slots=True)
class CustomerMonth:
    """A customer's month in a line."""

    customer_id: str
    name: str
    area: str
    total_paise: int
    previous_balance_paise: int
    paid_paise: int
    balance_paise: int
    status: Status
    missing: Share


@dataclass(frozen=True, slots=True)
class MonthTotals:
    """A month by area, the largest balance first; orders whose customer is not known are in none of them."""

    month: str
    today: date
    areas: tuple[AreaMonth, ...]
    total: AreaMonth


async def month_totals(
    database: Database,
    operator: Operator,
    clock: Clock,
    month: str,
    area: str | None = None,
    *,
    progress: Progress | None = None,
    each: Callable[[CustomerMonth], None] | None = None,
) -> MonthTotals:
    """Every customer's statement added up, or those of one area where it or its beginning is named.

    In memory for some hundreds of customers at a time; of all, with the month's one-time orders as lines.

    `progress` is told what is counted, orders or customers, and how many; `each` gets every customer who is not idle.
    Raises NotFound for an area that nobody lives in, Refused for the beginning of several.
    """
    operator.require("viewer", "look at statements")
    asked, today = parse_month(month), india_day(clock())
    areas: dict[str, AreaMonth] = {}
    done = 0
    with told():
        spellings = None if area is None else await _spellings(database, operator, area)
        lines = await _lines(database, asked, progress) if area is None else None
        async for _, statement in _statements(database, asked, today, spellings, None, lines=lines):
            name = shown_to(operator, statement.area)
            areas.setdefault(name, AreaMonth(name)).count(statement)
            done += 1
            if each and not statement.idle:
                each(_row(statement, operator))
            if progress and done % _CHUNK == 0:
                progress("customers", done)
    total = AreaMonth("")
    for each_area in areas.values():
        total.add(each_area)
    ranked = sorted(areas.values(), key=lambda line: (-line.balance_paise, line.area))
    return MonthTotals(asked, today, tuple(ranked), total)


async def month_customers(
    database: Database,
    operator: Operator,
    clock: Clock,
    month: str,
    area: str | None = None,
    only: Only | None = None,
    token: str | None = None,
    limit: int | None = None,
) -> Page[CustomerMonth]:
    """The customers behind an area, or all, who are not idle; the newest customer first.

    Raises as `month_totals`.
    """
    operator.require("viewer", "look at statements")
    asked, size = parse_month(month), page_size(limit)
    kind = list_kind("month", asked, area, only)
    key = read_token(kind, token)
    if key is not None and ("_id" not in key or not scalar_key(key["_id"])):
        raise bad_token()
    kept: list[tuple[object, CustomerMonth]] = []
    with told():
        spellings = None if area is None else await _spellings(database, operator, area)
        async for place, statement in _statements(database, asked, india_day(clock()), spellings, key, size + 1):
            row = _row(statement, operator)
            if statement.idle or not _fits(row, only):
                continue
            kept.append((place, row))
            if len(kept) > size:
                break
    more = write_token(kind, {"_id": kept[size - 1][0]}) if len(kept) > size else None
    return Page(tuple(row for _, row in kept[:size]), more)


def read_only(typed: str | None) -> Only | None:
    """Whom a person asked for.

    Raises BadRequest for a word that is none of them.
    """
    if typed is None:
        return None
    for known in ONLY:
        if typed.strip().lower() == known:
            return known
    raise BadRequest("unknown-status", f"{typed!r} is none of {', '.join(ONLY)}.")


def _fits(row: CustomerMonth, only: Only | None) -> bool:
    if only == "missing":
        return row.missing.records > 0
    return only is None or row.status.lower() == only


def _row(statement: Statement, operator: Operator) -> CustomerMonth:
    missing = Share()
    for line in statement.one_time:
        if line.billed in ("missing", "flagged"):
            missing.add(Share(1, line.amount_paise))
    row = CustomerMonth(
        statement.customer_id, statement.customer_name, statement.area, statement.total_paise,
        statement.previous_balance_paise, statement.paid_paise, statement.balance_paise, statement.status, missing,
    )  # fmt: skip
    return shown_to(operator, row)


async def _spellings(database: Database, operator: Operator, area: str) -> list[object]:
    """The stored values that say this area, or the one area that begins so; case and the spaces around do not count."""
    wanted = area.strip().casefold()
    areas: dict[str, list[object]] = {}
    for each in await database["customers_v2"].distinct("area", maxTimeMS=READ_LIMIT_MS):
        areas.setdefault(shown_to(operator, text(each)).strip().casefold(), []).append(each)
    if not wanted:
        return [None, *(each for each in areas.get("", ()) if each is not None)]
    if wanted in areas:
        return areas[wanted]
    begun = [name for name in areas if name.startswith(wanted)]
    if not begun:
        raise NotFound(
            "unknown-area",
            f"No customer lives in {area!r}. Areas are {_listed(areas, areas, operator)}.",
        )
    if len(begun) > 1:
        message = f"{len(begun)} areas begin with {area!r}: {_listed(areas, begun, operator)}. Type more of the name."
        raise Refused("area-ambiguous", message)
    return areas[begun[0]]


def _listed(areas: Mapping[str, Sequence[object]], names: Collection[str], operator: Operator) -> str:
    """Areas as they are written, in the order of the alphabet."""
    known = [shown_to(operator, text(areas[name][0])).strip() for name in sorted(names) if name]
    left = len(known) - _NAMED
    return ", ".join(known[:_NAMED]) + (f" and {left} more" if left > 0 else "") or "none"


async def _lines(database: Database, month: str, progress: Progress | None) -> dict[str, list[Line]] | None:
    """The lines of the month's one-time orders by customer, each without its items; None where no index serves."""
    orders = await month_orders(database, month)
    if orders is None:
        return None
    lines: dict[str, list[Line]] = {}
    done = 0
    async for customer, records in orders:
        done += 1
        if done % _BREATH == 0:
            await asyncio.sleep(0)
        if progress and done % _CHUNK == 0:
            progress("orders", done)
        if customer:
            lines.setdefault(customer, []).append(replace(order_line(records, month, []), items=(), description=""))
    return lines


async def _statements(
    database: Database, month: str, today: date, areas: Sequence[object] | None, after: Document | None,
    most: int = _CHUNK, lines: Mapping[str, Sequence[Line]] | None = None,
) -> AsyncIterator[tuple[object, Statement]]:  # fmt: skip
    """Each customer's key and statement, newest first, some at a time; with the orders' lines where they are known."""
    products, size = Products(), min(_CHUNK, most)
    narrowed: Document = {} if areas is None else {"area": areas[0] if len(areas) == 1 else {"$in": list(areas)}}

    async def read(after: Document | None, size: int) -> tuple[list[CustomerRecords], bool]:
        matching = narrowed | (below(after["_id"]) if after else {})
        found = database["customers_v2"].find(matching, ACCOUNT).sort("_id", -1).limit(size).batch_size(size + 1)
        chunk = await found.max_time_ms(READ_LIMIT_MS).to_list()
        records = await load_records(database, chunk, month, products, orders_too=lines is None) if chunk else []
        return records, len(chunk) == size

    reading = asyncio.create_task(read(after, size))
    try:
        while True:
            chunk, more = await reading
            if more:  # the server looks for the next ones meanwhile
                reading = asyncio.create_task(read({"_id": chunk[-1].document["_id"]}, _CHUNK))
            for number, records in enumerate(chunk):
                if number % _BREATH == 0:
                    await asyncio.sleep(0)
                mine = (lines or {}).get(identity(records.document.get("id")) or "", ())
                yield records.document["_id"], state(records, month, today, products, mine)
            if not more:
                return
    finally:
        reading.cancel()
