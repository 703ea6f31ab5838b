"""Everything about one order."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from services.audit.entries import Entry
from services.audit.query import AuditQuery
from services.billing.charge import Undecided, charge
from services.billing.month import billing_month
from services.customers.links import Link, explain_links
from services.customers.resolution import CustomerLinks, Resolution
from services.database import Database, told
from services.deliveries.staff import staff_names
from services.errors import Refused
from services.operators.operator import Operator, shown_to
from services.orders.lookup import stated_paise
from services.orders.reading import naming, require_order
from services.records.bills import Bill, read_bill
from services.records.customers import Customer
from services.records.deliveries import Delivery, read_delivery
from services.records.findings import Finding
from services.records.orders import Order, order_findings, read_order

_HISTORY = 50


@dataclass(frozen=True, slots=True)
class OrderDetail:
    """An order with all that belongs to it; phones and addresses are masked for a viewer."""

    order: Order
    amount_paise: int | None
    """What the order states; what it would be billed at can differ after a partial delivery."""
    customer: Customer | None
    resolution: Resolution
    links: tuple[Link, ...]
    """Where each id between the order and its customer leads."""
    delivery_person: str
    deliveries: tuple[Delivery, ...]
    bills: tuple[Bill, ...]
    billing_month: str | None
    findings: tuple[Finding, ...]
    """The findings of all these records, and what keeps the order from being billed."""
    history: tuple[Entry, ...]


async def show_order(database: Database, operator: Operator, order_id: str) -> OrderDetail:
    """The order of that id.

    Raises NotFound where there is none.
    """
    operator.require("viewer", "look up orders")
    with told():
        documents = await require_order(database, order_id)
        order, links = read_order(documents[0]), CustomerLinks(database)
        (delivered, billed), steps, names, (entries, too_many) = await asyncio.gather(
            links.read([order.owner], *naming(order_id)),
            explain_links(database, order.owner),
            staff_names(database, [order.delivery_boy_id]),
            _history(AuditQuery(database, operator), order_id),
        )
    deliveries, bills = tuple(map(read_delivery, delivered)), tuple(map(read_bill, billed))
    resolution = links.resolve(order.owner)
    customer = links.customer(resolution.customer_id)
    findings = [
        *order_findings(documents[0]),
        *_findings(order, resolution, deliveries, bills, twin=len(documents) > 1),
        *too_many,
    ]
    for part in (customer, *deliveries, *bills):
        findings += part.findings if part else ()
    if order.delivery_boy_id and order.delivery_boy_id not in names:
        findings.append(
            Finding("delivery-person-unknown", "The order names a delivery person who is not on the staff.")
        )
    detail = OrderDetail(
        order=order,
        amount_paise=stated_paise(order),
        customer=customer,
        resolution=resolution,
        links=tuple(steps),
        delivery_person=names.get(order.delivery_boy_id or "", ""),
        deliveries=deliveries,
        bills=bills,
        billing_month=billing_month(order),
        findings=tuple(findings),
        history=entries,
    )
    return shown_to(operator, detail)


async def _history(audit: AuditQuery, order_id: str) -> tuple[tuple[Entry, ...], list[Finding]]:
    """The newest entries about the order; where there are too many to sort, that is a finding."""
    try:
        return (await audit.by_record("orders", order_id, limit=_HISTORY)).items, []
    except Refused as refused:
        return (), [Finding(refused.code, refused.message)]


def _findings(
    order: Order, resolution: Resolution, deliveries: tuple[Delivery, ...], bills: tuple[Bill, ...], *, twin: bool
) -> list[Finding]:
    found: list[Finding] = []
    if twin:
        found.append(Finding("id-duplicate", "Another order has the same id."))
    if resolution.customer_id is None:
        code = "customer-ambiguous" if resolution.candidates else "customer-missing"
        found.append(Finding(code, f"The order's customer is open: {resolution.how}."))
    if len(bills) > 1:
        found.append(Finding("bill-duplicate", f"The order has {len(bills)} billing records."))
    if bills and not order.billed:
        found.append(Finding("flag-missing", "There is a billing record, but the order lacks the billed flag."))
    if order.billed and not bills:
        found.append(Finding("flagged-no-record", "The order is flagged billed, but there is no billing record."))
    if order.kind == "one-time" and order.delivered and not bills:
        outcome = charge(order, deliveries)
        if isinstance(outcome, Undecided):
            found.append(Finding(outcome.code, outcome.message))
        if billing_month(order) is None:
            found.append(Finding("no-delivery-month", "No delivery time or date can be read, so no billing month."))
    return found
