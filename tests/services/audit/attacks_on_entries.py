"""What somebody may do to the entries of the audit trail."""

import hashlib
import uuid
from datetime import timedelta
from typing import Any

import bson
from bson import ObjectId
from bson.int64 import Int64
from bson.raw_bson import RawBSONDocument

from services.audit.chain import GENESIS, write_hash
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.database import TOLERANT, Document
from tests.services.audit.sealed import NOW, old_entry
from tests.services.audit.tampering import Hit, Key, Scene, attack, hit, put, read


def rehashed(entry: Document) -> Document:
    """The entry with the hash that fits it."""
    entry["chain"]["hash"] = GENESIS
    digest = write_hash(hashlib.sha256(bson.encode(entry, codec_options=TOLERANT)).digest())
    return {**entry, "chain": {**entry["chain"], "hash": digest}}


async def alter(scene: Scene, key: Key, **values: Any) -> list[Hit]:
    """Set fields of an entry, by dotted path."""
    paths = {name.replace("__", "."): value for name, value in values.items()}
    await scene.database[AUDIT_LOGS].update_one({"_id": key}, {"$set": paths})
    return [hit(key, "altered")]


@attack()
async def change_a_value(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), user_id="somebody-else")


@attack()
async def change_a_value_of_an_old_entry(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.adopted(), user_id="somebody-else")


@attack()
async def change_a_number_into_the_same_double(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), after__quantity=2.0)


@attack()
async def change_a_number_into_the_same_long(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), after__quantity=Int64(2))


@attack()
async def reorder_the_fields_of_a_record(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    after = (await read(scene, AUDIT_LOGS, key))["after"]
    return await alter(scene, key, after=dict(reversed(after.items())))


@attack()
async def reorder_the_fields_of_an_old_entry(scene: Scene) -> list[Hit]:
    key = scene.adopted()
    first, *others = (await read(scene, AUDIT_LOGS, key)).items()
    await put(scene, AUDIT_LOGS, dict([first, *reversed(others)]))
    return [hit(key, "altered")]


@attack()
async def drop_a_field(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    await scene.database[AUDIT_LOGS].update_one({"_id": key}, {"$unset": {"user_id": ""}})
    return [hit(key, "altered")]


@attack()
async def add_a_field_to_the_record(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), after__added=None)


@attack()
async def add_a_field_behind_the_chain(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), added=None)


@attack()
async def add_a_field_to_an_old_entry(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.adopted(), added=None)


@attack()
async def change_where_it_came_from(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), meta__source="10.0.0.1")


@attack()
async def change_the_time(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), timestamp="2026-11-22T04:30:00.000001+00:00")


@attack()
async def change_only_the_hash(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain__hash="ab" * 32)


@attack()
async def zero_the_hash(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain__hash=GENESIS)


@attack()
async def change_only_the_hash_before(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain__prev="ab" * 32)


@attack()
async def change_the_place(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain__seq=Int64(9_999))


