"""Planning and making the database's roles and users, by the service and by the command."""

import os
import pwd
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from pydantic import SecretStr

from services.changes.changeset import AUDIT_LOGS
from services.database import Database, connect
from services.deployment.roles import TRAIL
from services.deployment.security import Security, apply, name_of, plan
from services.errors import BadRequest, NotPermitted, Unreachable
from services.operators.operator import Operator
from tests.console.commandline import Outcome, console
from tests.servers import Guarded, password_of
from tests.services.deployment.conftest import Secured, administered
from tests.shop import order

ME = pwd.getpwuid(os.getuid()).pw_name


@pytest.fixture
async def plain(server: Guarded) -> AsyncIterator[Secured]:
    """A database without anything of the console's, under a name that no role was made for."""
    async with administered(server, f"shop-{uuid.uuid4().hex[:8]}") as found:
        yield found


def states(found: Security) -> tuple[set[str], set[str], set[str]]:
    """The states of the roles, the users, and the trail's collections."""
    return (
        {each.state for each in found.roles},
        {each.state for each in found.users},
        {each.state for each in found.trail},
    )


async def test_planning_writes_nothing_and_applying_makes_all_of_it_once(plain: Secured, ops: Operator) -> None:
    planned = await plan(plain.database, ops)
    assert (states(planned), planned.sound) == (({"missing"}, {"missing"}, {"missing"}), False)
    assert await plain.database.client[plain.database.name].list_collection_names() == []

    applied = await plain.apply("viewer", "ops")

    assert (states(applied), applied.sound) == (({"present"}, {"present", "missing"}, {"present"}), True)
    assert [user.role for user in applied.users if user.state == "present"] == ["viewer", "ops"]
    assert await plain.apply() == applied == await plan(plain.database, ops)


async def test_a_role_that_somebody_widened_or_narrowed_is_told_and_put_right(plain: Secured, ops: Operator) -> None:
    await plain.apply()
    admin, shop = plain.database.client.admin, plain.database.name
    support, ops_role = name_of(plain.database, "support"), name_of(plain.database, "ops")
    orders = {"db": shop, "collection": "orders"}
    trail = {"db": shop, "collection": AUDIT_LOGS}
    await admin.command(
        {"revokePrivilegesFromRole": support, "privileges": [{"resource": orders, "actions": ["update"]}]}
    )
    await admin.command({"grantPrivilegesToRole": support, "privileges": [{"resource": trail, "actions": ["remove"]}]})
    await admin.command({"grantRolesToRole": ops_role, "roles": [{"role": "read", "db": "elsewhere"}]})

    found = {role.role: role for role in (await plan(plain.database, ops)).roles}

    assert found["support"].state == found["ops"].state == "different"
    assert (found["support"].lacks, found["support"].exceeds) == (("orders: update",), ("audit_logs: remove",))
    assert "(elsewhere.any collection): find" in found["ops"].exceeds
    assert (found["viewer"].state, found["auditor"].state) == ("present", "present")
    assert (await plain.apply()).sound


async def test_a_user_has_its_one_role_and_no_other(plain: Secured, ops: Operator) -> None:
    await plain.apply("ops", "auditor")
    admin, name = plain.database.client.admin, name_of(plain.database, "ops")
    await admin.command({"grantRolesToUser": name, "roles": [{"role": "readWrite", "db": plain.database.name}]})
    await admin.command({"updateUser": name_of(plain.database, "auditor"), "roles": []})

    found = await plan(plain.database, ops)

    reasons = {user.role: user.reason for user in found.users if user.state == "different"}
    assert reasons == {"ops": f"It also has readWrite@{plain.database.name}.", "auditor": "It has no role."}
    assert not found.sound
    assert (await plain.apply()).sound
    async with plain.logged_in("ops") as database:  # its password is the old one
        assert (await database.client.admin.command({"connectionStatus": 1}))["authInfo"]["authenticatedUserRoles"] == [
            {"role": name, "db": "admin"}
        ]


async def test_a_new_password_takes_the_place_of_the_old(plain: Secured, ops: Operator) -> None:
    await plain.apply("viewer")
    await apply(plain.database, ops, {"viewer": SecretStr("another-password")})
    with pytest.raises(Unreachable) as refusal:
        await connect(plain.uri("viewer"), plain.database.name)
    assert refusal.value.code == "authentication-failed"


async def test_a_short_password_is_refused_before_anything_is_made(plain: Secured, ops: Operator) -> None:
    with pytest.raises(BadRequest, match="for ops is shorter than 12 characters") as refusal:
        await apply(plain.database, ops, {"viewer": SecretStr("long-enough-word"), "ops": SecretStr("sh0rt")})
    assert "sh0rt" not in refusal.value.message
    assert states(await plan(plain.database, ops)) == ({"missing"}, {"missing"}, {"missing"})


async def capped(database: Database) -> None:
    await database.command({"create": AUDIT_LOGS, "capped": True, "size": 4096})


async def viewed(database: Database) -> None:
    await database.command({"create": AUDIT_LOGS, "viewOn": "orders", "pipeline": []})


async def expiring(database: Database) -> None:
    await database[AUDIT_LOGS].create_index("timestamp", expireAfterSeconds=3600)


async def clustered(database: Database) -> None:
    lifetime = {"clusteredIndex": {"key": {"_id": 1}, "unique": True}, "expireAfterSeconds": 3600}
    await database.command({"create": AUDIT_LOGS, **lifetime})


