"""Random lives of records, written as the console and the backend write them, and what each record then was."""

import copy
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from bson import Decimal128, ObjectId
from hypothesis import HealthCheck
from hypothesis import strategies as st

from services.changes.changeset import ChangeSet, Delete, Insert, Update, transact
from services.changes.difference import ABSENT
from services.database import Database, Document
from services.deployment.indexes import INDEXES
from services.history.reconstruction import RecordState
from services.history.states import as_of
from services.operators.operator import Operator

START = datetime(2026, 11, 1, tzinfo=UTC)
LATER = START + timedelta(days=300)
INDIA = timezone(timedelta(hours=5, minutes=30))
ON_ONE_DATABASE = [HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large]
OLGA, SAM = Operator("olga", ("ops",)), Operator("sam", ("support",))
RECORD = "ord_1"
FIRST, SECOND, THIRD = ({"status": word, "count": number} for number, word in enumerate(("NEW", "PAID", "DONE"), 1))

SCALARS = (
    st.none() | st.booleans() | st.integers(-5, 5) | st.floats(width=32) | st.text(max_size=5)
    | st.sampled_from([Decimal128("1.50"), datetime(2026, 1, 2, tzinfo=UTC), b"\x00", "\x1b[31m", "=1+1", ObjectId()])
)  # fmt: skip
DOCUMENTS = st.dictionaries(st.sampled_from(["x", "y", "a.b", "$c", "", "名"]), SCALARS | st.lists(SCALARS, max_size=2))
VALUES = SCALARS | st.lists(SCALARS | DOCUMENTS, max_size=3) | DOCUMENTS | st.just(ABSENT)
WHOLE = st.dictionaries(st.sampled_from(["status", "notes", "items", "address"]), VALUES, max_size=4)
# The change set takes paths: only below what is always a document.
PATHS = st.fixed_dictionaries(
    {},
    optional={"status": VALUES, "items": VALUES, "deep.one": SCALARS, "deep.in.two": SCALARS | st.just(ABSENT)},
)
DEEDS = st.lists(
    st.tuples(st.sampled_from(["assign", "assign", "old", "delete"]), st.integers(0, 2), st.tuples(WHOLE, PATHS),
              st.integers(0, 11)),
    min_size=1, max_size=10,
)  # fmt: skip


def without_absent(values: Mapping[str, Any]) -> Document:
    return {name: value for name, value in values.items() if value is not ABSENT}


@dataclass
class Life:
    """Some records over time. `moments` has after each deed its time and all the records as they then were."""

    database: Database
    now: datetime = START
    ids: list[str] = field(default_factory=lambda: [f"ord_{uuid.uuid4()}" for _ in range(3)])
    records: dict[str, Document] = field(default_factory=dict)
    moments: list[tuple[datetime, dict[str, Document]]] = field(default_factory=list)
    touched: dict[str, list[tuple[str, str, datetime]]] = field(default_factory=dict)

    async def live(self, deeds: list[Any]) -> None:
        """Do the deeds one after the other."""
        for what, number, (whole, paths), form in deeds:
            record = self.ids[number]
            if record not in self.records:
                await self.create(record, without_absent(whole))
            elif what == "assign":
                await self.assign(record, paths, form)
            elif what == "delete":
                await self.delete(record, form)
            else:
                await self.old(record, whole, form)

    def _step(self, form: int = 1) -> None:
        """Time goes on; some of the console's deeds fall into one instant."""
        self.now += timedelta(seconds=form % 3)

    def _note(self, record: str, user: str, action: str) -> None:
        self.touched.setdefault(record, []).append((user, action, self.now))
        self.moments.append((self.now, copy.deepcopy(self.records)))

    async def create(self, record: str, values: Document, action: Any = "CREATE") -> None:
        self._step()
        document: Document = {"id": record, "deep": {"in": {}}, **values}

        async def work(changes: ChangeSet) -> None:
            changes.add(Insert("orders", {"_id": ObjectId(), **copy.deepcopy(document)}, action))

        await transact(self.database, OLGA, lambda: self.now, work)
        self.records[record] = document
        self._note(record, "olga", action)

    async def assign(self, record: str, values: Mapping[str, Any], form: int = 1) -> None:
        self._step(form)

        async def work(changes: ChangeSet) -> int:
            before = await self.database["orders"].find_one({"id": record}, session=changes.session)
            assert before is not None
            # Taking away what is not there is no change, whatever stands around it.
            present = {path: value for path, value in values.items() if value is not ABSENT or has(before, path)}
            return changes.add(Update("orders", before, present, {}, "BILLED"))

        if await transact(self.database, SAM, lambda: self.now, work):
            for path, value in values.items():
                put(self.records[record], path, value)
            self._note(record, "sam", "BILLED")

    async def delete(self, record: str, form: int = 1) -> None:
        self._step(form)

        async def work(changes: ChangeSet) -> None:
            before = await self.database["orders"].find_one({"id": record}, session=changes.session)
            assert before is not None
            changes.add(Delete("orders", before))

        await transact(self.database, OLGA, lambda: self.now, work)
        del self.records[record]
        self._note(record, "olga", "DELETE")

    async def old(self, record: str, values: Mapping[str, Any], form: int) -> None:
        """As the backend does: the change, then an entry that tells only the fields that it changed."""
        was = self.records[record]
        before = {name: was[name] for name in values if name in was}
        after = without_absent(values)
        if not (before or after):
            return
        self.now += timedelta(seconds=1)
        await self.write(record, values)
        entry = {**old_entry(record, self.now, form), "before": copy.deepcopy(before), "after": after}
        for name, value in values.items():
            put(was, name, value)
        await self.database["audit_logs"].insert_one(entry)
        self._note(record, "asha", "UPDATE")
        self.now += timedelta(seconds=1)

    async def write(self, record: str, values: Mapping[str, Any]) -> None:
        """Change a record without telling anybody."""
        merged = {"$mergeObjects": ["$$ROOT", {"$literal": without_absent(values)}]}
        await self.database["orders"].update_one({"id": record}, [{"$replaceWith": merged}])
        if gone := [name for name, value in values.items() if value is ABSENT]:
            await self.database["orders"].update_one({"id": record}, {"$unset": dict.fromkeys(gone, "")})


