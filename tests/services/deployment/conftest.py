"""A server with access control, and a shop on it whose roles were made by `db security apply`."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from pydantic import SecretStr

from services.database import Database, connect
from services.deployment.indexes import apply as build_indexes
from services.deployment.security import Security, apply, name_of
from services.operators.operator import ROLES, Operator, Role
from tests.servers import Guarded, guarded, password_of


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Guarded]:
    with guarded(tmp_path_factory.mktemp("guarded"), "--setParameter", "enableTestCommands=1") as started:
        yield started


@dataclass(frozen=True)
class Secured:
    """A database of a guarded server, as its administrator sees it."""

    server: Guarded
    database: Database

    async def apply(self, *roles: Role) -> Security:
        """The roles, and users for some of them."""
        passwords = {role: SecretStr(password_of(name_of(self.database, role))) for role in roles}
        return await apply(self.database, Operator("olga", ("ops",)), passwords)

    def uri(self, role: Role) -> str:
        """The address for the user of a role."""
        return self.server.uri_of(name_of(self.database, role))

    @asynccontextmanager
    async def logged_in(self, role: Role) -> AsyncIterator[Database]:
        """The database, connected to as the user of a role."""
        opened = await connect(self.uri(role), self.database.name)
        try:
            yield opened
        finally:
            await opened.client.close()


@asynccontextmanager
async def administered(server: Guarded, name: str) -> AsyncIterator[Secured]:
    """A database without roles of the console's."""
    database = await connect(server.uri_of(), name)
    try:
        yield Secured(server, database)
        await database.client.drop_database(name)
    finally:
        await database.client.close()


@pytest.fixture(scope="module")
async def secured(server: Guarded) -> AsyncIterator[Secured]:
    """The shop with its indexes, its roles and their users, and nothing in it."""
    async with administered(server, "shop") as shop:
        await build_indexes(shop.database, Operator("olga", ("ops",)))
        assert (await shop.apply(*ROLES)).sound
        yield shop
