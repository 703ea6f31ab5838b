"""The operators of a database: who they are, and how they are added and removed."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.changes.changeset import ChangeSet, Delete, Insert, Update, transact
from services.clock import Clock, to_stored
from services.database import Database, told
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


async def mark(database: Database, kind: str) -> None:
    """Mark the database as a demo or test database, on which an operator may act as another."""
    database.require_writable()
    with told():
        await database[MARKER].replace_one({"_id": _MARK}, {"_id": _MARK, "kind": kind}, upsert=True)


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
    database.require_writable()
    with told():
        anybody = await database[OPERATORS].find_one({})
    if anybody is not None:  # a broken entry too: it gives no rights, and opens no door either
        raise Refused("has-operators", f"{database.name} has operators already; one of them can add you.")
    first: tuple[Role, ...] = ("ops", "auditor")
    entry = await _put(database, Operator(account, first, source), clock, account, first)
    if test:
        await mark(database, "test")
    return entry


async def list_operators(database: Database) -> tuple[Entry, ...]:
    """All operators by account; a broken entry is left out, so that it gives no rights."""
    with told():
        documents = await database[OPERATORS].find().sort("_id").limit(1000).to_list()
    return tuple(entry for entry in map(_read, documents) if entry)


async def add(database: Database, operator: Operator, clock: Clock, account: str, roles: tuple[Role, ...]) -> Entry:
    """Give an account exactly these roles, new or changed."""
    operator.require("ops", "add operators")
    account = account.strip()
    if not account or not account.isprintable() or len(account) > 64:
        raise BadRequest("bad-account", "An account name is 1 to 64 printable characters, as it logs in over SSH.")
    if not roles:
        raise BadRequest("no-role", "Give at least one role with --role.")
    if account == operator.account and "ops" not in roles:
        await _require_other_ops(database, account)
    return await _put(database, operator, clock, account, roles)


async def remove(database: Database, operator: Operator, clock: Clock, account: str) -> None:
    """Take an account's access away.

    Raises NotFound for one that is none, Refused for the last operator with the role ops.
    """
    operator.require("ops", "remove operators")
    await _require_other_ops(database, account)

    async def work(changes: ChangeSet) -> None:
        document = await database[OPERATORS].find_one({"_id": account}, session=changes.session)
        if document is None:
            raise NotFound("unknown-operator", f"{account} is not an operator of {database.name}.")
        changes.add(Delete(OPERATORS, document))

    await transact(database, operator, clock, work)


async def _require_other_ops(database: Database, account: str) -> None:
    others = [e for e in await list_operators(database) if e.account != account and "ops" in e.roles]
    if not others:
        raise Refused("last-ops", "That would leave no operator with the role ops; give the role to another first.")


async def _find(database: Database, account: str) -> Entry | None:
    with told():
        document = await database[OPERATORS].find_one({"_id": account})
    return _read(document) if document else None


async def _put(database: Database, operator: Operator, clock: Clock, account: str, roles: tuple[Role, ...]) -> Entry:
    async def work(changes: ChangeSet) -> Entry:
        document = await database[OPERATORS].find_one({"_id": account}, session=changes.session)
        values = {"roles": list(roles)}
        if document:
            changes.add(Update(OPERATORS, document, values, guard={}))
        else:
            document = {
                "_id": account,
                **values,
                "added_by": operator.account,
                "added_at": to_stored(changes.now),
            }
            changes.add(Insert(OPERATORS, document))
        return Entry.model_validate({**document, **values})

    return await transact(database, operator, clock, work)


def _read(document: dict[str, object]) -> Entry | None:
    try:
        return Entry.model_validate(document)
    except ValidationError:
        return None