@pytest.mark.parametrize(
    ("make", "reason"),
    [(capped, "It is capped"), (viewed, "It is a view"), (expiring, "after a time (timestamp_1)"),
     (clustered, "after a time (expireAfterSeconds)")],
)  # fmt: skip
async def test_a_trail_that_loses_entries_is_told_and_left_as_it_is(
    plain: Secured, make: Callable[[Database], Awaitable[None]], reason: str
) -> None:
    await make(plain.database)

    found = await plain.apply()

    told = {each.collection: each for each in found.trail}
    assert told[AUDIT_LOGS].state == "different"
    assert reason in told[AUDIT_LOGS].reason
    assert {told[name].state for name in TRAIL if name != AUDIT_LOGS} == {"present"}
    assert not found.sound


async def test_it_says_whether_this_connection_could_alter_the_trail(plain: Secured, ops: Operator) -> None:
    found = await plain.apply("ops")
    assert found.login.user == "admin@admin"
    assert {"update", "remove", "dropCollection", "grantRole"} <= set(found.login.beyond)
    owner = name_of(plain.database, "ops")
    manager = [{"resource": {"db": "admin", "collection": ""}, "actions": ["viewRole", "viewUser"]}]
    reader = [{"resource": {"db": plain.database.name, "collection": ""}, "actions": ["listCollections"]}]
    admin = plain.database.client.admin
    await admin.command({"createRole": f"{owner}-look", "privileges": manager + reader, "roles": []})
    await admin.command({"grantRolesToUser": owner, "roles": [f"{owner}-look"]})
    async with plain.logged_in("ops") as database:
        assert (await plan(database, ops)).login.beyond == ()


@pytest.mark.parametrize("role", ["viewer", "support", "auditor"])
async def test_only_ops_looks_after_roles(database: Database, request: pytest.FixtureRequest, role: str) -> None:
    operator = request.getfixturevalue(role)
    with pytest.raises(NotPermitted):
        await plan(database, operator)
    with pytest.raises(NotPermitted):
        await apply(database, operator, {})


async def test_a_server_that_asks_for_no_login_is_told(database: Database, ops: Operator) -> None:
    assert (await plan(database, ops)).login.user is None


class TestCommands:
    """`db security`, in a process of its own."""

    @pytest.fixture
    async def shop(self, plain: Secured) -> Secured:
        await plain.database["console_operators"].insert_one({"_id": ME, "roles": ["ops"]})
        return plain

    def run(self, shop: Secured, uri: str, *arguments: str, **env: str) -> Outcome:
        return console("--db", shop.database.name, *arguments, env={"DELIVERY_CONSOLE_URI": uri, **env})

    def test_plan_and_apply(self, shop: Secured) -> None:
        admin = shop.server.uri_of()
        password = password_of(name_of(shop.database, "viewer"))
        planned = self.run(shop, admin, "db", "security", "plan", "--json")
        unasked = self.run(shop, admin, "db", "security", "apply", "--json")
        applied = self.run(
            shop, admin, "db", "security", "apply", "--yes", "--json", DELIVERY_CONSOLE_PASSWORD_VIEWER=password
        )
        shown = self.run(shop, admin, "db", "security", "plan")

        assert planned.status == 0
        assert {role["state"] for role in planned.json["roles"]} == {"missing"}
        trail = {"db": shop.database.name, "collection": AUDIT_LOGS}
        adding = {"resource": trail, "actions": ["changeStream", "find", "insert", "listIndexes"]}
        given = {role["role"]: adding in role["privileges"] for role in planned.json["roles"]}
        assert given == {"viewer": True, "support": True, "ops": True, "auditor": True}
        assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
        assert applied.status == 0
        assert [user["state"] for user in applied.json["users"]] == ["present", "missing", "missing", "missing"]
        assert (shown.status, "who could alter the audit trail (update, remove" in shown.out) == (0, True)
        told = [planned, unasked, applied, shown]
        assert not any(password in each.out + each.err for each in told)
        assert password not in shop.server.server.log.read_text(errors="replace")

    async def test_what_the_database_does_not_allow_ends_with_3(self, shop: Secured) -> None:
        await shop.apply("ops", "viewer")
        await shop.database["orders"].insert_one(
            order(id="o1", status="pending", delivery_date="2026-10-15", delivery_confirmed=False)
        )
        planned = self.run(shop, shop.uri("ops"), "db", "security", "plan", "--json")
        applied = self.run(shop, shop.uri("ops"), "db", "security", "apply", "--yes", "--json")
        confirm = ("deliveries", "confirm", "o1", "--reason", "late", "--json")
        refused = self.run(shop, shop.uri("viewer"), *confirm)
        stored = self.run(shop, shop.uri("viewer"), "backfill", "preview", "bill-one-time-orders", "--json")

        for outcome in (planned, applied):
            assert (outcome.status, outcome.json["error"]["code"]) == (3, "not-authorised")
            assert "connect as one with the role root" in outcome.err
        assert (refused.status, refused.json["error"]["code"]) == (3, "not-authorised")
        assert f"the command insert on {shop.database.name}.delivery_statuses" in refused.err
        assert (stored.status, stored.json["stored"]) == (0, False)

    def test_a_login_that_is_missing_is_asked_for(self, shop: Secured) -> None:
        address = f"mongodb://127.0.0.1:{shop.server.server.port}/?replicaSet=rs0"
        shown = self.run(shop, address, "audit", "list", "--json")
        assert (shown.status, shown.json["error"]["code"]) == (3, "not-authorised")
        assert "MongoDB wants a login" in shown.err
