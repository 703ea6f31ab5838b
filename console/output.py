"""What a command prints: tables and lines for people, or one JSON document; refusals in either form."""

from __future__ import annotations

import base64
import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from bson import Decimal128

from services.text import visible

if TYPE_CHECKING:
    from rich.console import RenderableType

CELL_LIMIT = 200


@dataclass(frozen=True)
class Table:
    """Rows under headings; `right` names the headings of columns of figures."""

    headings: Sequence[str]
    rows: Sequence[Sequence[object]]
    right: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Pairs:
    """A record: a name and its value on each line."""

    pairs: Sequence[tuple[str, object]]


@dataclass(frozen=True)
class Line:
    """A sentence."""

    text: str


Block: TypeAlias = Table | Pairs | Line


@dataclass(frozen=True)
class Answer:
    """What a command found or did: the JSON document, the same for people, and the exit status."""

    document: Mapping[str, Any]
    blocks: Sequence[Block] = ()
    exit_status: int = 0


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output; a reader who has gone away is no error."""
    try:
        if as_json:
            print(to_json(answer.document))
        else:
            _print_blocks(answer.blocks)
        sys.stdout.flush()
    except BrokenPipeError:
        # What is still buffered goes nowhere, or Python would complain at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(code: str, message: str, *, as_json: bool) -> None:
    """Tell a refusal: the sentence on standard error, and with JSON its code on standard output."""
    print("\n".join(visible(line) for line in message.split("\n")), file=sys.stderr)
    if as_json:
        show(Answer({"error": {"code": code, "message": message}}), as_json=True)


def to_json(document: Mapping[str, Any]) -> str:
    """Strict JSON in ASCII: no NaN, and no character that a terminal could act on."""
    return json.dumps(plain(document), allow_nan=False)


def plain(value: Any) -> Any:
    """Any value as JSON has it: times ISO 8601 in UTC, NaN null, ids and exact decimals as strings."""
    if value is None or isinstance(value, (bool, str)):
        return value
    if isinstance(value, Enum):
        return plain(value.value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, datetime):
        return (value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)).isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, (Decimal, Decimal128)):
        number = value.to_decimal() if isinstance(value, Decimal128) else value
        return str(number) if number.is_finite() else None
    if isinstance(value, bytes):
        return base64.b64encode(value).decode("ascii")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {str(name): plain(inner) for name, inner in value.items()}
    if isinstance(value, Iterable):
        return [plain(inner) for inner in value]
    return str(value)


class Progress(Protocol):
    """Told what is being done, how much of it is done, and how much there is (0: not known)."""

    def __call__(self, label: str, done: int, total: int) -> None:
        """Take a step."""


@contextmanager
def progress_bar() -> Iterator[Progress]:
    """A progress bar on standard error while it is a terminal; else nothing is shown."""
    if not sys.stderr.isatty():
        yield lambda label, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Bars(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def step(label: str, done: int, total: int) -> None:
            if label not in tasks:
                tasks[label] = bars.add_task(visible(label), total=total or None)
            bars.update(tasks[label], completed=done, total=total or None)

        yield step


def _print_blocks(blocks: Sequence[Block]) -> None:
    from rich.console import Console  # the JSON form does without

    # In a pipe a row stays one line, however long; on a terminal it folds.
    width = None if sys.stdout.isatty() else 100_000
    console = Console(markup=False, highlight=False, emoji=False, width=width)
    for block in blocks:
        console.print(_rendered(block), soft_wrap=isinstance(block, Line))


def _rendered(block: Block) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    if isinstance(block, Line):
        return Text(visible(block.text))
    if isinstance(block, Pairs):
        grid = Grid.grid(padding=(0, 2))
        grid.add_column(no_wrap=True)
        grid.add_column(overflow="fold")
        for name, value in block.pairs:
            grid.add_row(Text(visible(name)), Text(visible(value)))
        return grid
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in block.headings:
        justify = "right" if heading in block.right else "left"
        grid.add_column(Text(visible(heading), style="bold"), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in block.rows:
        grid.add_row(*(Text(visible(cell, limit=CELL_LIMIT)) for cell in row))
    return grid
