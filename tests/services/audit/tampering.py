"""Attacks on a sealed audit trail. Each says what it hit, and as what a check may name that."""

import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from services.audit.problems import Kind
from services.database import Database, Document
from tests.services.audit.sealed import SealedTrail

Key = Any


@dataclass(frozen=True)
class Hit:
    """What was hit, and the kinds of problem that fit it."""

    name: str
    kinds: tuple[Kind, ...]


@dataclass(frozen=True)
class Attack:
    """An attack, what an auditor needs to find it, and what it does besides."""

    work: "Work"
    trusted: bool = False
    copies: bool = False
    leaves: bool = False
    """Whether intact entries lose their leaf, and may be named for that."""
    mended: bool = False
    """Whether the next seal puts it right."""

    @property
    def name(self) -> str:
        """What it does, in words."""
        return self.work.__name__.replace("_", " ")


@dataclass(frozen=True)
class Scene:
    """Where an attack happens."""

    trail: SealedTrail
    chance: random.Random

    @property
    def database(self) -> Database:
        """The database."""
        return self.trail.database

    def stream(self) -> str:
        """A stream of some length."""
        return self.chance.choice([name for name, entries in self.trail.streams.items() if len(entries) > 5])

    def sealed(self, stream: str | None = None) -> Key:
        """An entry of a chain that is sealed, neither the first nor the last one."""
        name = stream or self.stream()
        return self.chance.choice(self.sealed_part(name)[1:-1])

    def sealed_part(self, stream: str) -> list[Key]:
        """The sealed entries of a stream."""
        entries = self.trail.streams[stream]
        return entries[: len(entries) - self.trail.unsealed] if stream == self.trail.open else entries

    def unsealed(self) -> Key:
        """An entry that is not sealed, neither the first nor the last one."""
        return self.chance.choice(self.trail.streams[self.trail.open][-self.trail.unsealed + 1 : -1])

    def adopted(self) -> Key:
        """An old entry."""
        return self.chance.choice(self.trail.adopted)

    def ended(self) -> str:
        """A stream that ended."""
        return self.chance.choice([name for name in self.trail.ended if len(self.trail.streams[name]) > 5])


Work = Callable[[Scene], Awaitable[list[Hit]]]
ATTACKS: list[Attack] = []


def attack(
    *, trusted: bool = False, copies: bool = False, leaves: bool = False, mended: bool = False
) -> Callable[[Work], Work]:
    """Enlist an attack."""

    def enlist(work: Work) -> Work:
        ATTACKS.append(Attack(work, trusted, copies, leaves, mended))
        return work

    return enlist


def hit(name: object, *kinds: Kind) -> Hit:
    """What was hit."""
    return Hit(str(name), kinds)


async def read(scene: Scene, collection: str, key: Key) -> Document:
    """A stored document."""
    found = await scene.database[collection].find_one({"_id": key})
    assert found is not None
    return found


async def put(scene: Scene, collection: str, document: Document) -> None:
    """Write a document in place of the one with its id."""
    await scene.database[collection].replace_one({"_id": document["_id"]}, document)


async def middle(scene: Scene, collection: str) -> Document:
    """A document that is neither the first nor the last of a collection."""
    found = await scene.database[collection].find({}).sort("_id", 1).to_list()
    return scene.chance.choice(found[1:-1])


async def last(scene: Scene, collection: str) -> Document:
    """The last document of a collection."""
    return (await scene.database[collection].find({}).sort("_id", -1).limit(1).to_list())[0]
