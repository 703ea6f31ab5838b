"""Six months of trade, day by day: orders, delivery reports, billing records and audit entries."""

from collections.abc import Iterator
from itertools import count

from console.demo.deliveries import DeliveryLog, LooseReports
from console.demo.history import Journal
from console.demo.ledger import Ledger
from console.demo.mixture import BILLED, CHANGE, DAYS_BACK, FLAGGED, UNDELIVERED, Dataset, Roles
from console.demo.moments import HOUR, MINUTE, SECOND, Day, Identities, Row, chance, pick, utc_text
from console.demo.orders import FAILED, PENDING, Line, OrderDesk, Sale
from console.demo.people import LINKED, Cast, Person
from console.demo.traps import HARMLESS_AT, REVIEWS, TRAP_CYCLE, Trapper, delivered_but_short


class Trade:
    """Streams the documents of all orders, oldest first."""

    def __init__(self, dataset: Dataset, ids: Identities, cast: Cast) -> None:
        self._dataset = dataset
        self._rng = chance(dataset.seed, "trade")
        self._cast = cast
        self._roles = Roles(dataset)
        self._desk = OrderDesk(ids, self._rng, cast.stock)
        self._log = DeliveryLog(ids, self._rng, cast)
        self._loose = LooseReports(Identities(chance(dataset.seed, "loose reports")))
        self._ledger = Ledger(dataset, ids, self._rng)
        self._journal = Journal(ids, self._rng, cast)
        self._trapper = Trapper(ids, self._rng, cast)

    def rows(self) -> Iterator[Row]:
        """Every document, in the order of creation of the orders."""
        *days, today, tomorrow = self._dataset.days
        for number, day in enumerate(days):
            yield from self._past_day(day, *_share(self._roles.total, number))
            first, last = _share(self._dataset.orders, number, DAYS_BACK + 1)
            yield from self._milk_run(day, last - first)
        yield from self._open_day(today, self._dataset.due_today, -18 * HOUR, 15 * HOUR)
        yield from self._milk_run(today, self._dataset.orders - last)
        yield from self._open_day(tomorrow, self._dataset.due_tomorrow, -25 * HOUR, 50 * MINUTE)

    def _times(self, day: Day, wanted: int, first: int, span: int) -> list[int]:
        """Sorted moments, `first` after the day's midnight and later."""
        start = day.start + first
        return sorted(start + int(self._rng.random() * span) for _ in range(wanted))

    def _past_day(self, day: Day, first: int, last: int) -> Iterator[Row]:
        """One-time orders of a past day, ordered between six in the morning and nine at night before."""
        for position, created in zip(count(first), self._times(day, last - first, -18 * HOUR, 15 * HOUR), strict=False):
            kind, number = self._roles.of(position)
            if kind == UNDELIVERED:
                yield from self._undelivered(day, created, number)
            elif kind in REVIEWS:
                yield from self._review(kind, day, created, number)
            else:
                yield from self._delivered(kind, day, created, number)

    def _open_day(self, day: Day, wanted: int, first: int, span: int) -> Iterator[Row]:
        """Orders that wait for their delivery; today one in nine is cancelled already."""
        for number, created in enumerate(self._times(day, wanted, first, span)):
            sale = self._sale(day, created)
            if day.age == 1 and number % 9 == 8:
                sale.order["status"] = "cancelled"
            yield "orders", sale.order

    def _sale(self, day: Day, created: int, at_least: int = 1, plain: bool = False) -> Sale:
        people = self._cast.people
        person = pick(self._rng, people)
        while plain and person.link != LINKED:
            person = pick(self._rng, people)
        return self._desk.one_time(person, self._desk.basket(at_least), day, created, plain)

    def _undelivered(self, day: Day, created: int, number: int) -> Iterator[Row]:
        """Cancelled, nobody at home, or forgotten as pending."""
        sale = self._sale(day, created)
        sale.order["status"] = pick(self._rng, PENDING if number % 6 == 5 else FAILED)
        sale.order["updated_at"] = utc_text(day.start + 9 * HOUR)
        yield "orders", sale.order
        if sale.order["status"].lower().startswith("not"):
            yield "delivery_statuses", self._log.report(sale)

    def _review(self, code: str, day: Day, created: int, number: int) -> Iterator[Row]:
        """A delivered order with exactly one problem that needs a person."""
        sale = self._sale(day, created, at_least=2, plain=True)
        self._desk.deliver(sale)
        sale.delivery = self._log.report(sale)
        REVIEWS[code](self._trapper, sale, number)
        yield from self._finished(sale)

    def _delivered(self, kind: str, day: Day, created: int, number: int) -> Iterator[Row]:
        """A delivered order in good order: to bill, billed, or only flagged."""
        trap = HARMLESS_AT.get(number % TRAP_CYCLE) if kind == CHANGE else None
        partial = trap is delivered_but_short or (trap is None and number % 25 == 3)
        sale = self._sale(day, created, at_least=2 if partial else 1, plain=trap is not None)
        if partial:
            sale.short = self._shortfall(sale.lines)
        late = trap is None and number % 200 == 107 and day.age < 1 - 2 / DAYS_BACK
        self._desk.deliver(sale, late=late)
        if partial or trap is not None or self._rng.random() < 0.92:
            sale.delivery = self._log.report(sale)
        if trap is not None:
            trap(self._trapper, sale, number // TRAP_CYCLE)
        if kind == BILLED:
            yield from self._ledger.bill(sale, number)
        elif kind == FLAGGED:
            sale.order["billed"] = True
        yield from self._finished(sale)

    def _shortfall(self, lines: list[Line]) -> list[float]:
        """What was delivered: all but the last line, of that one piece less or nothing."""
        *whole, last = [quantity for _, quantity in lines]
        return [*whole, last - 1 if last > 1 else 0]

    def _finished(self, sale: Sale) -> Iterator[Row]:
        yield "orders", sale.order
        if sale.delivery is not None:
            yield "delivery_statuses", sale.delivery
        yield from self._journal.entries(sale)

    def _milk_run(self, day: Day, wanted: int) -> Iterator[Row]:
        """Subscription orders of a day, made by the backend at half past ten at night."""
        for created in self._times(day, wanted, -90 * MINUTE, 20 * MINUTE):
            person: Person = pick(self._rng, self._cast.supplied)
            sale = self._desk.subscription(person, day, created)
            if day.age < 1:
                if self._rng.random() < 0.03:
                    sale.order["status"] = pick(self._rng, FAILED)
                    sale.order["updated_at"] = utc_text(day.start + 9 * HOUR + 7 * SECOND)
                else:
                    self._desk.deliver(sale)
                    if self._rng.random() < 0.9:
                        yield from self._loose.rows(self._log.report(sale))
            yield "orders", sale.order


def _share(total: int, number: int, parts: int = DAYS_BACK) -> tuple[int, int]:
    """The positions that fall on one of `parts` days."""
    return total * number // parts, total * (number + 1) // parts
