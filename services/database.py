"""The connection: one client, what its server can do, and its failures in words."""

from __future__ import annotations

import contextlib
import functools
import re
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bson.codec_options import CodecOptions, DatetimeConversion
from bson.timestamp import Timestamp
from pymongo import AsyncMongoClient, ReadPreference, WriteConcern
from pymongo.asynchronous.client_session import AsyncClientSession
from pymongo.asynchronous.collection import AsyncCollection
from pymongo.asynchronous.database import AsyncDatabase
from pymongo.errors import (
    AutoReconnect,
    ConfigurationError,
    DocumentTooLarge,
    ExecutionTimeout,
    InvalidURI,
    OperationFailure,
    PyMongoError,
    ServerSelectionTimeoutError,
)

from services.errors import Conflict, ConsoleError, RecordRefused, Refused, Unreachable

Document: TypeAlias = dict[str, Any]
Session: TypeAlias = AsyncClientSession

READ_LIMIT_MS = 5_000
WHOLE = 10_000
"""The batch size that brings what bulk work asks for in one answer: the server's first has 101 records else."""
DURABLE = WriteConcern("majority", j=True)
_AUTHENTICATION_FAILED = 18
_UNAUTHORISED = (13, 8000)
_REFUSED_COMMAND = re.compile(r'not authorized on (\S+) to execute command \{ (\w+): (?:"([^"]*)")?')
_OF_ONE_RECORD = (11000, 121, 15)
"""Duplicate key, failed validation, nested too deep: the record is at fault, not the server."""
TOO_LARGE = (10334, 17419)
"""How the server calls a document over 16 MB, also one that it was to make."""
NO_SUCH_INDEX = 2
"""How the server calls a hint at an index that is not there: a bad value."""
_INTERRUPTED = 11601

# Real data holds dates out of Python's range and broken UTF-8; neither may break a list.
TOLERANT: CodecOptions[Document] = CodecOptions(
    tz_aware=True,
    datetime_conversion=DatetimeConversion.DATETIME_AUTO,
    unicode_decode_error_handler="replace",
)

STANDALONE = (
    "This MongoDB runs without a replica set, so it has no transactions and the console opens read-only. "
    "Start mongod with --replSet rs0, run rs.initiate() once in mongosh, and connect with ?replicaSet=rs0."
)


@dataclass(frozen=True)
class Database:
    """An open database: what services take as their first argument."""

    client: AsyncMongoClient[Document]
    name: str
    read_only: str | None
    """Why nothing can be written, as a sentence; None where transactions work."""
    address: str

    def __getitem__(self, collection: str) -> AsyncCollection[Document]:
        return self._database[collection]

    @functools.cached_property
    def _database(self) -> AsyncDatabase[Document]:
        # What the address says of reading and writing is the backend's taste; checkpoints and leases need these.
        return self.client.get_database(self.name, TOLERANT, ReadPreference.PRIMARY, DURABLE)

    async def command(self, command: Document) -> Document:
        """Run a database command."""
        return await self._database.command(command)

    def require_writable(self) -> None:
        """Raise Refused on a server without transactions: a change without its audit entry is never written."""
        if self.read_only:
            raise Refused("read-only", self.read_only)

    @contextlib.asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Session | None]:
        """A session that reads one moment throughout; None on a server without snapshots."""
        if self.read_only:
            yield None
            return
        async with self.client.start_session(snapshot=True) as session:
            yield session

    @contextlib.asynccontextmanager
    async def snapshots(self, number: int, collection: str) -> AsyncIterator[Sequence[Session | None]]:
        """As many sessions that all read one moment, one for each query that runs beside others.

        There are none where the collection does not exist: only a read of one that does tells its moment.
        """
        async with contextlib.AsyncExitStack() as stack:
            sessions = [await stack.enter_async_context(self.snapshot()) for _ in range(number)]
            moment: Timestamp | None = None
            for session in sessions:
                if session is not None and (moment := await self._set_moment(session, collection, moment)) is None:
                    sessions = []
            yield sessions

    async def _set_moment(self, session: Session, collection: str, moment: Timestamp | None) -> Timestamp | None:
        """Have a new snapshot session read this moment, by default the newest; the moment that it reads from now on."""
        first: Document = {
            "find": collection,
            "limit": 1,
            "singleBatch": True,
            "projection": {"_id": 1},
            "hint": "_id_",
        }
        first["maxTimeMS"] = READ_LIMIT_MS
        if moment is not None:
            first["readConcern"] = {"level": "snapshot", "atClusterTime": moment}
        answer = await self._database.command(first, session=session)
        reads: Timestamp | None = answer["cursor"].get("atClusterTime")
        if moment not in (None, reads):
            raise Refused("no-snapshot", "The database driver does not let several sessions read one moment.")
        return reads