def old_entry(record: str, at: datetime, form: int) -> Document:
    """The head of an entry in one of the forms that earlier writers left."""
    stamps = (
        at.isoformat(timespec="microseconds"), at.astimezone(INDIA).isoformat(), at.isoformat().replace("+00:00", "Z"),
        at.replace(tzinfo=None).isoformat(),
    )  # fmt: skip
    if form % 2:
        return {"resource_type": "order", "resource_id": record, "action": "update", "user_id": "asha", "timestamp": at}
    first = {"id": str(uuid.uuid4()), "table": "orders", "record_id": record, "action": "UPDATE", "user_id": "asha"}
    return first | {"timestamp": stamps[form // 2 % 4]}


def has(document: Document, path: str) -> bool:
    value: Any = document
    for name in path.split("."):
        if not isinstance(value, dict) or name not in value:
            return False
        value = value[name]
    return True


def put(document: Document, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for name in parents:
        document = document.setdefault(name, {})
    if value is ABSENT:
        document.pop(last, None)
    else:
        document[last] = copy.deepcopy(value)


def late() -> datetime:
    return LATER


def codes(state: RecordState) -> set[str]:
    return {finding.code for finding in state.findings}


async def state_of(database: Database, record: str, at: Any, operator: Operator | None = None) -> RecordState:
    return await as_of(database, operator or Operator("amit", ("auditor",)), late, "orders", record, at)


async def index(database: Database) -> None:
    for each in INDEXES:
        if each.collection in ("audit_logs", "orders"):
            await database[each.collection].create_index(list(each.keys), **each.options)


async def three_entries(database: Database) -> Life:
    """A record that was created and changed twice, an hour apart each."""
    await index(database)
    life = Life(database, ids=[RECORD])
    await life.create(RECORD, dict(FIRST))
    for values in (SECOND, THIRD):
        life.now += timedelta(hours=1)
        await life.assign(RECORD, values)
    return life


async def entry_of(database: Database, number: int) -> Document:
    return (await database["audit_logs"].find().sort("timestamp").to_list())[number]


async def alter(database: Database, number: int, **values: Any) -> None:
    entry = await entry_of(database, number)
    gone = {name: "" for name, value in values.items() if value is ...}
    there = {name: value for name, value in values.items() if value is not ...}
    update = {name: fields for name, fields in (("$set", there), ("$unset", gone)) if fields}
    await database["audit_logs"].update_one({"_id": entry["_id"]}, update)


async def states(database: Database) -> list[RecordState]:
    """Right after each of the three entries, however many are left."""
    times = [START + timedelta(seconds=1 + n, hours=n) for n in range(3)]
    return [await state_of(database, RECORD, time) for time in times]


def told(state: RecordState) -> Any:
    return state.state and {name: state.state[name] for name in ("status", "count") if name in state.state}
