import asyncio
from dataclasses import replace

import pytest

from services.clock import Clock
from services.database import STANDALONE, Database
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.directory import (
    OPERATORS,
    Entry,
    add,
    environment_of,
    identify,
    init,
    list_operators,
    mark,
    remove,
)
from services.operators.operator import ROLES, Operator, mask_address, mask_phone, read_role

ALLOWED = {
    "viewer": {"viewer"},
    "support": {"viewer", "support"},
    "ops": {"viewer", "support", "ops"},
    "auditor": {"viewer", "auditor"},
}


@pytest.mark.parametrize("held", ROLES)
def test_a_role_allows_what_it_includes_and_nothing_else(held: str) -> None:
    operator = Operator("x", (read_role(held),))
    assert {role for role in ROLES if operator.has(role)} == ALLOWED[held]


def test_a_refusal_names_the_account_its_roles_and_the_role_needed() -> None:
    with pytest.raises(NotPermitted, match=r"ravi \(viewer\) may not run backfills; that needs the role ops"):
        Operator("ravi", ("viewer",)).require("ops", "run backfills")


@pytest.mark.parametrize("word", ["admin", "", "ops,viewer"])
def test_a_word_that_is_no_role_is_told(word: str) -> None:
    with pytest.raises(BadRequest):
        read_role(word)


def test_phones_and_addresses_are_masked_for_a_viewer_only(viewer: Operator, support: Operator) -> None:
    assert mask_phone("9876543210", viewer) == "•••••210"
    assert mask_address("12 MG Road", viewer) == "•••••"
    assert mask_phone("9876543210", support) == "9876543210"
    assert mask_address("12 MG Road", support) == "12 MG Road"


async def test_the_first_operator_lets_others_in(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "10.0.0.1")
    olga = await identify(database, "olga", "10.0.0.1")
    await add(database, olga, clock, "ravi", ("viewer",))

    ravi = await identify(database, "ravi", "10.0.0.2")

    assert (olga.roles, olga.source) == (("ops", "auditor"), "10.0.0.1")
    assert ravi == Operator("ravi", ("viewer",), "10.0.0.2")
    assert [entry.account for entry in await list_operators(database, olga)] == ["olga", "ravi"]


async def test_a_second_init_is_refused(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "")
    with pytest.raises(Refused) as refusal:
        await init(database, clock, "eve", "")
    assert refusal.value.code == "has-operators"


async def test_a_broken_operator_gives_no_rights_and_opens_no_door(database: Database, clock: Clock) -> None:
    await database[OPERATORS].insert_one({"_id": "olga", "roles": "ops"})

    with pytest.raises(NotPermitted):
        await identify(database, "olga", "")
    with pytest.raises(Refused):
        await init(database, clock, "eve", "")


async def test_whoever_is_not_an_operator_is_told_what_to_do(database: Database) -> None:
    with pytest.raises(NotPermitted, match="operators init") as refusal:
        await identify(database, "eve", "")
    assert refusal.value.exit_status == 4


async def test_nobody_acts_as_another_on_a_production_database(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "")
    with pytest.raises(NotPermitted) as refusal:
        await identify(database, "eve", "", "olga")
    assert refusal.value.code == "no-acting"


@pytest.mark.parametrize("kind", ["demo", "test"])
async def test_a_marked_database_lets_one_act_as_another(
    database: Database, ops: Operator, clock: Clock, kind: str
) -> None:
    await init(database, clock, "olga", "")
    await mark(database, ops, clock, kind)

    assert await environment_of(database) == kind
    assert (await identify(database, "eve", "", "olga")).account == "olga"


async def test_adding_and_removing_are_audited(database: Database, ops: Operator, clock: Clock) -> None:
    await add(database, ops, clock, "ravi", ("viewer",))
    await add(database, ops, clock, "ravi", ("support",))
    await add(database, ops, clock, "ravi", ("support",))
    await add(database, ops, clock, "vik", ("ops",))
    await remove(database, ops, clock, "ravi")

    entries = await database["audit_logs"].find({"record_id": "ravi"}).sort("_id").to_list()
    assert [entry["action"] for entry in entries] == ["CREATE", "UPDATE", "DELETE"]
    assert entries[1]["changes"] == {"roles": {"old": ["viewer"], "new": ["support"]}}
    assert {entry["user_id"] for entry in entries} == {"olga"}


async def test_the_last_operator_with_ops_stays(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "")
    olga = await identify(database, "olga", "")

    for attempt in (remove(database, olga, clock, "olga"), add(database, olga, clock, " olga ", ("viewer",))):
        with pytest.raises(Refused) as refusal:
            await attempt
        assert refusal.value.code == "last-ops"


async def test_removing_somebody_unknown_is_told(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "")
    with pytest.raises(NotFound):
        await remove(database, await identify(database, "olga", ""), clock, "eve")


@pytest.mark.parametrize("account", ["", "  ", "a\nb", "x" * 65])
async def test_an_account_that_cannot_log_in_is_refused(
    database: Database, ops: Operator, clock: Clock, account: str
) -> None:
    with pytest.raises(BadRequest):
        await add(database, ops, clock, account, ("viewer",))


async def test_only_ops_adds_and_removes(database: Database, support: Operator, clock: Clock) -> None:
    with pytest.raises(NotPermitted):
        await add(database, support, clock, "eve", ("ops",))
    with pytest.raises(NotPermitted):
        await remove(database, support, clock, "eve")


async def test_of_two_who_start_at_once_one_becomes_the_first(database: Database, clock: Clock) -> None:
    starts = [init(database, clock, name, "") for name in ("olga", "eve", "ivan")]
    answers = await asyncio.gather(*starts, return_exceptions=True)
    assert sum(isinstance(answer, Entry) for answer in answers) == 1
    assert await database[OPERATORS].count_documents({}) == 1


async def test_two_who_remove_each_other_leave_one(database: Database, clock: Clock) -> None:
    await init(database, clock, "olga", "")
    olga, eve = Operator("olga", ("ops",)), Operator("eve", ("ops",))
    await add(database, olga, clock, "eve", ("ops",))
    both = [remove(database, olga, clock, "eve"), remove(database, eve, clock, "olga")]
    await asyncio.gather(*both, return_exceptions=True)
    assert len(await list_operators(database, olga)) == 1


async def test_a_server_that_can_hold_no_operators_lets_one_look(database: Database) -> None:
    standalone = replace(database, read_only=STANDALONE)
    assert (await identify(standalone, "olga", "")).roles == ("viewer",)
    await database[OPERATORS].insert_one({"_id": "eve", "roles": ["ops"]})
    with pytest.raises(NotPermitted):
        await identify(standalone, "olga", "")
