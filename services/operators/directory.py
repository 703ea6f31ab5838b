"""The operators of a database: who they are, and how they are added and removed."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.changes.changeset import ChangeSet, Delete, Insert, Update, transact
from services.clock import Clock, to_stored
from services.database import READ_LIMIT_MS, Database, Session, told
from services.errors import BadRequest, NotFound, NotPermitted, Refused
from services.operators.operator import Operator, Role

OPERATORS = "console_operators"
MARKER = "console_marker"
_MARK = "environment"


class Entry(BaseModel):
    """One operator as stored: the account name is the key."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="ignore")

    account: str = Field(alias="_id")
    roles: tuple[Role, ...]
    added_by: str = ""
    added_at: datetime | None = None


async def environment_of(database: Database) -> str | None:
    """`demo` or `test` where the database is marked as one, else None: then it is treated as production."""
    with told():
        marker = await database[MARKER].find_one({"_id": _MARK})
    return str(marker["kind"]) if marker else None


async def mark(database: Database, operator: Operator, clock: Clock, kind: str) -> None:
    """Mark the database as a demo or test database, on which an operator may act as another."""
    operator.require("ops", "mark a database")

    async def work(changes: ChangeSet) -> None:
        await _mark(changes, kind)

    await transact(database, operator, clock, work)


async def identify(database: Database, account: str, source: str, act_as: str | None = None) -> Operator:
    """The operator for a login.

    `act_as` names another account and is accepted on demo and test databases only. Raises NotPermitted for
    that elsewhere, and for an account that is not an operator.
    """
    if act_as and not await environment_of(database):
        raise NotPermitted(
            "no-acting", "--operator is accepted only on a demo or test database; here you are who logged in."
        )
    entry = await _find(database, act_as or account)
    if entry is None and database.read_only and await _has_none(database):
        # A server without transactions cannot be given operators; nothing can be written there, only looked at.
        return Operator(account, ("viewer",), source)
    if entry is None:
        raise NotPermitted(
            "not-an-operator",
            f"{act_as or account} is not an operator of the database {database.name}. An operator with the role ops "
            "can add the account: operators add ACCOUNT --role ROLE. In a database that has no operators yet, "
            "`operators init` makes you the first.",
        )
    return Operator(entry.account, entry.roles, source)


async def init(database: Database, clock: Clock, account: str, source: str, *, test: bool = False) -> Entry:
    """Make the account the first operator, with the roles ops and auditor; `test` marks the database.

    Raises Refused where there are operators already.
    """
    first: tuple[Role, ...] = ("ops", "auditor")

    async def work(changes: ChangeSet) -> Entry:
        await _one_at_a_time(changes)
        # A broken entry counts too: it gives no rights, and opens no door either.
        if await database[OPERATORS].find_one({}, session=changes.session) is not None:
            raise Refused("has-operators", f"{database.name} has operators already; one of them can add you.")
        if test:
            await _mark(changes, "test")
        return await _put(changes, account, account, first)

    return await transact(database, Operator(account, first, source), clock, work)


async def list_operators(database: Database, operator: Operator) -> tuple[Entry, ...]:
    """All operators by account; a broken entry is left out, so that it gives no rights."""
    operator.require("viewer", "see the operators")
    with told():
        return await _entries(database, None)


async def add(database: Database, operator: Operator, clock: Clock, account: str, roles: tuple[Role, ...]) -> Entry:
    """Give an account exactly these roles, new or changed."""
    operator.require("ops", "add operators")
    account = account.strip()
    if not account or not account.isprintable() or len(account) > 64:
        raise BadRequest("bad-account", "An account name is 1 to 64 printable characters, as it logs in over SSH.")
    if not roles:
        raise BadRequest("no-role", "Give at least one role with --role.")

    async def work(changes: ChangeSet) -> Entry:
        await _one_at_a_time(changes)
        if "ops" not in roles:
            await _require_other_ops(changes, account)
        return await _put(changes, operator.account, account, roles)

    return await transact(database, operator, clock, work)


async def remove(database: Database, operator: Operator, clock: Clock, account: str) -> None:
    """Take an account's access away.

    Raises NotFound for one that is none, Refused for the last operator with the role ops.
    """
    operator.require("ops", "remove operators")

    async def work(changes: ChangeSet) -> None:
        await _one_at_a_time(changes)
        await _require_other_ops(changes, account)
        document = await database[OPERATORS].find_one({"_id": account}, session=changes.session)
        if document is None:
            raise NotFound("unknown-operator", f"{account} is not an operator of {database.name}.")
        changes.add(Delete(OPERATORS, document))

    await transact(database, operator, clock, work)


async def is_operator(database: Database, account: str) -> bool:
    """Whether an account is an operator's."""
    return await _find(database, account) is not None


async def operators_among(database: Database, accounts: Collection[str], session: Session | None = None) -> set[str]:
    """Those of some accounts that are operators'."""
    if not accounts:
        return set()
    with told():
        found = database[OPERATORS].find({"_id": {"$in": list(accounts)}}, {"_id": 1}, session=session)
        return {document["_id"] for document in await found.max_time_ms(READ_LIMIT_MS).to_list()}


async def _one_at_a_time(changes: ChangeSet) -> None:
    """Make every change of the operators conflict with every other: what one has looked at, no other changes."""
    await changes.database[MARKER].update_one(
        {"_id": "operators"}, {"$inc": {"changes": 1}}, upsert=True, session=changes.session
    )


async def _require_other_ops(changes: ChangeSet, account: str) -> None:
    ops = {entry.account for entry in await _entries(changes.database, changes.session) if "ops" in entry.roles}
    if ops == {account}:
        raise Refused("last-ops", "That would leave no operator with the role ops; give the role to another first.")


async def _entries(database: Database, session: Session | None) -> tuple[Entry, ...]:
    documents = await database[OPERATORS].find(session=session).sort("_id").limit(1000).to_list()
    return tuple(entry for entry in map(_read, documents) if entry)


async def _mark(changes: ChangeSet, kind: str) -> None:
    document = await changes.database[MARKER].find_one({"_id": _MARK}, session=changes.session)
    if document is None:
        changes.add(Insert(MARKER, {"_id": _MARK, "kind": kind}))
    else:
        changes.add(Update(MARKER, document, {"kind": kind}, guard={}))


async def _has_none(database: Database) -> bool:
    with told():
        return await database[OPERATORS].find_one({}) is None


async def _find(database: Database, account: str) -> Entry | None:
    with told():
        document = await database[OPERATORS].find_one({"_id": account})
    return _read(document) if document else None


async def _put(changes: ChangeSet, by: str, account: str, roles: tuple[Role, ...]) -> Entry:
    document = await changes.database[OPERATORS].find_one({"_id": account}, session=changes.session)
    values = {"roles": list(roles)}
    if document:
        changes.add(Update(OPERATORS, document, values, guard={}))
    else:
        document = {"_id": account, **values, "added_by": by, "added_at": to_stored(changes.now)}
        changes.add(Insert(OPERATORS, document))
    return Entry.model_validate({**document, **values})


def _read(document: dict[str, object]) -> Entry | None:
    try:
        return Entry.model_validate(document)
    except ValidationError:
        return None
