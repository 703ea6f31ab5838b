"""Whatever is done to entries or log is found, named by its right name, and nobody else is named for it."""

import itertools
import os
import random
import uuid
from collections import Counter
from collections.abc import AsyncIterator

import pytest

from console.demo.mongod import EmbeddedMongod
from services.audit.seal import seal
from services.audit.verify import Verification
from services.database import connect
from services.errors import Refused
from tests.services.audit import attacks_on_checkpoints, attacks_on_entries, attacks_on_leaves
from tests.services.audit.sealed import NOW, SealedTrail
from tests.services.audit.tampering import ATTACKS, Attack, Hit, Scene

SEEDS = range(1)
MANY = range(int(os.environ.get("DELIVERY_CONSOLE_TAMPER_SEEDS", "40")))
assert {attacks_on_checkpoints, attacks_on_entries, attacks_on_leaves}  # they enlist themselves


@pytest.fixture(scope="module")
async def trail(mongod: EmbeddedMongod, tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[SealedTrail]:
    """Two tiles and a part of a third, under a checkpoint for each of the streams."""
    database = await connect(mongod.uri, f"test_{uuid.uuid4().hex}")
    trail = SealedTrail(database, tmp_path_factory.mktemp("copies") / "copies")
    await trail.build(random.Random(1), 130, (90, 1, 150, 60, 24, 120), 10)
    await trail.keep()
    assert (await trail.check(trusted=True, copies=True)).problems == ()
    yield trail
    await database.client.drop_database(database.name)
    await database.client.close()


def unnamed(found: Verification, hits: list[Hit]) -> list[Hit]:
    """What was hit and is not told."""
    told = {(problem.entry, problem.kind) for problem in found.problems}
    return [each for each in hits if not any((each.name, kind) in told for kind in each.kinds)]


def wronged(trail: SealedTrail, found: Verification, hits: list[Hit], attack: Attack) -> list[object]:
    """Problems that accuse entries which were not hit."""
    entries = {str(key) for key in itertools.chain(trail.adopted, *trail.streams.values())}
    places = {f"{name}#{seq}" for name, keys in trail.streams.items() for seq in range(1, len(keys) + 1)}
    innocent = (entries | places) - {each.name for each in hits}
    return [
        problem for problem in found.problems
        if problem.entry in innocent and not (attack.leaves and problem.kind == "log-altered")
    ]  # fmt: skip


async def assert_found(trail: SealedTrail, attack: Attack, seed: int) -> tuple[list[Hit], Counter[str]]:
    await trail.restore()
    hits = await attack.work(Scene(trail, random.Random(f"{attack.name} {seed}")))
    found = await trail.check(trusted=attack.trusted, copies=attack.copies)
    assert unnamed(found, hits) == [], found.problems
    assert wronged(trail, found, hits, attack) == [], hits
    told = {each.name for each in hits}
    return hits, Counter(problem.kind for problem in found.problems if problem.entry in told)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda attack: attack.name)
async def test_an_attack_is_found_and_a_seal_does_not_hide_it(trail: SealedTrail, attack: Attack) -> None:
    for seed in SEEDS:
        hits, _ = await assert_found(trail, attack, seed)
    copies = trail.copies.read_text()
    try:
        await seal(trail.database, trail.keeper, lambda: NOW, ended=[trail.open])
    except Refused as refusal:
        assert refusal.code == "log-altered"  # noqa: PT017 - a refusal is one of two right answers
    finally:
        trail.copies.write_text(copies)
    found = await trail.check(trusted=attack.trusted, copies=attack.copies)
    assert attack.mended or unnamed(found, hits) == [], found.problems


async def test_there_are_attacks_of_many_kinds() -> None:
    assert len({attack.name for attack in ATTACKS}) == len(ATTACKS) >= 100


@pytest.mark.long
@pytest.mark.timeout(3_600)
async def test_attacks_of_many_seeds_are_found(trail: SealedTrail) -> None:
    print()
    for attack in ATTACKS:
        kinds = sum([(await assert_found(trail, attack, seed))[1] for seed in MANY], Counter[str]())
        outside = " and ".join(name for name, asked in (("keys", attack.trusted), ("copies", attack.copies)) if asked)
        named = ", ".join(f"{kind} {count}" for kind, count in kinds.most_common())
        print(f"| {attack.name} | {outside or '-'} | {named} | {len(MANY)} |")
