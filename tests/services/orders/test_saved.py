"""Searches that an operator keeps."""

import pytest

from services.clock import Clock
from services.database import Database
from services.errors import BadRequest, ConsoleError, NotFound, Refused
from services.operators.operator import Operator
from services.orders.filters import Search
from services.orders.saved import forget_search, get_saved, list_saved, save_search
from services.saved import VIEWS
from tests.explaining import watch


async def test_a_search_is_kept_in_the_words_that_were_typed_by_each_operator_for_himself(
    database: Database, clock: Clock
) -> None:
    asha, ash, slash = (Operator(name, ("viewer",)) for name in ("asha", "ash", "asha/x"))
    search = Search(query="ఆశా", first_day="today", area="Jaya", unbilled=True, sort="due-first")
    await save_search(database, asha, clock, " morning ", search)
    await save_search(database, ash, clock, "other", Search(needs_review=True))
    await save_search(database, slash, clock, "y", Search())
    assert [(each.name, each.search) for each in await list_saved(database, asha)] == [("morning", search)]
    assert await get_saved(database, asha, "morning") == search
    await save_search(database, asha, clock, "morning", Search(status="pending"))
    assert (await get_saved(database, asha, "morning")).status == "pending"
    with pytest.raises(NotFound):
        await get_saved(database, ash, "morning")
    await forget_search(database, asha, "morning")
    assert await list_saved(database, asha) == ()
    with pytest.raises(NotFound):
        await forget_search(database, asha, "morning")
    assert {each["_id"] async for each in database[VIEWS].find({})} == {"ash\nsearch\nother", "asha/x\nsearch\ny"}


@pytest.mark.parametrize(
    ("name", "search", "code"),
    [
        ("", Search(), "bad-name"), ("x" * 41, Search(), "bad-name"), ("a\x1b[31m", Search(), "bad-name"),
        ("n", Search(first_day="31 February"), "bad-date"), ("n", Search(status="lost"), "unknown-status"),
        ("n", Search(sort="random"), "unknown-sort"), ("n", Search(query="x" * 500), "query-too-long"),
    ],
)  # fmt: skip
async def test_what_cannot_be_searched_is_not_kept(
    database: Database, clock: Clock, viewer: Operator, name: str, search: Search, code: str
) -> None:
    with pytest.raises(ConsoleError) as told:
        await save_search(database, viewer, clock, name, search)
    assert isinstance(told.value, BadRequest)
    assert told.value.code == code
    assert await database[VIEWS].count_documents({}) == 0


async def test_there_is_an_end_to_them_and_no_stored_one_is_too_broken_to_list(
    database: Database, clock: Clock, viewer: Operator
) -> None:
    stored = [("a", {"query": [], "area": "J"}), ("b", "all"), (7, {}), *((f"n{number}", {}) for number in range(47))]
    await database[VIEWS].insert_many(
        {"_id": f"vera\nsearch\n{name}", "account": "vera", "name": name, "words": words} for name, words in stored
    )
    listed = await watch(database, list_saved(database, viewer))
    assert all("IXSCAN" in plan or "IDHACK" in plan or "CLUSTERED" in plan for plan in listed.plans())
    found = {each.name: each.search for each in await list_saved(database, viewer)}
    assert (len(found), found["a"]) == (48, Search(area="J"))
    with pytest.raises(Refused):
        await save_search(database, viewer, clock, "c", Search())
    assert await save_search(database, viewer, clock, "b", Search(area="W"))
