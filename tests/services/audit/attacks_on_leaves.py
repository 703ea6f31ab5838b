"""What somebody may do to the leaves of the log, and to the tiles above them."""

from typing import Any

from services.audit.chain import GENESIS, read_hash
from services.audit.log import CHECKPOINTS, LEAVES, NODES
from services.audit.tree import TILE
from services.changes.changeset import AUDIT_LOGS
from services.database import Document
from tests.services.audit.attacks_on_entries import forge
from tests.services.audit.tampering import Hit, Scene, attack, hit, last, put, read


async def two_leaves(scene: Scene) -> tuple[Document, int, int]:
    """A full tile and two places in it."""
    tile = await read(scene, LEAVES, scene.chance.randrange(scene.trail.size // TILE))
    first, second = scene.chance.sample(range(TILE), 2)
    return tile, first, second


def swapped(values: Any, first: int, second: int, width: int = 1) -> Any:
    """The list or packed bytes with two places exchanged."""
    parts = [values[at : at + width] for at in range(0, len(values), width)]
    parts[first], parts[second] = parts[second], parts[first]
    return b"".join(parts) if isinstance(values, bytes) else [part[0] for part in parts]


@attack()
async def swap_the_ids_of_two_leaves(scene: Scene) -> list[Hit]:
    tile, first, second = await two_leaves(scene)
    hits = [hit(tile["entries"][at], "log-altered") for at in (first, second)]
    await put(scene, LEAVES, tile | {"entries": swapped(tile["entries"], first, second)})
    return hits


@attack()
async def swap_the_hashes_of_two_leaves(scene: Scene) -> list[Hit]:
    tile, first, second = await two_leaves(scene)
    await put(scene, LEAVES, tile | {"hashes": swapped(tile["hashes"], first, second, 32)})
    return [hit(tile["entries"][at], "log-altered") for at in (first, second)]


@attack()
async def swap_two_leaves_of_a_stream(scene: Scene) -> list[Hit]:
    entries = scene.sealed_part(scene.stream())
    at = scene.chance.randrange(1, len(entries) - 2)
    places = []
    for key in entries[at : at + 2]:
        tile = await scene.database[LEAVES].find_one({"entries": key})
        assert tile
        places.append((tile, tile["entries"].index(key)))
    (tile, first), (other, second) = places
    if tile["_id"] != other["_id"]:
        return await swap_two_leaves_of_a_stream(scene)
    changed = {"entries": swapped(tile["entries"], first, second), "hashes": swapped(tile["hashes"], first, second, 32)}
    await put(scene, LEAVES, tile | changed)
    return [hit(entries[at], "reordered")]


@attack()
async def change_the_hash_of_a_leaf(scene: Scene) -> list[Hit]:
    tile, at, _ = await two_leaves(scene)
    await put(scene, LEAVES, tile | {"hashes": tile["hashes"][: at * 32] + b"x" * 32 + tile["hashes"][at * 32 + 32 :]})
    return [hit(tile["entries"][at], "log-altered")]


@attack()
async def change_the_id_of_a_leaf(scene: Scene) -> list[Hit]:
    tile, at, _ = await two_leaves(scene)
    key = tile["entries"][at]
    tile["entries"][at] = "nobody"
    await put(scene, LEAVES, tile)
    return [hit(key, "log-altered")]


@attack()
async def give_a_leaf_the_id_of_another(scene: Scene) -> list[Hit]:
    tile, at, other = await two_leaves(scene)
    key = tile["entries"][at]
    tile["entries"][at] = tile["entries"][other]
    await put(scene, LEAVES, tile)
    return [hit(key, "log-altered"), hit(tile["entries"][other], "log-altered", "forked")]


@attack(leaves=True)
async def remove_a_leaf(scene: Scene) -> list[Hit]:
    tile, at, _ = await two_leaves(scene)
    key = tile["entries"].pop(at)
    await put(scene, LEAVES, tile | {"hashes": tile["hashes"][: at * 32] + tile["hashes"][at * 32 + 32 :]})
    return [hit(key, "log-altered")]


@attack(leaves=True)
async def drop_a_tile(scene: Scene) -> list[Hit]:
    tile = await read(scene, LEAVES, scene.chance.randrange(scene.trail.size // TILE))
    await scene.database[LEAVES].delete_one({"_id": tile["_id"]})
    return [hit(f"leaves {tile['_id']}", "log-altered"), *(hit(key, "log-altered") for key in tile["entries"])]


@attack(leaves=True)
async def drop_the_last_tile(scene: Scene) -> list[Hit]:
    tile, checkpoint = await last(scene, LEAVES), await last(scene, CHECKPOINTS)
    await scene.database[LEAVES].delete_one({"_id": tile["_id"]})
    return [hit(f"checkpoint {checkpoint['_id']}", "truncated")]


@attack(leaves=True)
async def drop_all_tiles(scene: Scene) -> list[Hit]:
    await scene.database[LEAVES].delete_many({})
    return [hit("checkpoint 0", "truncated")]


@attack(leaves=True)
async def cut_leaves_off_the_end(scene: Scene) -> list[Hit]:
    tile, checkpoint = await last(scene, LEAVES), await last(scene, CHECKPOINTS)
    rest = scene.chance.randrange(1, len(tile["entries"]))
    await put(scene, LEAVES, tile | {"entries": tile["entries"][:rest], "hashes": tile["hashes"][: rest * 32]})
    return [hit(f"checkpoint {checkpoint['_id']}", "truncated")]


@attack(leaves=True)
async def cut_hashes_off_a_tile(scene: Scene) -> list[Hit]:
    tile, at, _ = await two_leaves(scene)
    await put(scene, LEAVES, tile | {"hashes": tile["hashes"][: at * 32 + 7]})
    return [hit(f"leaves {tile['_id']}", "log-altered")]


@attack(mended=True)
async def repeat_a_leaf_at_the_end(scene: Scene) -> list[Hit]:
    tile = await last(scene, LEAVES)
    entries, hashes = tile["entries"] + tile["entries"][-1:], tile["hashes"] + tile["hashes"][-32:]
    await put(scene, LEAVES, tile | {"entries": entries, "hashes": hashes})
    return [hit(f"leaves {tile['_id']}", "log-altered"), hit(entries[-1], "forked", "log-altered")]


@attack(mended=True)
async def add_a_forged_entry_with_a_leaf_of_its_own(scene: Scene) -> list[Hit]:
    tile = await last(scene, LEAVES)
    key = await forge(scene, "never/1", 1, GENESIS)
    own = read_hash((await read(scene, AUDIT_LOGS, key))["chain"]["hash"])
    await put(scene, LEAVES, tile | {"entries": [*tile["entries"], key], "hashes": tile["hashes"] + own})
    return [hit(f"leaves {tile['_id']}", "log-altered"), hit("stream never/1", "log-altered")]


async def add_tile(scene: Scene, number: Any) -> list[Hit]:
    """Add a tile with leaves of another."""
    tile = await read(scene, LEAVES, 0)
    await scene.database[LEAVES].insert_one(tile | {"_id": number})
    return [hit(f"leaves {number}", "log-altered")]


@attack(leaves=True)
async def add_a_tile_at_the_end(scene: Scene) -> list[Hit]:
    number = (await last(scene, LEAVES))["_id"] + 1
    await scene.database[LEAVES].insert_one({"_id": number, "entries": ["nobody"], "hashes": b"x" * 32})
    return [hit(f"leaves {number - 1}", "log-altered"), hit("nobody", "removed")]


@attack()
async def add_a_tile_before_the_first(scene: Scene) -> list[Hit]:
    return await add_tile(scene, -1)


@attack()
async def add_a_tile_with_a_name_that_is_none(scene: Scene) -> list[Hit]:
    return await add_tile(scene, scene.chance.choice(["x", 0.5, True, None]))


@attack(leaves=True)
async def make_the_hashes_a_text(scene: Scene) -> list[Hit]:
    tile, _, _ = await two_leaves(scene)
    await put(scene, LEAVES, tile | {"hashes": scene.chance.choice(["x", 5, None, ["a"], {}])})
    return [hit(f"leaves {tile['_id']}", "log-altered")]


@attack(leaves=True)
async def make_the_ids_a_text(scene: Scene) -> list[Hit]:
    tile, _, _ = await two_leaves(scene)
    await put(scene, LEAVES, tile | {"entries": scene.chance.choice(["x", 5, None, {"a": 1}])})
    return [hit(f"leaves {tile['_id']}", "log-altered")]


@attack()
async def change_a_node(scene: Scene) -> list[Hit]:
    node = await last(scene, NODES)
    await put(scene, NODES, node | {"hashes": b"x" * len(node["hashes"])})
    return [hit(f"nodes {node['_id']}", "log-altered")]


@attack()
async def make_a_node_a_number(scene: Scene) -> list[Hit]:
    node = await last(scene, NODES)
    await put(scene, NODES, node | {"hashes": 5})
    return [hit(f"nodes {node['_id']}", "log-altered")]


@attack()
async def drop_a_node(scene: Scene) -> list[Hit]:
    node = await last(scene, NODES)
    await scene.database[NODES].delete_one({"_id": node["_id"]})
    return [hit(f"nodes {node['_id']}", "log-altered")]


@attack()
async def add_a_node(scene: Scene) -> list[Hit]:
    await scene.database[NODES].insert_one({"_id": "1/0000000009", "hashes": b"x" * 32})
    return [hit("nodes", "log-altered")]
