"""What somebody may do to the checkpoints, to the list of streams and to the keys."""

from typing import Any

from bson.int64 import Int64

from services.audit.chain import GENESIS
from services.audit.log import CHECKPOINTS, KEYS, LEAVES, NODES, Checkpoint
from services.audit.seal import seal
from services.audit.signing import Signer
from services.audit.trail import Trail
from services.audit.tree import TILE
from services.changes.changeset import AUDIT_LOGS, STREAMS
from services.database import Document
from tests.services.audit.attacks_on_entries import forge
from tests.services.audit.sealed import NOW
from tests.services.audit.tampering import Hit, Scene, attack, hit, last, middle, put, read


def on_checkpoints(field: str, value: Any) -> None:
    """Enlist the attack that changes a field of a checkpoint."""

    async def work(scene: Scene) -> list[Hit]:
        checkpoint = await middle(scene, CHECKPOINTS)
        await put(scene, CHECKPOINTS, checkpoint | {field: value(checkpoint[field]) if callable(value) else value})
        return [hit(f"checkpoint {checkpoint['_id']}", "log-altered", "truncated", "untrusted")]

    work.__name__ = f"change_the_{field}_of_a_checkpoint"
    attack()(work)


on_checkpoints("size", lambda size: size - 1)
on_checkpoints("root", "ab" * 32)
on_checkpoints("previous", "ab" * 32)
on_checkpoints("at", "2026-11-22T04:31:00.000000+00:00")
on_checkpoints("heads", [])
on_checkpoints("ended", lambda ended: [*ended, "never/1"])
on_checkpoints("adopted", "")
on_checkpoints("key", "0123456789abcdef")
on_checkpoints("signature", lambda signature: signature[::-1])


@attack()
async def write_a_signature_in_capitals(scene: Scene) -> list[Hit]:
    checkpoint = await last(scene, CHECKPOINTS)
    await put(scene, CHECKPOINTS, checkpoint | {"signature": checkpoint["signature"].upper()})
    return [hit(f"checkpoint {checkpoint['_id']}", "log-altered")]


@attack()
async def make_a_checkpoint_unreadable(scene: Scene) -> list[Hit]:
    checkpoint = await middle(scene, CHECKPOINTS)
    odd: Document = scene.chance.choice([{"size": "x"}, {"heads": 5}, {"heads": [{}]}, {"extra": 1}, {"at": None}])
    await put(scene, CHECKPOINTS, checkpoint | odd)
    return [hit(f"checkpoint {checkpoint['_id']}", "log-altered")]


@attack()
async def make_the_last_checkpoint_unreadable(scene: Scene) -> list[Hit]:
    checkpoint = await last(scene, CHECKPOINTS)
    await put(scene, CHECKPOINTS, checkpoint | {"size": str(checkpoint["size"])})
    return [hit(f"checkpoint {checkpoint['_id']}", "log-altered")]


async def drop_checkpoint(scene: Scene, number: int) -> None:
    await scene.database[CHECKPOINTS].delete_one({"_id": number})


@attack()
async def drop_the_first_checkpoint(scene: Scene) -> list[Hit]:
    await drop_checkpoint(scene, 0)
    return [hit("checkpoint 1", "log-altered")]


@attack()
async def drop_a_checkpoint_in_the_middle(scene: Scene) -> list[Hit]:
    number = (await middle(scene, CHECKPOINTS))["_id"]
    await drop_checkpoint(scene, number)
    return [hit(f"checkpoint {number + 1}", "log-altered")]


@attack()
async def drop_the_last_checkpoint(scene: Scene) -> list[Hit]:
    checkpoint = await last(scene, CHECKPOINTS)
    await drop_checkpoint(scene, checkpoint["_id"])
    before = await last(scene, CHECKPOINTS)
    return [hit(f"leaves {before['size'] // TILE}", "log-altered")]


@attack()
async def drop_all_checkpoints(scene: Scene) -> list[Hit]:
    await scene.database[CHECKPOINTS].delete_many({})
    return [hit("leaves 0", "log-altered")]


@attack()
async def add_a_checkpoint_of_a_log_to_come(scene: Scene) -> list[Hit]:
    newest = Checkpoint.model_validate(await last(scene, CHECKPOINTS))
    ahead = {"number": newest.number + 1, "size": newest.size + 100, "previous": newest.hash}
    made = newest.model_copy(update=ahead).signed(Signer.of(None))
    await scene.database[CHECKPOINTS].insert_one(made.stored())
    return [hit(f"checkpoint {made.number}", "untrusted")]


