"""Sealed audit trails of random shape, for tests that attack or check them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from bson import ObjectId
from bson.raw_bson import RawBSONDocument
from pymongo import IndexModel, WriteConcern

from services.audit.chain import key_of, read_key, write_key
from services.audit.log import CHECKPOINTS, KEYS, LEAVES, NODES
from services.audit.seal import seal
from services.audit.trail import Trail
from services.audit.verify import Verification, verify
from services.changes.changeset import AUDIT_LOGS, STREAMS, ChangeSet, Insert, transact
from services.database import Database, Document
from services.deployment.indexes import AUDIT_BY_CHAIN, LEAVES_BY_ENTRY, OPEN_STREAMS
from services.operators.operator import Operator

NOW = datetime(2026, 11, 22, 4, 30, tzinfo=UTC)
AUDITOR = Operator("amit", ("auditor",))
_PARTS = (AUDIT_LOGS, LEAVES, NODES, CHECKPOINTS, KEYS, STREAMS)
_SHARE = 12
"""Entries of a transaction."""


def old_entry(chance: random.Random, number: int) -> Document:
    """An entry of the backend or of the other writer, some weeks old."""
    at = NOW - timedelta(days=40, minutes=-number)
    key = ObjectId(ObjectId.from_datetime(at).binary[:4] + chance.randbytes(8))
    if number % 2:
        return {"_id": key, "resource_type": "orders", "resource_id": f"ord-{number}", "action": "update",
                "user_id": "u-1", "timestamp": at.replace(tzinfo=None), "changes": {"status": "delivered"}}  # fmt: skip
    return {"_id": key, "id": f"old-{number}", "table": "orders", "record_id": f"ord-{number}", "action": "UPDATE",
            "user_id": "u-2", "timestamp": at.isoformat(), "before": {"n": number}, "after": {"n": number + 1},
            "changes": {"n": {"old": number, "new": number + 1}}}  # fmt: skip


@dataclass
class SealedTrail:
    """An audit trail with its log, as it was before anybody touched it."""

    database: Database
    copies: Path
    keeper: Trail = field(init=False)
    """Whose key signs."""
    streams: dict[str, list[str]] = field(default_factory=dict)
    """The ids of the entries of each stream, in order."""
    ended: list[str] = field(default_factory=list)
    adopted: list[ObjectId] = field(default_factory=list)
    unsealed: int = 0
    """The entries of the last stream that are not sealed."""
    _kept: dict[str, dict[str, RawBSONDocument]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.keeper = Trail(copies=self.copies)

    @property
    def open(self) -> str:
        """The stream that somebody still writes to; some of its entries are not sealed yet."""
        return list(self.streams)[-1]

    @property
    def size(self) -> int:
        """How many entries the log holds."""
        return len(self.adopted) + sum(map(len, self.streams.values())) - self.unsealed

    async def build(self, chance: random.Random, old: int, streams: Sequence[int], rest: int) -> None:
        """That many old entries, and streams of these lengths, sealed in steps; of the last one a rest is not."""
        database = self.database
        for index in (AUDIT_BY_CHAIN, LEAVES_BY_ENTRY, OPEN_STREAMS):
            await database[index.collection].create_indexes([IndexModel(list(index.keys), **index.options)])
        if old:
            entries = [old_entry(chance, number) for number in range(old)]
            await database[AUDIT_LOGS].insert_many(entries)
            self.adopted = [entry["_id"] for entry in entries]
        for number, length in enumerate(streams):
            operator = Operator(f"writer-{number}", ("ops",))
            last = number == len(streams) - 1
            await self.write(operator, length - rest if last else length)
            name = operator.trail.own.id
            # The last two streams stay open: one of them is sealed to its end all the same.
            if number < len(streams) - 2:
                operator.trail.end(operator.trail.streams)
            ended = sorted(operator.trail.finished)
            self.ended += ended
            await seal(database, self.keeper, lambda: NOW, ended=ended, everything=True)
            if last and rest:
                await self.write(operator, rest)
            found = database[AUDIT_LOGS].find({"chain.stream": name}).sort("chain.seq", 1)
            self.streams[name] = [entry["_id"] async for entry in found]
        self.unsealed = rest

    async def write(self, operator: Operator, count: int) -> None:
        """So many entries of an operator."""
        for begin in range(0, count, _SHARE):
            orders = [
                {"id": f"{operator.account}-{begin + n}", "quantity": 2, "price": 60.0, "status": "pending"}
                for n in range(min(_SHARE, count - begin))
            ]
            await transact(
                self.database,
                operator,
                lambda: NOW,
                lambda changes, o=orders: _insert(changes, o),  # type: ignore[misc]
            )

    async def keep(self) -> None:
        """Remember everything as it is."""
        self._kept = {name: await self._read(name) for name in _PARTS}

    async def _read(self, name: str) -> dict[str, RawBSONDocument]:
        options = self.database[name].codec_options.with_options(document_class=RawBSONDocument)
        found = self.database[name].with_options(options).find({})
        return {write_key(key_of(bytes(document.raw))): document async for document in found}

    async def restore(self) -> None:
        """Everything as it was; only what differs is written, because the server keeps what was for minutes."""
        for name, kept in self._kept.items():
            present = await self._read(name)
            differing = {key for key in kept | present if kept.get(key) != present.get(key)}
            collection = self.database[name].with_options(write_concern=WriteConcern(1))
            await collection.delete_many({"_id": {"$in": [read_key(key) for key in differing]}})
            if lost := [kept[key] for key in differing if key in kept]:
                await collection.insert_many(lost)
        for index in (AUDIT_BY_CHAIN, LEAVES_BY_ENTRY):
            await self.database[index.collection].create_indexes([IndexModel(list(index.keys), **index.options)])

    async def check(self, *, trusted: bool = False, copies: bool = False) -> Verification:
        """The auditor's check, with what they have from outside the database."""
        keys = [self.keeper.signer.public] if trusted else []
        return await verify(self.database, AUDITOR, trusted=keys, copies=self.copies if copies else None)


async def _insert(changes: Any, orders: list[Document]) -> None:
    changes.add(*(Insert("orders", dict(order)) for order in orders))


def inserts(prefix: str, count: int) -> Any:
    """The work of a transaction that makes so many orders."""

    async def work(changes: ChangeSet) -> None:
        changes.add(*(Insert("orders", {"id": f"{prefix}-{number}", "quantity": 1}) for number in range(count)))

    return work


async def empty_trail(database: Database, folder: Path) -> SealedTrail:
    """A log without an entry."""
    trail = SealedTrail(database, folder / "copies")
    await trail.build(random.Random(0), 0, (), 0)
    return trail


async def assert_whole(database: Database, trail: SealedTrail, written: int) -> None:
    """No fork, no gap; no order without its entry and no entry without its order."""
    await seal(database, trail.keeper, lambda: NOW, everything=True)
    found = await trail.check()
    assert (found.problems, found.entries, found.sealed, found.unsealed) == ((), written, written, 0)
    orders = {order["id"] async for order in database["orders"].find({}, {"id": 1})}
    entries = [entry["record_id"] async for entry in database[AUDIT_LOGS].find({}, {"record_id": 1})]
    assert len(entries) == written == len(orders)
    assert set(entries) == orders
    assert await database[STREAMS].count_documents({"ended": False}) == 0
