"""What a command prints: tables and lines for people, or one JSON document; refusals in either form."""

from __future__ import annotations

import base64
import contextlib
import dataclasses
import json
import math
import os
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias

from bson import Decimal128

from services.errors import ConsoleError
from services.text import visible

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.measure import Measurement
    from rich.text import Text

CELL_LIMIT = 200
BAR_LABEL = 22


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


@dataclass(frozen=True)
class BarRow:
    """A label, what is done of a whole as a bar beside the largest whole, and figures behind it."""

    label: str
    done: int
    whole: int
    figures: Sequence[object]


@dataclass(frozen=True)
class Bars:
    """A chart: a bar on each row, solid for what is done of it and light for the rest."""

    headings: Sequence[str]
    """Of the labels, then of the figures."""
    rows: Sequence[BarRow]


Block: TypeAlias = Table | Pairs | Line | Bars


@dataclass(frozen=True)
class Answer:
    """What a command found or did: the JSON document, the same for people, and the exit status."""

    document: Mapping[str, Any]
    blocks: Sequence[Block] = ()
    exit_status: int = 0


def show(answer: Answer, *, as_json: bool) -> None:
    """Print an answer on standard output; a reader who has gone away is no error.

    Raises Refused where it cannot be written: what the command was to do is done.
    """
    if sys.stdout is None:
        raise _unwritten("it is closed")
    try:
        if as_json:
            print(to_json(answer.document))
        else:
            _print_blocks(answer.blocks)
        sys.stdout.flush()
    except BrokenPipeError:
        reader_gone()
    except OSError as error:
        reader_gone()
        raise _unwritten(error.strerror or str(error)) from error


def _unwritten(why: str) -> ConsoleError:
    return ConsoleError(
        "answer-not-written",
        f"The command did its work, and its answer could not be written to standard output: {why}. Do not repeat what "
        "writes; look at what is there now.",
    )


def reader_gone() -> None:
    """What is still buffered for a reader who has gone away goes nowhere, or Python would complain at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def show_error(code: str, message: str, *, as_json: bool) -> None:
    """Tell a refusal: the sentence on standard error, and with JSON its code on standard output."""
    with contextlib.suppress(OSError, AttributeError):  # who cannot be told has the exit status
        sys.stderr.write("".join(f"{visible(line)}\n" for line in message.split("\n")))
        sys.stderr.flush()
    if as_json:
        with contextlib.suppress(ConsoleError):
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


@contextlib.contextmanager
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
    if isinstance(block, Bars):
        return _chart(block)
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    for heading in block.headings:
        justify = "right" if heading in block.right else "left"
        grid.add_column(Text(visible(heading), style="bold"), justify=justify, overflow="fold")  # type: ignore[arg-type]
    for row in block.rows:
        grid.add_row(*(Text(visible(cell, limit=CELL_LIMIT)) for cell in row))
    return grid


def _chart(bars: Bars) -> RenderableType:
    from rich.table import Table as Grid
    from rich.text import Text

    label, *figures = bars.headings
    grid = Grid(box=None, pad_edge=False, padding=(0, 2, 0, 0))
    grid.add_column(Text(visible(label), style="bold"), no_wrap=True, overflow="ellipsis", max_width=BAR_LABEL)
    grid.add_column()
    for figure in figures:
        grid.add_column(Text(visible(figure), style="bold"), justify="right", no_wrap=True)
    largest = max((row.whole for row in bars.rows), default=0) or 1
    for row in bars.rows:
        cells = [Text(visible(figure)) for figure in row.figures]
        grid.add_row(Text(visible(row.label)), _Bar(row.done / largest, row.whole / largest), *cells)
    return grid


class _Bar:
    """As wide as its column; both shares are of the column's width."""

    def __init__(self, done: float, whole: float) -> None:
        self._done, self._whole = done, whole

    def __rich_measure__(self, console: Console, options: ConsoleOptions) -> Measurement:
        from rich.measure import Measurement

        return Measurement(min(8, options.max_width), min(40, options.max_width))

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Text]:
        from rich.text import Text

        width = min(40, options.max_width)
        # Something above nothing shows, and so does something that is left.
        whole = max(round(self._whole * width), self._whole > 0)
        done = max(round(self._done * width), self._done > 0)
        done = min(done, whole - 1) if self._done < self._whole and whole > 1 else min(done, whole)
        yield Text("█" * done + "░" * (whole - done), no_wrap=True)
