"""A commit's writes once more, by nobody who reads, checks, chains or seals: what the server needs for them at best."""

import time
from collections import defaultdict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from pymongo import MongoClient, UpdateMany
from pymongo.database import Database

from services.changes.changeset import AUDIT_LOGS
from services.database import Document
from services.deployment.indexes import INDEXES
from services.reminders.outbox import OUTBOX

_BATCH = 500
_LANES = 2
_BILLED = ("billed", "billed_at", "billed_month")


class WritesAlone:
    """What a run left in a database, to be written into empty copies of its collections with the same indexes."""

    def __init__(self, database: Database[Document], run: str, before: Sequence[Document]) -> None:
        self._client, self._before = database.client, before
        self._copy = self._client[f"{database.name}_copy"]
        ids = [order["id"] for order in before]
        self._after = {each["_id"]: each for each in database["orders"].find({"id": {"$in": ids}})}
        self._bills = {each["order_id"]: each for each in database["billing_records"].find({"order_id": {"$in": ids}})}
        self._due = {each["order_id"]: each for each in database[OUTBOX].find({"run": run})}
        self._entries: defaultdict[str, list[Document]] = defaultdict(list)
        for entry in database[AUDIT_LOGS].find({"meta.run": run}):
            self._entries[entry["record_id"]].append(entry)

    def rate(self) -> float:
        """Orders a second, in as many transactions at once as a run has, of as many orders."""
        try:
            for index in INDEXES:
                if index.collection in ("orders", "billing_records", OUTBOX, AUDIT_LOGS):
                    self._copy[index.collection].create_index(list(index.keys), **index.options)
            self._copy["orders"].insert_many(self._before)
            begun = time.perf_counter()
            with ThreadPoolExecutor(_LANES) as lanes:
                list(lanes.map(self._lane, range(_LANES)))
            return len(self._before) / (time.perf_counter() - begun)
        finally:
            self._client.drop_database(self._copy.name)

    def _lane(self, number: int) -> None:
        mine = self._before[number::_LANES]
        with self._client.start_session() as session:
            for at in range(0, len(mine), _BATCH):
                orders = mine[at : at + _BATCH]
                bills = [self._bills[order["id"]] for order in orders]
                records = [*orders, *bills]
                with session.start_transaction():
                    self._copy["billing_records"].insert_many(bills, session=session)
                    self._copy["orders"].bulk_write(self._flags(orders), session=session)
                    self._copy[OUTBOX].insert_many([self._due[order["id"]] for order in orders], session=session)
                    entries = [entry for record in records for entry in self._entries[record["id"]]]
                    self._copy[AUDIT_LOGS].insert_many(entries, session=session)

    def _flags(self, orders: Sequence[Document]) -> list[UpdateMany]:
        groups: defaultdict[tuple[object, ...], list[object]] = defaultdict(list)
        for order in orders:
            groups[tuple(self._after[order["_id"]][name] for name in _BILLED)].append(order["_id"])
        return [
            UpdateMany({"_id": {"$in": keys}}, {"$set": dict(zip(_BILLED, values, strict=True))}, hint="_id_")
            for values, keys in groups.items()
        ]


def writes_alone_rate(uri: str, name: str, run: str, before: Sequence[Document]) -> float:
    """Orders a second of the run's writes alone; `before` are its orders as they were."""
    with MongoClient[Document](uri) as client:
        return WritesAlone(client[name], run, before).rate()