@attack()
async def add_a_checkpoint_before_the_first(scene: Scene) -> list[Hit]:
    await scene.database[CHECKPOINTS].insert_one(await read(scene, CHECKPOINTS, 0) | {"_id": -1})
    return [hit("checkpoint -1", "log-altered")]


@attack()
async def add_a_checkpoint_with_a_name_that_is_none(scene: Scene) -> list[Hit]:
    await scene.database[CHECKPOINTS].insert_one(await read(scene, CHECKPOINTS, 0) | {"_id": "x"})
    return [hit("checkpoint x", "log-altered")]


@attack(trusted=True)
async def sign_a_checkpoint_with_another_key(scene: Scene) -> list[Hit]:
    signer = Signer.of(None)
    await scene.database[KEYS].insert_one({"_id": signer.key, "public": signer.public})
    newest = Checkpoint.model_validate(await last(scene, CHECKPOINTS))
    await put(scene, CHECKPOINTS, newest.signed(signer).stored())
    return [hit(f"checkpoint {newest.number}", "untrusted")]


async def make_the_log_anew(scene: Scene, trail: Trail) -> None:
    """A consistent log of what is there now, whose streams are as they were."""
    for name in (LEAVES, NODES, CHECKPOINTS):
        await scene.database[name].delete_many({})
    await scene.database[STREAMS].update_many({}, {"$set": {"sealed": 0, "head": GENESIS, "ended": False}})
    await seal(scene.database, trail, lambda: NOW, ended=scene.trail.ended, everything=True)


async def forget(scene: Scene) -> None:
    """Take the oldest ended stream out of the trail, as if it never was."""
    stream = scene.trail.ended[0]
    await scene.database[AUDIT_LOGS].delete_many({"chain.stream": stream})
    await scene.database[STREAMS].delete_one({"_id": stream})


@attack(trusted=True)
async def forget_a_stream_and_make_the_log_anew_with_another_key(scene: Scene) -> list[Hit]:
    await forget(scene)
    await make_the_log_anew(scene, Trail())
    return [hit("checkpoint 0", "untrusted")]


@attack(copies=True)
async def forget_a_stream_and_make_the_log_anew_where_no_key_is_known(scene: Scene) -> list[Hit]:
    await forget(scene)
    await make_the_log_anew(scene, Trail())
    return [hit("checkpoint 0", "log-altered")]


@attack(trusted=True, copies=True)
async def forget_a_stream_and_make_the_log_anew_with_the_stolen_key(scene: Scene) -> list[Hit]:
    await forget(scene)
    await make_the_log_anew(scene, Trail(_signer=scene.trail.keeper.signer))
    return [hit("checkpoint 0", "log-altered")]


