"""What a backfill has to say: which records it looks at, and what it would do with one."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Generic, TypeVar

import bson

from services.backfills.plan import BILLING_GROUPS, Decision, Group, OptionName, Options, Tally
from services.changes.changeset import Change
from services.database import Database, Document, Session
from services.errors import BadRequest
from services.reminders.outbox import Due

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What holds for a whole run, beside the records."""

    today: date
    """In India."""
    credit_days: int = 7


@dataclass(frozen=True, slots=True)
class Doubt:
    """A record for which the database computed something else; both values in words."""

    record: str
    decided: str
    recomputed: str


class Backfill(ABC, Generic[S]):
    """One kind of repair. `S` is a record with all that a decision about it depends on."""

    name: str
    title: str
    about: str
    collection: str
    fields: Mapping[str, int] | None = None
    """The fields of the records that a preview reads, None for all; a commit reads whole records."""
    groups: tuple[Group, ...] = BILLING_GROUPS
    """The classes that it sorts records into; the classes of a plan add up to what was examined."""
    noun: str = "orders"
    """What it examines, in the plural."""
    amounts: bool = False
    """Whether its records are worth money."""
    takes: tuple[OptionName, ...] = ()
    """The options that a preview of it understands."""

    @abstractmethod
    def scope(self, options: Options) -> Document:
        """The filter of the records to look at; `covers` has the last word."""

    @abstractmethod
    async def load(self, database: Database, documents: Sequence[Document], session: Session | None) -> list[S]:
        """The records with what their decisions depend on, in the order of the documents, in few queries."""

    @abstractmethod
    def covers(self, source: S, options: Options) -> bool:
        """Whether a record that the filter let through belongs to the backfill."""

    @abstractmethod
    def decide(self, source: S, options: Options, surroundings: Surroundings) -> Decision:
        """What to do with one record. Pure: the same source gives the same decision."""

    @abstractmethod
    def depends(self, source: S) -> Mapping[str, Any]:
        """The stored values that the decision depends on."""

    @abstractmethod
    def changes(
        self, source: S, values: Mapping[str, Any], run: str, now: datetime, surroundings: Surroundings
    ) -> Sequence[Change]:
        """The changes that bring a plan row's pinned values into the database."""

    @abstractmethod
    async def landed(self, database: Database, run: str, bodies: Sequence[Document]) -> Tally:
        """How many of these rows stand in the database just as they say, and their amount; read anew after the run."""

    @abstractmethod
    def identify(self, source: S) -> tuple[str, Any]:
        """The record's id for people and its `_id`."""

    def touches(self, body: Document) -> Sequence[tuple[str, Any]]:
        """Collection and `_id` of the records that a row writes, one for each of its `changes`, in their order."""
        return ((self.collection, body["key"]),)

    def turns(self, body: Document) -> Sequence[str]:
        """The customers or users on whom a row rests beyond what it writes: see `take_turns`."""
        return ()

    def holds(self, current: Sequence[Document | None]) -> str | None:
        """Why the records that a row wrote may not be taken back, as they are now; None where they may."""
        return None

    def stands(self, run: str, record: Document) -> bool:
        """Whether the first record that a row wrote, found again, is still what that run made."""
        return True

    def due(self, body: Document) -> Due | None:
        """What a row's change makes a customer owe, to be put before them in a reminder."""
        return None

    async def second_opinion(self, database: Database, bodies: Sequence[Document], session: Session) -> Sequence[Doubt]:
        """The rows to change whose amount or month comes to something else when the database computes them."""
        return ()

    def require_options(self, options: Options) -> None:
        """Raise BadRequest for an option that makes no sense here."""
        for name in options.model_dump(exclude_defaults=True):
            if name not in self.takes:
                flag = name.replace("_", "-")
                raise BadRequest("bad-option", f"--{flag} makes no sense for {self.name}; preview it without.")

    def digest(self, source: S) -> bytes:
        """A digest of the values that the decision depends on: it differs after a change that matters."""
        return hashlib.sha256(bson.encode(self.depends(source))).digest()[:16]
