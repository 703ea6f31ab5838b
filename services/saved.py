"""What operators keep under names of their own, in the words that they typed: so that `today` stays today."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from services.clock import Clock, to_stored
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import BadRequest, NotFound, Refused
from services.operators.operator import Operator

VIEWS = "console_views"


@dataclass(frozen=True, slots=True)
class Shelf:
    """One kind of what is kept; the noun stands in codes and sentences: a `view`, a `search`."""

    noun: str
    plural: str
    most: int = 100
    longest_name: int = 60

    async def every(self, database: Database, operator: Operator) -> list[tuple[str, Mapping[str, Any]]]:
        """The operator's own by name, each with its words; what is broken is left out."""
        return [(each["name"], each["words"]) for each in await self._documents(database, operator) if _sound(each)]

    async def _documents(self, database: Database, operator: Operator) -> list[Document]:
        # No account and no name has a line break: one account's are one range of keys.
        first = f"{operator.account}\n{self.noun}\n"
        keys = {"_id": {"$gte": first, "$lt": first[:-1] + "\x0b"}}
        with told():
            return await database[VIEWS].find(keys, max_time_ms=READ_LIMIT_MS).sort("_id").limit(self.most).to_list()

    async def words(self, database: Database, operator: Operator, name: str) -> Mapping[str, Any]:
        """The words under that name. Raises NotFound."""
        with told():
            found = await database[VIEWS].find_one({"_id": self._key(operator, name)}, max_time_ms=READ_LIMIT_MS)
        if found is None or not _sound(found):
            raise self._unknown(name)
        words: Mapping[str, Any] = found["words"]
        return words

    async def put(
        self, database: Database, operator: Operator, clock: Clock, name: str, words: Mapping[str, Any]
    ) -> str:
        """Keep words under a name, in the place of what has it; returns the name.

        Raises BadRequest for a name that is none, Refused for one too many.
        """
        database.require_writable()
        name = name.strip()
        if not name.isprintable() or not 0 < len(name) <= self.longest_name:
            raise BadRequest("bad-name", f"The name of a {self.noun} is 1 to {self.longest_name} printable characters.")
        key = self._key(operator, name)
        stored = {"account": operator.account, "name": name, "words": dict(words), "saved_at": to_stored(clock())}
        there = {each["_id"] for each in await self._documents(database, operator)}
        if len(there) >= self.most and key not in there:
            raise Refused(f"too-many-{self.plural}", f"You keep {self.most} {self.plural} already; give one up first.")
        with told():
            await database[VIEWS].replace_one({"_id": key}, stored, upsert=True)
        return name

    async def remove(self, database: Database, operator: Operator, name: str) -> None:
        """Keep it no longer. Raises NotFound."""
        database.require_writable()
        with told():
            gone = await database[VIEWS].delete_one({"_id": self._key(operator, name)})
        if not gone.deleted_count:
            raise self._unknown(name)

    def _key(self, operator: Operator, name: str) -> str:
        return f"{operator.account}\n{self.noun}\n{name.strip()}"

    def _unknown(self, name: str) -> NotFound:
        return NotFound(f"unknown-{self.noun}", f"You have no {self.noun} {name[: self.longest_name]!r}.")


def _sound(document: Document) -> bool:
    name, words = document.get("name"), document.get("words")
    return isinstance(name, str) and bool(name) and isinstance(words, dict)
