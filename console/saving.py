"""What commands share that write their answer to a file: the options, the file they name, and the receipt."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from console.output import Answer, Line
from services.errors import BadRequest

if TYPE_CHECKING:
    from services.exports.files import Format, Written

To = Annotated[str | None, typer.Option("--to", metavar="FILE", help="Write it to a file instead.")]
FormatName = Annotated[
    str | None, typer.Option("--format", metavar="F", help="md, csv, xlsx or json; else by the file's ending.")
]
Force = Annotated[bool, typer.Option("--force", help="Replace a file that is there.")]


def target(to: str | None, format_name: str | None, force: bool) -> tuple[Path, Format] | None:
    """The file and its format, None where the answer goes to the terminal.

    Raises BadRequest for a file or a format that is none, and for options about a file that is not named.
    """
    from services.exports.files import format_of, path_of

    if to is None and (format_name or force):
        raise BadRequest("no-file", "--format and --force are about a file: name it with --to FILE.")
    if to is None:
        return None
    path = path_of(to)
    return path, format_of(path, format_name)


def receipt(written: Written, **about: str) -> Answer:
    """What was written where."""
    document = {**about, "file": str(written.path), "format": written.format, "bytes": written.size}
    return Answer(document, [Line(f"Written to {written.path}: {written.size:,} bytes, readable by you alone.")])
