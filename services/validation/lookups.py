"""The records that validators ask for: each through an index, and once however many ask."""

from __future__ import annotations

from collections.abc import Mapping

from services.customers.resolution import CustomerLinks
from services.database import Database, Document, Find, Session, told
from services.records.fields import identity
from services.records.orders import Owner

MOST_RECORDS = 20
"""Of one reference; only broken data has more."""


class Lookups:
    """Reads by reference and remembers; for one check or one write, in its transaction where a session is given."""

    def __init__(self, database: Database, session: Session | None = None) -> None:
        self.database = database
        self._session = session
        self._found: dict[tuple[str, str, str], list[Document]] = {}
        self._links: dict[Owner, CustomerLinks] = {}

    async def find(self, collection: str, field: str, reference: object) -> list[Document]:
        """The records whose field holds that reference, newest first; none for what cannot be one."""
        name = _storable(identity(reference))
        if name is None:
            return []
        key = collection, field, name
        if key not in self._found:
            self._found[key] = await self.matching(collection, {field: name})
        return self._found[key]

    async def first(self, collection: str, reference: object) -> Document | None:
        """The record of that id."""
        found = await self.find(collection, "id", reference)
        return found[0] if found else None

    async def links(self, owner: Owner) -> CustomerLinks:
        """The customers that an order names by its customer and its user."""
        if owner not in self._links:
            asked = _storable(owner[0]), _storable(owner[1])
            with told():
                self._links[owner] = await CustomerLinks.load(self.database, [asked], self._session)
        return self._links[owner]

    async def matching(
        self,
        collection: str,
        condition: Document,
        fields: Mapping[str, int] | None = None,
        most: int = MOST_RECORDS,
    ) -> list[Document]:
        """The records that fit a condition which an index serves, newest first."""
        with told():
            found = await Find(collection, condition, fields, most).ask(self.database, self._session)
        return sorted(found, key=lambda document: str(document["_id"]), reverse=True)


def _storable(name: str | None) -> str | None:
    """The name where MongoDB can hold it: a lone surrogate is in no stored text."""
    try:
        return name if name is None or name.encode() else None
    except UnicodeEncodeError:
        return None