async def connect(uri: str, name: str) -> Database:
    """Open `uri` and look at the server once.

    Raises Unreachable with a sentence that names the host but never the password.
    """
    try:
        with told():
            client: AsyncMongoClient[Document] = AsyncMongoClient(
                uri, serverSelectionTimeoutMS=5_000, connectTimeoutMS=5_000, appname="delivery-console"
            )
    except ValueError as error:  # how the driver tells of a port that is none
        raise Unreachable(
            "bad-uri",
            "The database address is not usable: look at its host and port, and that the user name and the password "
            "are percent-escaped.",
        ) from error
    try:
        with told():
            hello = await client.admin.command("hello")
            await client.get_database(name).command({"count": "console_marker", "limit": 1})
    except BaseException:
        await client.close()
        raise
    transactions = "setName" in hello or hello.get("msg") == "isdbgrid"
    hosts = ",".join(f"{host}:{port}" for host, port in sorted(client.nodes))
    return Database(client, name, None if transactions else STANDALONE, hosts)


@dataclass(frozen=True, slots=True)
class Find:
    """A question to one collection: the records that match, all of them or at most so many."""

    collection: str
    matching: Document
    fields: Mapping[str, int] | None = None
    most: int = 0
    newest: str = ""
    """The field whose highest values come first; without one they come in no order."""

    async def ask(self, database: Database, session: Session | None = None) -> list[Document]:
        """The records, by a command of its own."""
        cursor = database[self.collection].find(self.matching, self.fields, session=session, batch_size=WHOLE)
        cursor = cursor.sort(self.newest, -1) if self.newest else cursor
        return await (cursor if session else cursor.max_time_ms(READ_LIMIT_MS)).limit(self.most).to_list()

    def stages(self, number: int) -> list[Document]:
        """The records as a pipeline, each with the number of the question that it answers."""
        stages: list[Document] = [{"$match": self.matching}]
        stages += [{"$sort": {self.newest: -1}}] if self.newest else []
        stages += [{"$limit": self.most}] if self.most else []
        stages += [{"$project": dict(self.fields)}] if self.fields else []
        return [*stages, {"$project": {"_id": 0, "number": {"$literal": number}, "record": "$$ROOT"}}]


async def find_together(database: Database, *finds: Find) -> list[list[Document]]:
    """What each of these questions finds, by one command: of a look-up, sending takes longer than answering.

    Never in a transaction: the server unites collections in none.
    """
    if len(finds) < 2:
        return [await each.ask(database) for each in finds]
    first, *others = [each.stages(number) for number, each in enumerate(finds)]
    united = [{"$unionWith": {"coll": each.collection, "pipeline": stages}}
              for each, stages in zip(finds[1:], others, strict=True)]  # fmt: skip
    asked = database[finds[0].collection].aggregate([*first, *united], batchSize=WHOLE, maxTimeMS=READ_LIMIT_MS)
    found: list[list[Document]] = [[] for _ in finds]
    for document in await (await asked).to_list():
        found[document["number"]].append(document["record"])
    return found


@contextlib.contextmanager
def told() -> Iterator[None]:
    """Turn the driver's failures into refusals with a code and a sentence."""
    try:
        yield
    except PyMongoError as error:
        raise describe(error) from error