@attack()
async def change_the_type_of_the_place(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    return await alter(scene, key, chain__seq=float((await read(scene, AUDIT_LOGS, key))["chain"]["seq"]))


@attack()
async def change_the_stream(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain__stream="another")


@attack()
async def take_the_chain_away(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    await scene.database[AUDIT_LOGS].update_one({"_id": key}, {"$unset": {"chain": ""}})
    return [hit(key, "altered")]


@attack()
async def make_the_chain_null(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.sealed(), chain=None)


@attack()
async def make_the_chain_a_list(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    return await alter(scene, key, chain=[(await read(scene, AUDIT_LOGS, key))["chain"]])


@attack()
async def swap_the_contents_of_two(scene: Scene) -> list[Hit]:
    keys = scene.chance.sample(scene.sealed_part(scene.stream()), 2)
    documents = [await read(scene, AUDIT_LOGS, key) for key in keys]
    await scene.database[AUDIT_LOGS].delete_many({"_id": {"$in": keys}})
    await scene.database[AUDIT_LOGS].insert_many(
        [{**document, "_id": key} for key, document in zip(keys, reversed(documents), strict=True)]
    )
    return [hit(key, "altered") for key in keys]


async def delete(scene: Scene, *keys: Key) -> list[Hit]:
    """Delete sealed entries."""
    await scene.database[AUDIT_LOGS].delete_many({"_id": {"$in": list(keys)}})
    return [hit(key, "removed") for key in keys]


@attack()
async def delete_the_first_of_a_stream(scene: Scene) -> list[Hit]:
    return await delete(scene, scene.sealed_part(scene.stream())[0])


@attack()
async def delete_one_in_the_middle(scene: Scene) -> list[Hit]:
    return await delete(scene, scene.sealed())


@attack()
async def delete_two_in_a_row(scene: Scene) -> list[Hit]:
    entries = scene.sealed_part(scene.stream())
    at = scene.chance.randrange(len(entries) - 2)
    return await delete(scene, *entries[at : at + 2])


@attack()
async def delete_the_last_of_a_stream(scene: Scene) -> list[Hit]:
    return await delete(scene, scene.sealed_part(scene.stream())[-1])


@attack()
async def delete_the_end_of_a_stream(scene: Scene) -> list[Hit]:
    entries = scene.sealed_part(scene.stream())
    return await delete(scene, *entries[scene.chance.randrange(1, len(entries)) :])


@attack()
async def delete_the_last_sealed_one_of_the_open_stream(scene: Scene) -> list[Hit]:
    return await delete(scene, scene.sealed_part(scene.trail.open)[-1])


@attack()
async def delete_a_whole_stream(scene: Scene) -> list[Hit]:
    return await delete(scene, *scene.trail.streams[scene.ended()])


@attack()
async def delete_an_old_entry(scene: Scene) -> list[Hit]:
    return await delete(scene, scene.adopted())


@attack()
async def delete_one_that_is_not_sealed(scene: Scene) -> list[Hit]:
    key = scene.unsealed()
    place = scene.trail.streams[scene.trail.open].index(key) + 1
    await delete(scene, key)
    return [hit(f"{scene.trail.open}#{place}", "removed")]


@attack()
async def change_one_that_is_not_sealed(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.unsealed(), user_id="somebody-else")


@attack()
async def change_only_the_hash_of_one_that_is_not_sealed(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.unsealed(), chain__hash="ab" * 32)


@attack()
async def break_the_chain_of_one_that_is_not_sealed(scene: Scene) -> list[Hit]:
    return await alter(scene, scene.unsealed(), chain__hash=5)


@attack()
async def delete_the_last_sealed_one_and_change_the_next(scene: Scene) -> list[Hit]:
    entries = scene.trail.streams[scene.trail.open]
    sealed = len(entries) - scene.trail.unsealed
    return await delete(scene, entries[sealed - 1]) + await alter(scene, entries[sealed], user_id="somebody-else")


@attack()
async def insert_an_old_entry_of_the_backend(scene: Scene) -> list[Hit]:
    entry = old_entry(scene.chance, scene.chance.randrange(1_000))
    await scene.database[AUDIT_LOGS].insert_one(entry)
    return [hit(entry["_id"], "inserted")]


@attack()
async def insert_an_entry_of_an_hour_ago(scene: Scene) -> list[Hit]:
    entry = old_entry(scene.chance, 0) | {"_id": ObjectId.from_datetime(NOW - timedelta(hours=1))}
    await scene.database[AUDIT_LOGS].insert_one(entry)
    return [hit(entry["_id"], "inserted")]


@attack()
async def insert_an_unchained_entry_with_an_id_of_the_console(scene: Scene) -> list[Hit]:
    entry = old_entry(scene.chance, 0) | {"_id": str(uuid.uuid4())}
    await scene.database[AUDIT_LOGS].insert_one(entry)
    return [hit(entry["_id"], "inserted")]


@attack()
async def insert_an_entry_with_a_number_as_its_id(scene: Scene) -> list[Hit]:
    await scene.database[AUDIT_LOGS].insert_one(old_entry(scene.chance, 0) | {"_id": 7})
    return [hit(7, "inserted")]


@attack()
async def insert_an_entry_with_a_chain_that_is_none(scene: Scene) -> list[Hit]:
    chain = scene.chance.choice([5, "x", [], {"stream": scene.trail.open}, {"stream": {}, "seq": {}}])
    await scene.database[AUDIT_LOGS].insert_one({"_id": "odd", "chain": chain})
    return [hit("odd", "altered", "inserted")]


async def forge(scene: Scene, stream: str, seq: int, prev: str) -> Key:
    """Insert a forged entry with a chain that fits itself."""
    template = await read(scene, AUDIT_LOGS, next(iter(scene.trail.streams.values()))[0])
    key = str(uuid.UUID(bytes=scene.chance.randbytes(16)))
    chain = {"stream": stream, "seq": Int64(seq), "prev": prev, "hash": GENESIS}
    await scene.database[AUDIT_LOGS].insert_one(rehashed({**template, "_id": key, "id": key, "chain": chain}))
    return key


async def forge_behind(scene: Scene, stream: str) -> Key:
    """Insert a forged entry behind the end of a stream."""
    end = (await read(scene, AUDIT_LOGS, scene.trail.streams[stream][-1]))["chain"]
    return await forge(scene, stream, end["seq"] + 1, end["hash"])


@attack()
async def forge_an_entry_behind_the_end_of_an_ended_stream(scene: Scene) -> list[Hit]:
    return [hit(await forge_behind(scene, scene.ended()), "inserted")]


@attack()
async def open_an_ended_stream_again_and_forge_an_entry(scene: Scene) -> list[Hit]:
    stream = scene.ended()
    await scene.database[STREAMS].update_one({"_id": stream}, {"$set": {"ended": False}})
    return [hit(await forge_behind(scene, stream), "inserted"), hit(f"stream {stream}", "log-altered")]


@attack()
async def forge_an_entry_in_a_stream_that_never_was(scene: Scene) -> list[Hit]:
    return [hit(await forge(scene, "never/1", 1, GENESIS), "inserted")]


@attack()
async def forge_a_second_entry_at_a_sealed_place(scene: Scene) -> list[Hit]:
    await scene.database[AUDIT_LOGS].drop_indexes()
    chain = (await read(scene, AUDIT_LOGS, scene.sealed()))["chain"]
    return [hit(await forge(scene, chain["stream"], chain["seq"], chain["prev"]), "forked")]


@attack()
async def forge_a_second_entry_at_an_unsealed_place(scene: Scene) -> list[Hit]:
    await scene.database[AUDIT_LOGS].drop_indexes()
    chain = (await read(scene, AUDIT_LOGS, scene.unsealed()))["chain"]
    return [hit(await forge(scene, chain["stream"], chain["seq"], chain["prev"]), "forked")]


@attack()
async def put_a_forged_entry_in_the_place_of_a_deleted_one(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    chain = (await read(scene, AUDIT_LOGS, key))["chain"]
    hits = await delete(scene, key)
    return [*hits, hit(await forge(scene, chain["stream"], chain["seq"], chain["prev"]), "inserted")]


@attack()
async def hide_a_forged_entry_behind_two_chains(scene: Scene) -> list[Hit]:
    stream = scene.trail.open
    end = (await read(scene, AUDIT_LOGS, scene.trail.streams[stream][-1]))["chain"]
    chain = {"stream": stream, "seq": Int64(end["seq"] + 1), "prev": end["hash"], "hash": GENESIS}
    whole = bson.encode({"_id": "two", "chain": 5}), bson.encode(rehashed({"_id": "two", "chain": chain}))
    body = whole[0][4:-1] + whole[1][4 + len(bson.encode({"_id": "two"})) - 5 : -1]
    raw = (len(body) + 5).to_bytes(4, "little") + body + b"\0"
    await scene.database[AUDIT_LOGS].insert_one(RawBSONDocument(raw))
    return [hit("two", "inserted", "altered")]


@attack()
async def rewrite_an_entry_with_the_hash_that_fits(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    entry = await read(scene, AUDIT_LOGS, key)
    await put(scene, AUDIT_LOGS, rehashed({**entry, "user_id": "somebody-else"}))
    return [hit(key, "altered")]


@attack()
async def rewrite_the_end_of_a_stream_consistently(scene: Scene) -> list[Hit]:
    stream = scene.ended()
    entries = scene.trail.streams[stream]
    rewritten = entries[scene.chance.randrange(len(entries)) :]
    prev = None
    for key in rewritten:
        entry = await read(scene, AUDIT_LOGS, key)
        chain = {**entry["chain"], "prev": prev or entry["chain"]["prev"]}
        entry = rehashed({**entry, "user_id": "somebody-else", "chain": chain})
        prev = entry["chain"]["hash"]
        await put(scene, AUDIT_LOGS, entry)
    await scene.database[STREAMS].update_one({"_id": stream}, {"$set": {"head": prev}})
    return [*(hit(key, "altered") for key in rewritten), hit(f"stream {stream}", "log-altered")]


@attack()
async def exchange_an_old_entry_for_another(scene: Scene) -> list[Hit]:
    key = scene.adopted()
    await put(scene, AUDIT_LOGS, {"_id": key, "nothing": "to see"})
    return [hit(key, "altered")]


@attack()
async def give_an_entry_another_id(scene: Scene) -> list[Hit]:
    key = scene.sealed()
    entry = await read(scene, AUDIT_LOGS, key)
    await delete(scene, key)
    await scene.database[AUDIT_LOGS].insert_one(rehashed({**entry, "_id": "renamed"}))
    return [hit(key, "removed"), hit("renamed", "inserted")]


@attack()
async def alter_many(scene: Scene) -> list[Hit]:
    keys = {scene.sealed() for _ in range(40)} | {scene.adopted() for _ in range(10)}
    await scene.database[AUDIT_LOGS].update_many({"_id": {"$in": list(keys)}}, {"$set": {"user_id": "x"}})
    return [hit(key, "altered") for key in keys]
