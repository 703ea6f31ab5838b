"""Exports in files: whole or not at all, only for their owner, and never over another file unasked."""

from __future__ import annotations

import contextlib
import json
import os
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import Any, BinaryIO, Literal, TypeAlias, get_args

from services.errors import BadRequest, Refused
from services.exports.csv import write_csv
from services.exports.markdown import write_markdown
from services.exports.tables import Export
from services.exports.xlsx import write_xlsx

Format: TypeAlias = Literal["md", "csv", "xlsx", "json"]
FORMATS: tuple[Format, ...] = get_args(Format)


@dataclass(frozen=True, slots=True)
class Written:
    """A file that was written."""

    path: Path
    format: Format
    size: int
    """In bytes."""


def path_of(typed: str) -> Path:
    """A path that a person typed; `~` is their home.

    Raises BadRequest for what is none.
    """
    try:
        if typed.strip() and "\0" not in typed:
            return Path(typed.strip()).expanduser()
    except RuntimeError:  # the home of nobody
        pass
    raise BadRequest("no-file", f"{typed!r} names no file.")


def format_of(path: Path, named: str | None = None) -> Format:
    """The format that was named, else the one of the file's ending.

    Raises BadRequest for one that is none of the four.
    """
    word = (path.suffix.lstrip(".") if named is None else named).strip().lower()
    for known in FORMATS:
        if word == known or (known == "md" and word == "markdown"):
            return known
    asked = f"The ending of {path.name!r}" if named is None else repr(named)
    raise BadRequest("unknown-format", f"{asked} names no format; the formats are {', '.join(FORMATS)}.")


def write_export(
    path: Path, format: Format, export: Export, document: Mapping[str, Any], *, replace: bool = False
) -> Written:
    """Write the export, as JSON the document, to a file of mode 0600.

    Raises BadRequest where the folder is missing, Refused where the file is there and `replace` is False, and where
    the system does not let the file be written.
    """

    def write(stream: BinaryIO) -> None:
        if format == "xlsx":
            write_xlsx(export, stream)
            return
        words = TextIOWrapper(stream, encoding="utf-8", newline="" if format == "csv" else "\n")
        if format == "json":
            # ASCII: the raw values, and no character that a terminal could act on.
            json.dump(document, words, allow_nan=False, indent=1)
            words.write("\n")
        else:
            (write_csv if format == "csv" else write_markdown)(export, words)
        words.detach()

    return Written(path, format, write_file(path, write, replace=replace))


def write_file(path: Path, write: Callable[[BinaryIO], None], *, replace: bool = False) -> int:
    """Write a file beside the path and put it in its place when it is whole; its size in bytes.

    Raises as `write_export`.
    """
    beside = None
    require_place(path, replace=replace)
    try:
        handle, name = tempfile.mkstemp(dir=path.parent, prefix=".delivery-console-", suffix=".part")
        beside = Path(name)
        with os.fdopen(handle, "wb") as stream:
            write(stream)
            stream.flush()
            os.fsync(stream.fileno())
        size = beside.stat().st_size
        _put(beside, path, replace=replace)
    except FileExistsError:
        raise _is_there(path) from None
    except OSError as error:
        raise _not_written(path, error) from error
    finally:
        if beside is not None:
            with contextlib.suppress(OSError):
                beside.unlink(missing_ok=True)
    return size


def require_place(path: Path, *, replace: bool = False) -> None:
    """Raise as `write_export` does where a file cannot be put there, before anything is made for it."""
    try:
        if path.is_dir():
            raise BadRequest("is-a-folder", f"{path} is a folder; name a file in it.")
        if not path.parent.is_dir():
            raise BadRequest("no-folder", f"There is no folder {path.parent}; make it first, or write elsewhere.")
        if path.exists() and not replace:
            raise _is_there(path)
    except OSError as error:  # a name that is too long
        raise _not_written(path, error) from error


def _not_written(path: Path, error: OSError) -> Refused:
    return Refused("not-written", f"{path} cannot be written: {error.strerror or error}.")


def _is_there(path: Path) -> Refused:
    return Refused("file-exists", f"{path} is there already. Write elsewhere, or replace it (--force).")


def _put(beside: Path, path: Path, *, replace: bool) -> None:
    if replace:
        beside.replace(path)
        return
    try:
        os.link(beside, path)  # unlike a renaming, it fails where somebody made the file meanwhile
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        if path.exists():
            raise FileExistsError from None
        beside.replace(path)
