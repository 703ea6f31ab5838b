"""What an entry carries of its chain, read from its stored bytes."""

import re
import struct

import bson
import pytest
from bson.int64 import Int64
from hypothesis import given
from hypothesis import strategies as st

from services.audit import chain
from services.audit.chain import GENESIS, Stream, documents_in, key_of, read_key, read_link, write_key
from services.database import TOLERANT

names = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=40)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats() | st.text(max_size=20) | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
entries = st.dictionaries(names.filter(lambda name: name not in ("_id", "chain")), values, max_size=5)


def linked(stream: Stream, entry: dict[str, object]) -> bytes:
    return bytes(stream.link(entry).raw)


@given(names, st.lists(entries, min_size=1, max_size=4))
def test_linked_entries_read_back_as_they_were_linked(name: str, made: list[dict[str, object]]) -> None:
    stream, prev = Stream(name), GENESIS
    for seq, fields in enumerate(made, 1):
        raw = linked(stream, {"_id": f"e-{seq}", **fields})
        link = read_link(raw)
        assert link is not None
        assert (link.stream, link.seq, link.prev, link.intact) == (name, seq, prev, True)
        assert bson.decode(raw, TOLERANT)["chain"]["hash"] == link.hash
        assert key_of(raw) == f"e-{seq}"
        prev = link.hash


@given(entries, st.data())
def test_no_byte_can_change(fields: dict[str, object], data: st.DataObject) -> None:
    raw = linked(Stream("s/1"), {"_id": "e", **fields})
    at = data.draw(st.integers(0, len(raw) - 1))
    changed = raw[:at] + bytes([raw[at] ^ data.draw(st.integers(1, 255))]) + raw[at + 1 :]
    link = read_link(changed)
    assert link is None or not link.intact


@given(st.binary(max_size=500))
def test_foreign_bytes_have_no_link(foreign: bytes) -> None:
    assert read_link(foreign) is None


@pytest.mark.parametrize("field", ["stream", "seq", "prev", "hash"])
@pytest.mark.parametrize("value", [None, 5, 5.0, "x", [], {}, "A" * 64])
def test_a_chain_in_another_form_is_none(field: str, value: object) -> None:
    whole = {"stream": "s/1", "seq": Int64(1), "prev": GENESIS, "hash": GENESIS}
    link = read_link(bson.encode({"_id": "e", "chain": {**whole, field: value}}))
    assert link is None or (field == "stream" and link.stream == value)


def test_a_chain_that_is_not_the_last_field_or_lies_deeper_is_none() -> None:
    document = bson.decode(linked(Stream("s/1"), {"_id": "e"}))
    assert read_link(bson.encode({**document, "more": 1})) is None
    assert read_link(bson.encode({"_id": "e", "in": document})) is None
    assert read_link(bson.encode({"_id": "e", "chain": dict(reversed(document["chain"].items()))})) is None


ids = st.text() | st.integers(-(2**31), 2**31 - 1) | st.floats(allow_nan=False) | st.uuids().map(bson.Binary.from_uuid)


@given(ids | st.none() | st.binary(min_size=12, max_size=12).map(bson.ObjectId) | st.dictionaries(names, st.text()))
def test_ids_of_any_type_survive_as_text(key: object) -> None:
    raw = bson.encode({"_id": key})
    assert write_key(key_of(raw)) == write_key(key)
    stored = bson.decode(bson.encode({"_id": read_key(write_key(key))}))
    assert stored == bson.decode(raw)


def test_the_id_of_broken_text_is_read_all_the_same() -> None:
    raw = bson.encode({"_id": "aXb"}).replace(b"aXb", b"a\xffb")
    assert key_of(raw) == "a\N{REPLACEMENT CHARACTER}b"
    assert key_of(bson.encode({"_id": 2**40})) == 2**40


def test_a_batch_is_taken_apart_into_its_documents() -> None:
    documents = [bson.encode({"_id": number, "text": "x" * number}) for number in range(50)]
    assert list(documents_in(b"".join(documents))) == documents
    assert [struct.unpack("<i", document[:4])[0] for document in documents] == [len(each) for each in documents]


def test_what_did_not_land_leaves_no_trace_in_the_chain() -> None:
    stream = Stream("s")
    stream.rewind()
    stream.link({"_id": "lost"})
    stream.failed()  # before it was handed over: it cannot have landed
    stream.rewind()
    link = read_link(linked(stream, {"_id": "first"}))
    assert link
    assert (link.stream, link.seq, link.prev) == ("s", 1, GENESIS)


def test_an_unknown_end_begins_another_stream_and_leaves_the_old_one_open() -> None:
    stream = Stream("s")
    stream.rewind()
    stream.link({"_id": "first"})
    stream.handed_over()
    stream.landed()
    assert list(stream.written) == ["s"]
    stream.rewind()
    stream.link({"_id": "second"})
    stream.handed_over()
    stream.failed()
    assert (stream.id, stream.written, stream.is_new) == ("s~1", {}, True)
    link = read_link(linked(stream, {"_id": "third"}))
    assert link
    assert (link.stream, link.seq, link.prev) == ("s~1", 1, GENESIS)


def test_a_transaction_without_a_change_changes_nothing() -> None:
    stream = Stream("s")
    stream.rewind()
    stream.handed_over()
    stream.failed()
    assert (stream.id, stream.written) == ("s", {})


def test_a_long_life_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = Stream("s")
    monkeypatch.setattr(chain, "LONGEST_LIFE", -1.0)
    stream.rewind()
    assert re.fullmatch(r"s~1", stream.id)
