"""Files: whole or not at all, for their owner only, never over another one unasked."""

import json
import os
import stat
from pathlib import Path
from typing import BinaryIO

import pytest

from services.errors import BadRequest, Refused
from services.exports.files import format_of, path_of, write_export, write_file
from services.exports.tables import Export


def hello(stream: BinaryIO) -> None:
    stream.write(b"hello")


def test_a_file_is_its_owners_alone_and_nothing_stays_beside_it(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    assert write_file(file, hello) == 5
    assert file.read_bytes() == b"hello"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [file]


def test_a_file_that_is_there_is_replaced_only_when_told_to(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("mine")
    with pytest.raises(Refused) as refused:
        write_file(file, hello)
    assert (refused.value.code, file.read_text()) == ("file-exists", "mine")
    write_file(file, hello, replace=True)
    assert file.read_text() == "hello"


def test_a_file_that_somebody_makes_meanwhile_is_kept(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"

    def meanwhile(stream: BinaryIO) -> None:
        stream.write(b"hello")
        file.write_text("theirs")

    with pytest.raises(Refused, match="there already"):
        write_file(file, meanwhile)
    assert file.read_text() == "theirs"
    assert list(tmp_path.iterdir()) == [file]


def test_a_writer_that_fails_leaves_nothing_and_keeps_the_old_file(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("old")

    def full(stream: BinaryIO) -> None:
        stream.write(b"half")
        raise OSError(28, os.strerror(28))

    with pytest.raises(Refused, match="No space left on device"):
        write_file(file, full, replace=True)
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


@pytest.mark.parametrize(
    ("name", "code"),
    [("none/a.csv", "no-folder"), ("there", "is-a-folder"), ("x" * 300, "not-written"), ("file/a.csv", "no-folder")],
)
def test_a_place_that_cannot_be_written_is_told(tmp_path: Path, name: str, code: str) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "file").write_text("")
    with pytest.raises((Refused, BadRequest)) as refused:
        write_file(tmp_path / name, hello)
    assert refused.value.code == code


def test_without_permission_it_says_so() -> None:
    with pytest.raises(Refused) as refused:
        write_file(Path("/proc/a.csv"), hello)
    assert refused.value.code == "not-written"


@pytest.mark.parametrize(
    ("name", "named", "format"),
    [("a.md", None, "md"), ("a.MARKDOWN", None, "md"), ("a.b.CSV", None, "csv"), ("a", "xlsx", "xlsx"),
     ("a.csv", "json", "json")],
)  # fmt: skip
def test_the_ending_names_the_format_unless_one_is_named(name: str, named: str | None, format: str) -> None:
    assert format_of(Path(name), named) == format


@pytest.mark.parametrize(("name", "named"), [("a", None), ("a.pdf", None), ("a.csv", "pdf"), ("a.csv", "")])
def test_another_format_is_refused(name: str, named: str | None) -> None:
    with pytest.raises(BadRequest, match="md, csv, xlsx, json"):
        format_of(Path(name), named)


@pytest.mark.parametrize("typed", ["", "  ", "a\0b", "~nobody-of-that-name/a.csv"])
def test_what_is_no_path_is_refused(typed: str) -> None:
    with pytest.raises(BadRequest):
        path_of(typed)


def test_json_keeps_the_raw_values_in_ascii(tmp_path: Path) -> None:
    document = {"name": "\x1b[31m=1 లక్ష్మీ", "amount_paise": 10**15}
    written = write_export(tmp_path / "a.json", "json", Export("", (), ()), document)
    raw = (tmp_path / "a.json").read_bytes()
    assert (json.loads(raw), written.size) == (document, len(raw))
    assert raw.isascii()
    assert b"\x1b" not in raw
