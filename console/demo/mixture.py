"""How large the data set is and how many orders of each kind it holds: exact figures, no chance."""

from bisect import bisect_right
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import accumulate
from math import gcd

from console.demo.moments import Day, midnight

DAYS_BACK = 182
"""Days with deliveries before today: six months."""

REVIEWS_PER_10_000 = {
    "amount-invalid": 30,
    "amount-mismatch": 30,
    "quantities-unknown": 25,
    "no-delivery-month": 20,
    "customer-missing": 25,
    "customer-ambiguous": 20,
}
"""Delivered, unbilled, unflagged orders with exactly one problem that needs a person, by reason code."""

CHANGE = "change"
BILLED = "already-billed"
FLAGGED = "flagged-no-record"
UNDELIVERED = "not-delivered"


def planted_reviews(orders: int) -> dict[str, int]:
    """Orders of each reason in a data set of `orders` one-time orders; no other needs a person."""
    return {code: max(1, orders * share // 10_000) for code, share in REVIEWS_PER_10_000.items()}


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """The parameters of a demo data set: the same ones give the same bytes."""

    until: date
    """The last day in India that has data: the data set's today."""
    seed: int = 7
    orders: int = 12_000
    """One-time orders, whatever their class; as many subscription orders come on top. At least 60."""
    customers: int = 0
    """Documents in `customers_v2`; unless given as many as go with the orders, and at least these 60."""

    def __post_init__(self) -> None:
        if self.orders < 60:
            raise ValueError(f"a demo data set needs at least 60 orders, not {self.orders}")
        if not self.customers:
            object.__setattr__(self, "customers", max(60 if self.orders < 3_000 else 2_000, self.orders // 6))

    @property
    def reviews(self) -> dict[str, int]:
        """Orders that need a person, by reason code."""
        return planted_reviews(self.orders)

    @property
    def classes(self) -> dict[str, int]:
        """One-time orders by the class that the billing fix puts them in; they add up to `orders`."""
        reviews = sum(self.reviews.values())
        undelivered = max(self.orders * 135 // 1000, self.due_today + self.due_tomorrow + 4)
        counts = {BILLED: self.orders * 28 // 100, FLAGGED: self.orders * 7 // 100}
        counts |= {UNDELIVERED: undelivered, "needs-review": reviews}
        return {CHANGE: self.orders - sum(counts.values())} | counts

    @property
    def due_today(self) -> int:
        """One-time orders for `until`; most are pending, none is delivered."""
        return max(6, self.orders // (DAYS_BACK + 1))

    @property
    def due_tomorrow(self) -> int:
        """One-time orders for the day after `until`, all pending."""
        return max(2, self.orders // 1500)

    @property
    def days(self) -> list[Day]:
        """Every delivery day from the oldest to tomorrow."""
        first = self.until - timedelta(days=DAYS_BACK)
        dates = [first + timedelta(days=n) for n in range(DAYS_BACK + 2)]
        return [Day(d.isoformat(), midnight(d), n / DAYS_BACK) for n, d in enumerate(dates)]

    @property
    def months(self) -> list[str]:
        """The months of the data set, oldest first."""
        return sorted({day.month for day in self.days[:-1]})


class Roles:
    """Gives every order before today its kind, in exact numbers and spread evenly over the months.

    An order's rank is its position times a step that has no factor in common with their number: every rank
    comes up once, and neighbours in rank lie apart in time.
    """

    def __init__(self, dataset: Dataset) -> None:
        classes = dataset.classes
        counts = dataset.reviews | {kind: classes[kind] for kind in (CHANGE, BILLED, FLAGGED)}
        counts[UNDELIVERED] = classes[UNDELIVERED] - dataset.due_today - dataset.due_tomorrow
        self.total = sum(counts.values())
        self._kinds = list(counts)
        self._starts = list(accumulate(counts.values(), initial=0))
        self._step = int(self.total * 0.618) | 1
        while gcd(self._step, self.total) != 1:
            self._step += 2
        self._shift = dataset.seed * 7_919

    def of(self, position: int) -> tuple[str, int]:
        """The kind of the order at a position in time, and its number among its kind."""
        rank = (position * self._step + self._shift) % self.total
        kind = bisect_right(self._starts, rank) - 1
        return self._kinds[kind], rank - self._starts[kind]
