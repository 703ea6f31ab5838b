"""Fills the demo's database once: data, indexes and operators."""

from __future__ import annotations

from dataclasses import asdict
from datetime import date

from console import login
from console.demo.dataset import Dataset, Progress, load
from console.demo.mongod import DATABASE
from services.clock import utc_now
from services.database import Database, Document, connect, told
from services.deployment.indexes import apply
from services.operators.directory import MARKER, add, mark
from services.operators.operator import Operator, Role

_COMPLETE = "demo-data"
_CAST: dict[str, tuple[Role, ...]] = {
    "asha": ("support",),
    "vikram": ("ops",),
    "meera": ("auditor",),
    "ravi": ("viewer",),
}


async def prepare(uri: str, dataset: Dataset, progress: Progress) -> Dataset:
    """Make the demo's database ready and return the data set that is in it.

    Complete data stays as it is, whatever was asked for; what an interrupted loading left is loaded anew.
    """
    database = await connect(uri, DATABASE)
    try:
        with told():
            stored = await database[MARKER].find_one({"_id": _COMPLETE})
            if stored is None:
                await database.client.drop_database(DATABASE)
                await _fill(database, dataset, progress)
        await _admit(database)
        return _read(stored) if stored else dataset
    finally:
        await database.client.close()


async def _fill(database: Database, dataset: Dataset, progress: Progress) -> None:
    await mark(database, _owner(), utc_now, "demo")
    await load(database.client.get_database(DATABASE), dataset, progress)
    await apply(database, _owner(), progress)
    for account, roles in _CAST.items():
        await add(database, _owner(), utc_now, account, roles)
    parameters = asdict(dataset) | {"until": dataset.until.isoformat()}
    await database[MARKER].insert_one({"_id": _COMPLETE, **parameters})


async def _admit(database: Database) -> None:
    """Whoever logged in on this machine may do everything in the demo."""
    owner = _owner()
    await add(database, owner, utc_now, owner.account, owner.roles)


def _owner() -> Operator:
    return Operator(login.account(), ("ops", "auditor"), login.source())


def _read(stored: Document) -> Dataset:
    return Dataset(until=date.fromisoformat(stored["until"]), seed=stored["seed"], orders=stored["orders"])