def describe(error: PyMongoError) -> ConsoleError:
    """The refusal that says what an operator can do about a failure of the driver."""
    if isinstance(error, (InvalidURI, ConfigurationError)):
        return Unreachable("bad-uri", f"The database address is not usable: {_short(error)}.")
    if error.has_error_label("UnknownTransactionCommitResult"):
        return Unreachable(
            "commit-unknown", "The server did not say whether the change landed; look before repeating it."
        )
    if isinstance(error, ServerSelectionTimeoutError):
        return Unreachable(
            "no-connection",
            "No MongoDB answers at that address within 5 seconds. Check --uri (or DELIVERY_CONSOLE_URI, MONGO_URL), "
            f"that the server runs, and the network. The driver says: {_short(error)}.",
        )
    if isinstance(error, ExecutionTimeout) and isinstance(error.__cause__, (AutoReconnect, OperationFailure)):
        # The end of a transaction's patience: what it tried again tells why.
        if isinstance(error.__cause__, AutoReconnect):
            return describe(error.__cause__)
        return Conflict(
            "record-busy",
            "Somebody else has been changing one of these records for some seconds. Nothing was written; try again.",
        )
    if isinstance(error, ExecutionTimeout):
        return Refused("too-slow", "The database took too long. Is an index missing? See `db indexes plan`.")
    if isinstance(error, OperationFailure):
        if error.code == _AUTHENTICATION_FAILED:
            return Unreachable("authentication-failed", "MongoDB refused the user name or the password in the address.")
        if error.code == _INTERRUPTED:  # somebody ended its session; what became of it is to be looked up
            return Unreachable("connection-lost", "The server ended the operation; try again in a moment.")
        if error.code in _UNAUTHORISED:
            return Unreachable("not-authorised", _not_authorised(_short(error)))
        code = code_of(error)
        if code in TOO_LARGE:
            return RecordRefused("record-refused", "A record is larger than MongoDB's 16 MB.")
        if code in _OF_ONE_RECORD:
            return RecordRefused("record-refused", f"MongoDB refused a record: {_short(error)}.")
        return Refused("database-error", f"MongoDB refused the operation: {_short(error)}.")
    if isinstance(error, DocumentTooLarge):
        return RecordRefused("record-refused", "A record is larger than MongoDB's 16 MB.")
    if isinstance(error, AutoReconnect):
        return Unreachable("connection-lost", "The connection to the database was lost; try again in a moment.")
    return Refused("database-error", f"The database driver failed: {_short(error)}.")


def _not_authorised(words: str) -> str:
    """The sentence for a user without the right; the server's words repeat the command, with people's data in it."""
    if words.endswith("requires authentication"):
        return "MongoDB wants a login: put a user and a password into the address, mongodb://USER:PASSWORD@HOST/."
    refused = _REFUSED_COMMAND.match(words)
    if refused is None:
        return f"The database user may not do this: {words}."
    base, command, collection = refused.groups()
    where = f"{base}.{collection}" if collection else f"the database {base}"
    return (
        f"The database user may not do this: MongoDB refuses it the command {command} on {where}. "
        "Connect as a user whose database role allows it: an administrator sees them with `db security plan`."
    )


def code_of(error: PyMongoError) -> int | None:
    """The server's code of a failure; of a bulk write, that of its first refused statement."""
    code: int | None = _failure(error).get("code", error.code if isinstance(error, OperationFailure) else None)
    return code


def _failure(error: PyMongoError) -> Mapping[str, Any]:
    """The details of a failure; of a bulk write, those of its first refused statement."""
    details = error.details if isinstance(error, OperationFailure) and error.details else {}
    refused: list[Mapping[str, Any]] = details.get("writeErrors") or [details]
    return refused[0]


def _short(error: PyMongoError) -> str:
    words = str(_failure(error).get("errmsg", error))
    return words.split(", Timeout:")[0].split(", full error")[0].strip().rstrip(".")[:300]
