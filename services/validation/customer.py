"""The customer whom an order or a subscription names."""

from __future__ import annotations

from services.records.customers import Customer
from services.records.fields import reference
from services.validation.lookups import Lookups
from services.validation.result import Result, accepted, quoted, refused


async def named_customer(
    lookups: Lookups, customer_id: object, user_id: object = None
) -> tuple[Customer | None, Result]:
    """The one customer by any of the meanings of the two fields, with what is to be said about it."""
    owner = reference(customer_id), reference(user_id)
    links = await lookups.links(owner)
    resolution = links.resolve(owner)
    customer = links.customer(resolution.customer_id)
    if customer is None:
        code = "customer-ambiguous" if resolution.candidates else "customer-missing"
        return None, refused(code, "customer_id", customer_id, f"The customer is open: {resolution.how}.")
    return customer, accepted("customer_id", customer_id, f"It is {quoted(customer.name)}: {resolution.how}.")
