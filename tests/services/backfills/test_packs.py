"""Rows are found by their numbers in whatever packs they stand."""

import bson
import pytest

from services.backfills import packs
from services.backfills.packs import ROWS, change_bodies, numbered_bodies
from services.backfills.plan_rows import PinnedRows
from services.database import Database, Document

RUN = "run-1"


@pytest.fixture
async def stored(database: Database) -> list[Document]:
    """130 rows to change; those of the second pack are large."""
    bodies: list[Document] = [
        {"group": "change", "record": f"ord-{number}", "message": "long" * (20_000 if 50 <= number < 100 else 1)}
        for number in range(130)
    ]
    pinned = PinnedRows(RUN, ["change"])
    await database[ROWS].insert_many([bson.decode(pack) for pack in (*pinned.add(bodies), *pinned.rest())])
    assert await database[ROWS].count_documents({}) > 4
    return bodies


@pytest.mark.parametrize(("start", "end"), [(0, 130), (0, 1), (49, 51), (73, 74), (99, 130), (129, 130), (60, 60)])
async def test_a_range_is_read_in_order(database: Database, stored: list[Document], start: int, end: int) -> None:
    assert await change_bodies(database, RUN, start, end) == list(enumerate(stored))[start:end]
    names = [body["record"] for _, body in await change_bodies(database, RUN, start, end, ["message"])]
    assert names == [f"ord-{number}" for number in range(start, end)]


@pytest.mark.parametrize("asked", [1, 2, 500])
async def test_single_rows_are_read(
    database: Database, stored: list[Document], monkeypatch: pytest.MonkeyPatch, asked: int
) -> None:
    monkeypatch.setattr(packs, "_ASKED", asked)
    wanted = [129, 0, 73, 74, 99, 400]
    found = {number: body async for number, body in numbered_bodies(database, RUN, wanted, {"record": 1})}
    assert found == {number: {"record": f"ord-{number}"} for number in wanted if number < len(stored)}
    assert [row async for row in numbered_bodies(database, RUN, [], {"record": 1})] == []


async def test_what_was_altered_so_that_it_is_no_row_is_left_out(database: Database, stored: list[Document]) -> None:
    await database[ROWS].update_one({"first": 0}, {"$set": {"rows.7": "somebody was here"}})
    await database[ROWS].update_one({"first": 100}, {"$set": {"rows": None}})
    assert await change_bodies(database, RUN, 0, 130) == [row for row in enumerate(stored[:100]) if row[0] != 7]
