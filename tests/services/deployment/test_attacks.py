"""Whoever has a console's password can add to the audit trail, and do nothing else with it."""

import functools
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
from pymongo.errors import DuplicateKeyError, OperationFailure

from services.audit.log import LEAVES, NODES
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.deployment.roles import TRAIL
from services.deployment.security import name_of
from services.operators.operator import ROLES, Role
from tests.servers import Guarded
from tests.services.deployment.attacks import ATTACKS, ENTRY, FORGED, Intruder
from tests.services.deployment.conftest import Secured, administered

UNAUTHORISED, EXISTS = 13, 48


@pytest.fixture(scope="module")
def intruders(secured: Secured) -> Iterator[dict[Role, Intruder]]:
    name = secured.database.name
    found = {role: Intruder(secured.uri(role), name, name_of(secured.database, role)) for role in ROLES}
    yield found
    for each in found.values():
        each.client.close()


@pytest.fixture(scope="module")
async def owner(server: Guarded) -> AsyncIterator[Intruder]:
    """The administrator, on a database of its own in which the attacks may succeed."""
    async with administered(server, "victim") as victim:
        await victim.apply("ops")
        intruder = Intruder(server.uri_of(), "victim", name_of(victim.database, "ops"))
        yield intruder
        intruder.client.close()


async def trail_of(secured: Secured) -> tuple[object, ...]:
    """Everything that an attack could change."""
    options = await secured.database.command({"listCollections": 1})
    indexes = await secured.database[AUDIT_LOGS].index_information()
    users = await secured.database.client.admin.command({"usersInfo": 1, "showCredentials": True})
    roles = await secured.database.client.admin.command({"rolesInfo": 1, "showPrivileges": True})
    entries = await secured.database[AUDIT_LOGS].find().to_list()
    return entries, options["cursor"]["firstBatch"], indexes, users["users"], roles["roles"]


@pytest.mark.parametrize("attack", ATTACKS)
async def test_no_role_of_the_console_can_alter_the_trail(
    secured: Secured, intruders: dict[Role, Intruder], attack: str
) -> None:
    await secured.database[AUDIT_LOGS].delete_many({})
    await secured.database[AUDIT_LOGS].insert_one(ENTRY)
    before = await trail_of(secured)
    for role, intruder in intruders.items():
        with pytest.raises(OperationFailure) as refusal:
            ATTACKS[attack](intruder)
        assert refusal.value.code == UNAUTHORISED, role
    assert await trail_of(secured) == before


@pytest.mark.parametrize("attack", ATTACKS)
def test_the_attacks_succeed_for_who_owns_the_database(owner: Intruder, attack: str) -> None:
    owner.client.drop_database(owner.shop.name)
    owner.trail.insert_one(dict(ENTRY))
    owner.shop["orders"].insert_one({"id": "o1"})
    ATTACKS[attack](owner)


async def test_a_collection_of_the_trail_cannot_be_made_anew_with_a_lifetime(
    secured: Secured, intruders: dict[Role, Intruder]
) -> None:
    lifetime = {"clusteredIndex": {"key": {"_id": 1}, "unique": True}, "expireAfterSeconds": 1}
    for intruder in intruders.values():
        for collection in TRAIL:
            with pytest.raises(OperationFailure) as refusal:
                intruder.shop.command({"create": collection, **lifetime})
            assert refusal.value.code in (UNAUTHORISED, EXISTS)


async def test_a_merge_that_only_inserts_adds_entries_and_overwrites_none(
    secured: Secured, intruders: dict[Role, Intruder]
) -> None:
    await secured.database[AUDIT_LOGS].delete_many({})
    await secured.database[AUDIT_LOGS].insert_one(ENTRY)
    with pytest.raises(DuplicateKeyError):
        intruders["ops"].aggregate(FORGED, {"$merge": {"into": AUDIT_LOGS, "whenMatched": "fail"}})
    assert await secured.database[AUDIT_LOGS].find().to_list() == [ENTRY]


def test_every_role_can_add_entries(intruders: dict[Role, Intruder]) -> None:
    for role in ROLES:
        assert intruders[role].trail.insert_one({"by": role}).acknowledged


@pytest.mark.parametrize("role", ROLES)
def test_nothing_is_taken_from_what_seals_the_trail(intruders: dict[Role, Intruder], role: Role) -> None:
    shop = intruders[role].shop
    for name in TRAIL:
        attempts: list[Callable[[], object]] = [
            functools.partial(shop[name].delete_one, {}),
            functools.partial(shop[name].create_index, "at", expireAfterSeconds=1),
            functools.partial(shop.command, {"drop": name}),
            functools.partial(shop.command, {"collMod": name, "validationLevel": "off"}),
        ]
        if name not in (STREAMS, LEAVES, NODES):
            attempts.append(functools.partial(shop[name].update_one, {}, FORGED))
        for attempt in attempts:
            with pytest.raises(OperationFailure) as refusal:
                attempt()
            assert refusal.value.code == UNAUTHORISED, name
