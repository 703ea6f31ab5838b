"""The database's own roles beside what they should be, making them so, and a user for each of them."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pydantic import SecretStr
from pymongo.errors import PyMongoError

from services.changes.changeset import AUDIT_LOGS
from services.database import Database, Document, describe
from services.deployment.roles import CLUSTER, TRAIL, Grants, grants
from services.errors import BadRequest, Unreachable
from services.operators.operator import ROLES, Operator, Role

State: TypeAlias = Literal["present", "missing", "different"]

SHORTEST_PASSWORD = 12

_BEYOND_ADDING = (
    "update", "remove", "dropCollection", "dropDatabase", "renameCollectionSameDB", "collMod", "convertToCapped",
    "bypassDocumentValidation", "createIndex", "dropIndex", "grantRole", "changePassword", "applyOps", "anyAction",
)  # fmt: skip
"""The actions by which entries can be altered or taken away, or the right to do so be had."""


@dataclass(frozen=True, slots=True)
class RoleState:
    """What there is of a database role. `lacks` and `exceeds` name a collection and an action: `orders: update`."""

    role: Role
    name: str
    state: State
    lacks: tuple[str, ...] = ()
    exceeds: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class UserState:
    """What there is of the database user of a role; `different` says in the reason what else it may be."""

    role: Role
    name: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class TrailState:
    """What there is of a collection of the audit trail; the reason says how entries would get lost in it."""

    collection: str
    state: State
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Login:
    """Whom this connection is logged in as, None where the server lets everybody do everything."""

    user: str | None
    beyond: tuple[str, ...]
    """The actions by which it could alter the audit trail."""


@dataclass(frozen=True, slots=True)
class Security:
    """The database's roles, their users, the audit trail's collections, and this connection's rights."""

    roles: tuple[RoleState, ...]
    users: tuple[UserState, ...]
    trail: tuple[TrailState, ...]
    login: Login

    @property
    def sound(self) -> bool:
        """Whether everything is as it should be; a role without a user is."""
        states = [each.state for each in self.roles] + [each.state for each in self.trail]
        return set(states) == {"present"} and all(user.state != "different" for user in self.users)


def privileges(database: Database, role: Role) -> list[Document]:
    """The same as MongoDB takes it, each collection by its name."""
    return [
        {
            "resource": {"cluster": True} if where == CLUSTER else {"db": database.name, "collection": where},
            "actions": sorted(actions),
        }
        for where, actions in sorted(grants(role).items())
    ]


def name_of(database: Database, role: Role) -> str:
    """The name of the database role and of its user, in the database `admin`: `shop-console-ops`."""
    return f"{database.name}-console-{role}"


async def plan(database: Database, operator: Operator) -> Security:
    """What there is beside what there should be; nothing is written.

    Raises Unreachable where the database user may not look at roles and users.
    """
    operator.require("ops", "look after the database's roles")
    with _administering(database):
        return Security(await _roles(database), await _users(database), await _trail(database), await _login(database))


async def apply(database: Database, operator: Operator, passwords: Mapping[Role, SecretStr]) -> Security:
    """Make the trail's collections and the roles what they should be, and return what there is then.

    A role with a password gets its user, or the user that password; a user that is there gets its one role. Raises
    BadRequest for a short password, Unreachable where the database user may not look after roles.
    """
    operator.require("ops", "look after the database's roles")
    database.require_writable()
    for role, password in passwords.items():
        if len(password.get_secret_value()) < SHORTEST_PASSWORD:
            raise BadRequest(
                "short-password", f"The password for {role} is shorter than {SHORTEST_PASSWORD} characters."
            )
    found = await plan(database, operator)
    with _administering(database):
        # A collection that is not there yet could be made by whoever may insert, with a lifetime for its entries.
        for collection in [each.collection for each in found.trail if each.state == "missing"]:
            await database.command({"create": collection})
        for state in found.roles:
            if state.state != "present":
                command = "createRole" if state.state == "missing" else "updateRole"
                wanted: Document = {"privileges": privileges(database, state.role), "roles": []}
                await database.client.admin.command({command: state.name, **wanted})
        for user in found.users:
            await _keep_user(database, user, passwords.get(user.role))
    return await plan(database, operator)


async def _keep_user(database: Database, user: UserState, password: SecretStr | None) -> None:
    if password is None and user.state != "different":
        return
    command = "createUser" if user.state == "missing" else "updateUser"
    secret = {"pwd": password.get_secret_value()} if password else {}
    await database.client.admin.command({command: user.name, **secret, "roles": [{"role": user.name, "db": "admin"}]})