async def go_back(scene: Scene, number: int) -> None:
    """Everything as it was when that checkpoint was the newest, old entries apart."""
    database = scene.database
    known = [Checkpoint.model_validate(await read(scene, CHECKPOINTS, each)) for each in range(number + 1)]
    heads = {head.stream: head for checkpoint in known for head in checkpoint.heads}
    size = known[-1].size
    tile = await read(scene, LEAVES, size // TILE)
    await put(
        scene, LEAVES, tile | {"entries": tile["entries"][: size % TILE], "hashes": tile["hashes"][: size % TILE * 32]}
    )
    gone = await database[LEAVES].find({"_id": {"$gt": size // TILE}}).to_list()
    await database[LEAVES].delete_many({"_id": {"$gt": size // TILE}})
    await database[CHECKPOINTS].delete_many({"_id": {"$gt": number}})
    await database[STREAMS].delete_many({"_id": {"$nin": list(heads)}})
    await database[AUDIT_LOGS].delete_many({"_id": {"$in": tile["entries"][size % TILE :]}})
    for later in gone:
        await database[AUDIT_LOGS].delete_many({"_id": {"$in": later["entries"]}})
    await database[AUDIT_LOGS].delete_many({"chain.stream": {"$exists": True, "$nin": list(heads)}})
    for stream, head in heads.items():
        await database[AUDIT_LOGS].delete_many({"chain.stream": stream, "chain.seq": {"$gt": head.seq}})
        await database[STREAMS].update_one({"_id": stream}, {"$set": {"sealed": head.seq, "head": head.hash}})
    ends = [name for checkpoint in known for name in checkpoint.ended]
    await database[STREAMS].update_many({"_id": {"$nin": ends}}, {"$set": {"ended": False}})
    if size // TILE == 0:
        await database[NODES].delete_many({})
    else:
        node = await read(scene, NODES, "1/0000000000")
        await put(scene, NODES, node | {"hashes": node["hashes"][: size // TILE * 32]})


async def kept_number(scene: Scene) -> int:
    """A checkpoint to go back to."""
    return scene.chance.randrange((await last(scene, CHECKPOINTS))["_id"] - 1) + 1


@attack(trusted=True, copies=True)
async def take_everything_back_to_an_earlier_checkpoint(scene: Scene) -> list[Hit]:
    number = await kept_number(scene)
    newest = (await last(scene, CHECKPOINTS))["_id"]
    await go_back(scene, number)
    return [hit(f"checkpoint {each}", "truncated") for each in range(number + 1, newest + 1)]


@attack(trusted=True, copies=True)
async def take_everything_back_and_let_it_be_sealed_again(scene: Scene) -> list[Hit]:
    number = await kept_number(scene)
    await go_back(scene, number)
    stream = {"_id": "new/1", "opened_at": "2026", "sealed": 0, "head": GENESIS, "ended": False}
    await scene.database[STREAMS].insert_one(stream)
    await forge(scene, "new/1", 1, GENESIS)
    await seal(scene.database, scene.trail.keeper, lambda: NOW, ended=["new/1"])
    return [hit(f"checkpoint {number + 1}", "log-altered")]


async def alter_stream(scene: Scene, stream: str, **values: Any) -> list[Hit]:
    """Change what the list says of a stream."""
    await scene.database[STREAMS].update_one({"_id": stream}, {"$set": values})
    return [hit(f"stream {stream}", "log-altered")]


@attack()
async def say_that_less_of_a_stream_is_sealed(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.stream(), sealed=2)


@attack()
async def say_that_more_of_a_stream_is_sealed(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.trail.open, sealed=Int64(len(scene.trail.streams[scene.trail.open])))


@attack()
async def make_the_end_of_a_stream_a_text(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.trail.open, sealed="x", opened_at=5)


@attack()
async def change_the_head_of_a_stream(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.stream(), head="ab" * 32)


@attack()
async def open_an_ended_stream_again(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.ended(), ended=False)


@attack()
async def end_an_open_stream(scene: Scene) -> list[Hit]:
    return await alter_stream(scene, scene.trail.open, ended=True)


@attack()
async def drop_an_ended_stream_from_the_list(scene: Scene) -> list[Hit]:
    stream = scene.ended()
    await scene.database[STREAMS].delete_one({"_id": stream})
    return [hit(f"stream {stream}", "log-altered")]


@attack(leaves=True)
async def drop_the_open_stream_from_the_list(scene: Scene) -> list[Hit]:
    stream = scene.trail.open
    await scene.database[STREAMS].delete_one({"_id": stream})
    return [hit(f"stream {stream}", "log-altered")]


@attack()
async def add_a_stream_that_seems_to_be_sealed(scene: Scene) -> list[Hit]:
    await scene.database[STREAMS].insert_one({"_id": "never/1", "sealed": 3, "head": "ab" * 32, "ended": True})
    return [hit("stream never/1", "log-altered")]


@attack()
async def add_a_stream_with_a_name_that_is_none(scene: Scene) -> list[Hit]:
    await scene.database[STREAMS].insert_one({"_id": {"a": 1}, "ended": False})
    return [hit("stream {'a': 1}", "log-altered")]


@attack()
async def put_another_key_in_place_of_the_key(scene: Scene) -> list[Hit]:
    key = scene.trail.keeper.signer.key
    await put(scene, KEYS, {"_id": key, "public": Signer.of(None).public})
    return [hit(f"key {key}", "log-altered")]


@attack()
async def make_the_key_a_number(scene: Scene) -> list[Hit]:
    key = scene.trail.keeper.signer.key
    await put(scene, KEYS, {"_id": key, "public": 5})
    return [hit(f"key {key}", "log-altered")]


@attack(mended=True)
async def drop_the_key(scene: Scene) -> list[Hit]:
    await scene.database[KEYS].delete_many({})
    return [hit("checkpoint 0", "untrusted")]
