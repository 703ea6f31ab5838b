"""Subscriptions in every mode, and in the spellings that two versions of the backend left behind."""

from dataclasses import dataclass
from random import Random
from typing import Any

from console.demo.catalogue import Stock
from console.demo.moments import DAY, Doc, Identities, india_day, pick

MODES = ("fixed_daily",) * 14 + ("weekly_pattern",) * 2 + ("day_by_day", "irregular", "one_time", "alternate_days")
STATES = ("active",) * 17 + ("paused", "stopped", "draft")


@dataclass(frozen=True, slots=True)
class Supply:
    """What a subscription delivers, at the customer's price in rupees."""

    id: str
    stock: Stock
    quantity: int
    price: float


def subscription(ids: Identities, rng: Random, customer_id: str, supply: Supply, joined: int, today: int) -> Doc:
    """A `subscriptions_v2` document; every eighth uses the alternative field names."""
    other = rng.random() < 0.12
    mode = pick(rng, MODES)
    doc: Doc = {
        "_id": ids.object_id(joined),
        "id": supply.id,
        "customerId" if other else "customer_id": customer_id,
        "productId" if other else "product_id": supply.stock.id,
        "price_per_unit": supply.price,
        "mode": mode,
        "quantity" if other else "default_qty": supply.quantity,
        "shift": pick(rng, ("morning",) * 8 + ("evening", "both")),
        "startDate" if other else "start_date": india_day(joined),
        "endDate" if other else "end_date": None,
        "status": pick(rng, STATES),
        "auto_start": rng.random() < 0.2,
    }
    doc |= _pattern(rng, mode, supply, today, "endDate" if other else "end_date")
    if doc["status"] == "stopped" or rng.random() < 0.03:
        doc["stop_date"] = india_day(today - int(rng.random() * 60) * DAY)
    if doc["status"] == "paused" or rng.random() < 0.06:
        doc["pause_intervals"] = _pauses(rng, today)
    return doc


def is_daily(doc: Doc) -> bool:
    """Whether the subscription delivers its quantity every single day."""
    interrupted = "pause_intervals" in doc or "stop_date" in doc
    return doc["mode"] == "fixed_daily" and doc["status"] == "active" and not interrupted


def _pattern(rng: Random, mode: str, supply: Supply, today: int, end_field: str) -> dict[str, Any]:
    """The fields that one mode needs; Monday is 0."""
    near = [india_day(today + step * DAY) for step in (-3, -1, 0, 2, 5)]
    match mode:
        case "weekly_pattern":
            return {"weekly_pattern": pick(rng, ([0, 2, 4], [5, 6], [0, 1, 2, 3, 4]))}
        case "day_by_day":
            overrides = [{"date": day, "quantity": supply.quantity + 1, "shift": "morning"} for day in near[1:]]
            return {"day_overrides": [*overrides, {"date": near[0], "quantity": 0, "shift": "morning"}]}
        case "irregular":
            return {"irregular_list": [{"date": day, "quantity": supply.quantity} for day in near]}
        case "one_time":
            return {end_field: near[-1]}
        case _:
            return {}


def _pauses(rng: Random, today: int) -> list[dict[str, str | None]]:
    """A closed pause in the past and, for some, one that is still open."""
    start = today - int(20 + rng.random() * 100) * DAY
    closed: dict[str, str | None] = {"start": india_day(start), "end": india_day(start + 9 * DAY)}
    if rng.random() < 0.5:
        return [closed]
    return [closed, {"start": india_day(today - 4 * DAY), "end": None}]