@contextlib.contextmanager
def _administering(database: Database) -> Iterator[None]:
    try:
        yield
    except PyMongoError as error:
        refusal = describe(error)
        if refusal.code != "not-authorised":
            raise refusal from error
        raise Unreachable(
            "not-authorised",
            "Looking after roles and users needs a database user who may: connect as one with the role root, or with "
            f"userAdminAnyDatabase and dbOwner of {database.name}. Where only the hoster makes roles, give it those "
            "that `db security plan --json` prints.",
        ) from error


async def _roles(database: Database) -> tuple[RoleState, ...]:
    wanted = [{"role": name_of(database, role), "db": "admin"} for role in ROLES]
    answer = await database.client.admin.command({"rolesInfo": wanted, "showPrivileges": True})
    found = {each["role"]: each["inheritedPrivileges"] for each in answer["roles"]}
    states = []
    for role in ROLES:
        name = name_of(database, role)
        if name not in found:
            states.append(RoleState(role, name, "missing"))
            continue
        should, may = _flat(grants(role)), _flat(_granted(database, found[name]))
        state: State = "present" if should == may else "different"
        states.append(RoleState(role, name, state, tuple(sorted(should - may)), tuple(sorted(may - should))))
    return tuple(states)


async def _users(database: Database) -> tuple[UserState, ...]:
    wanted = [{"user": name_of(database, role), "db": "admin"} for role in ROLES]
    answer = await database.client.admin.command({"usersInfo": wanted})
    found = {each["user"]: {(held["role"], held["db"]) for held in each["roles"]} for each in answer["users"]}
    states = []
    for role in ROLES:
        name = name_of(database, role)
        others = sorted(f"{held}@{base}" for held, base in found.get(name, set()) - {(name, "admin")})
        if name not in found:
            states.append(UserState(role, name, "missing"))
        elif others:
            states.append(UserState(role, name, "different", f"It also has {', '.join(others)}."))
        elif (name, "admin") not in found[name]:
            states.append(UserState(role, name, "different", "It has no role."))
        else:
            states.append(UserState(role, name, "present"))
    return tuple(states)


async def _trail(database: Database) -> tuple[TrailState, ...]:
    answer = await database.command({"listCollections": 1, "filter": {"name": {"$in": list(TRAIL)}}})
    found = {each["name"]: each for each in answer["cursor"]["firstBatch"]}
    states = []
    for name in TRAIL:
        if name not in found:
            states.append(TrailState(name, "missing"))
        elif why := await _lossy(database, found[name]):
            states.append(TrailState(name, "different", why))
        else:
            states.append(TrailState(name, "present"))
    return tuple(states)


async def _lossy(database: Database, collection: Document) -> str:
    """How entries get lost in a collection; empty where they do not."""
    options = collection.get("options", {})
    if collection["type"] != "collection":
        return f"It is a {collection['type']}, which can be made to show other entries."
    if options.get("capped"):
        return "It is capped: new entries push the oldest out."
    indexes = await database[collection["name"]].index_information()
    expiring = [name for name, index in indexes.items() if "expireAfterSeconds" in index]
    if "expireAfterSeconds" in options or expiring:
        return f"The server deletes its entries after a time ({', '.join(expiring) or 'expireAfterSeconds'})."
    return ""


async def _login(database: Database) -> Login:
    answer = await database.client.admin.command({"connectionStatus": 1, "showPrivileges": True})
    info = answer["authInfo"]
    users = [f"{each['user']}@{each['db']}" for each in info["authenticatedUsers"]]
    if not users:
        return Login(None, _BEYOND_ADDING)
    held: set[str] = set()
    for privilege in info["authenticatedUserPrivileges"]:
        if _covers(database, privilege["resource"]):
            held |= set(privilege["actions"])
    return Login(", ".join(users), tuple(action for action in _BEYOND_ADDING if action in held))


def _covers(database: Database, resource: Document) -> bool:
    """Whether rights on a resource reach the audit trail."""
    if resource.get("anyResource") or resource.get("cluster"):
        return True
    return resource.get("db") in ("", database.name) and resource.get("collection") in ("", AUDIT_LOGS)


def _granted(database: Database, stored: list[Document]) -> Grants:
    found: dict[str, frozenset[str]] = {}
    for privilege in stored:
        where = _title(database, privilege["resource"])
        found[where] = found.get(where, frozenset()) | frozenset(privilege["actions"])
    return found


def _title(database: Database, resource: Document) -> str:
    if resource.get("cluster"):
        return CLUSTER
    if "collection" not in resource:
        return "(everything)"
    base, collection = resource["db"], resource["collection"]
    if base == database.name and collection:
        return str(collection)
    return f"({base or 'any database'}.{collection or 'any collection'})"


def _flat(actions: Grants) -> frozenset[str]:
    return frozenset(f"{where}: {action}" for where, held in actions.items() for action in held)
