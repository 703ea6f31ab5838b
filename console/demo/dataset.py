"""The demo data set: six months of a delivery company, with every trap of its real data.

>>> await load(database, Dataset(until=date(2026, 6, 30)))
"""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.write_concern import WriteConcern

from console.demo.catalogue import REMINDER_ENGLISH, REMINDER_TELUGU, SETTINGS, Stock
from console.demo.history import office_changes, reminders
from console.demo.ledger import payments
from console.demo.mixture import Dataset, planted_reviews
from console.demo.moments import DAY, Doc, Identities, Row, chance, midnight
from console.demo.people import Town
from console.demo.places import AREAS
from console.demo.trade import Trade

__all__ = ["Dataset", "Progress", "load", "planted_reviews", "rows"]

Progress = Callable[[str, int, int], None]
"""Told a label, what is done and the total; at least once per batch."""

BATCH = 2_000
BREATH = 200
"""Documents generated before the event loop may turn."""

QUICK = WriteConcern(w=1)
SAFE = WriteConcern(w="majority", j=True)
"""The last batches wait for a majority, and so for all that was written before them."""


def rows(dataset: Dataset) -> Iterator[Row]:
    """Every document of the data set with its collection, as a stream; same parameters, same bytes."""
    ids = Identities(chance(dataset.seed, "identities"))
    town = Town(dataset, ids)
    yield from _shop(dataset, ids, town.cast.stock)
    yield from town.rows()
    yield from Trade(dataset, ids, town.cast).rows()
    yield from office_changes(dataset, ids, town.cast, chance(dataset.seed, "office"))
    yield from payments(dataset, ids, town.cast, chance(dataset.seed, "payments"))
    yield from reminders(dataset, ids, town.cast, chance(dataset.seed, "reminders"))


async def load(database: AsyncDatabase[dict[str, Any]], dataset: Dataset, progress: Progress | None = None) -> None:
    """Inserts the data set into an empty database; on return a majority of the servers has all of it.

    While the server inserts one batch the next is generated, so that memory stays bounded.
    """
    tally = _Tally(dataset, progress)
    waiting: dict[str, list[Doc]] = {}
    running: asyncio.Task[None] | None = None
    try:
        for number, (collection, document) in enumerate(rows(dataset)):
            batch = waiting.setdefault(collection, [])
            batch.append(document)
            if number % BREATH == 0:
                await asyncio.sleep(0)
            if len(batch) == BATCH:
                del waiting[collection]
                if running is not None:
                    await running
                running = asyncio.create_task(_insert(database.get_collection(collection, None, None, QUICK), batch))
                tally.add(collection, len(batch))
        if running is not None:
            await running
    finally:
        if running is not None:
            running.cancel()
    for collection, batch in waiting.items():
        await _insert(database.get_collection(collection, None, None, SAFE), batch)
        tally.add(collection, len(batch))


async def _insert(collection: AsyncCollection[Doc], batch: list[Doc]) -> None:
    await collection.insert_many(batch, ordered=False)


class _Tally:
    """Turns inserted batches into progress: customers first, then orders."""

    def __init__(self, dataset: Dataset, progress: Progress | None) -> None:
        self._progress = progress
        self._done = {"customers_v2": 0, "orders": 0}
        self._totals = {"customers_v2": dataset.customers, "orders": 2 * dataset.orders}

    def add(self, collection: str, inserted: int) -> None:
        if collection not in self._done:
            return
        self._done[collection] += inserted
        if self._progress is not None:
            label = "customers" if collection == "customers_v2" else collection
            self._progress(label, self._done[collection], self._totals[collection])


def _shop(dataset: Dataset, ids: Identities, stock: list[Stock]) -> Iterator[Row]:
    """Settings, products, areas and message templates."""
    opened = midnight(dataset.until) - 950 * DAY
    yield "system_settings", {"_id": ids.object_id(opened), "id": ids.uuid(), **SETTINGS}
    for number, (product_id, product) in enumerate(stock):
        goods: Doc = {
            "_id": ids.object_id(opened),
            "id": product_id,
            "name": product.name,
            "category": product.category,
            "unit": product.unit,
            "price": product.price,
        }
        yield "products", goods | ({"default_price": product.price} if number % 4 != 3 else {})
    for area in AREAS:
        yield (
            "areas_v2",
            {
                "_id": ids.object_id(opened),
                "id": ids.uuid(),
                "name": area.name,
                "city": "Bengaluru",
                "pincode": area.pincode,
                "location": {"lat": area.latitude, "lng": area.longitude},
            },
        )
    for language, content in (("en", REMINDER_ENGLISH), ("te", REMINDER_TELUGU)):
        yield (
            "notification_templates",
            {
                "_id": ids.object_id(opened),
                "id": ids.uuid(),
                "name": f"payment_reminder_{language}",
                "type": "payment_reminder",
                "channel": "whatsapp",
                "language": language,
                "content": content,
                "active": True,
            },
        )
