"""What the audit trail comes to: by action, operator and table, by day, and by the hours of the week."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual import on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.message import Message
from textual.widget import Widget
from textual.widgets import Static

from screens.asking import Refusal
from screens.audit.filters import Words, in_words
from screens.context import Context
from screens.place import Place
from screens.tones import count, counted, text
from screens.widgets.table import Bar, Column, RecordTable, Row
from services.clock import format_moment

if TYPE_CHECKING:
    from services.audit.report import AuditReport

_WEEK = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = "·░▒▓█"
_PARTS = {"actions": "action", "users": "user", "tables": "table"}


@dataclass
class ReportRead(Message):
    """The report."""

    report: AuditReport


class HeatMap(Static):
    """Entries by weekday and hour in India; the darker the more."""

    def __init__(self) -> None:
        super().__init__(markup=False, id="heat")
        self.border_title = "When in the week (India)"
        self.explains = "Each weekday's 24 hours: · is none, and the fuller a cell the more entries."

    def show(self, hours: tuple[tuple[int, ...], ...]) -> None:
        """Draw them."""
        most = max(map(max, hours), default=0)
        lines = [Text("     " + "".join(f"{hour:<6}" for hour in range(0, 24, 3)), "muted")]
        for name, row in zip(_WEEK, hours, strict=True):
            cells = Text.assemble(*((_shade(number, most) * 2, "money" if number else "muted") for number in row))
            lines.append(Text.assemble((f"{name}  ", "muted"), cells, (f" {count(sum(row))}", "muted")))
        self.update(Text("\n").join(lines))


class AuditReportScreen(Place):
    """Lies over the audit screen; returns the words of a line that was chosen, to be listed there."""

    NAME = "audit"
    CSS_PATH = "report.tcss"
    ABOUT = (
        "What the entries come to that the audit screen's filters leave: added up on the server, exact at any size. "
        "Enter on an action, an operator, a table or a day lists its entries."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("r", "read", "Read again", tooltip="Add up anew."),
        Binding("t", "time", "Days", tooltip="To the days; Tab goes through all parts."),
        Binding("escape", "back", "Back", tooltip="From the days to the counts, from there to the audit screen."),
        Binding("slash", "search", "Search", show=False),
    ]

    def __init__(self, context: Context, words: Words) -> None:
        super().__init__(context.environment)
        self._words = words
        self.chosen: Words | None = None
        """What to list, once this screen is left."""
        self.context = context

    def compose_place(self) -> Iterable[Widget]:
        """The counts, and beside them the days and the week."""
        yield Static(Text.assemble(("Adding up … ", "muted"), in_words(self._words)), markup=False, id="head")
        with Horizontal(classes="columns"):
            with VerticalScroll(classes="list", can_focus=False):
                yield _table("actions", "Action")
                yield _table("users", "Operator")
                yield _table("tables", "Table")
            with Vertical(classes="detail"):
                yield _table("days", "Day")
                yield HeatMap()

    def search_target(self) -> Widget:
        """There is nothing to search: the counts."""
        return self.list_target()

    def list_target(self) -> RecordTable:
        """The actions."""
        return self.query_one("#actions", RecordTable)

    def opened(self) -> None:
        """Add up."""
        self.list_target().focus()
        self.action_read()

    def action_read(self) -> None:
        """Have the server add up."""
        if context := self.require_context():
            self.say_nothing()
            self.ask("report", partial(_read, context, self._words), ReportRead)

    def on_report_read(self, event: ReportRead) -> None:
        """Show it."""
        report = event.report
        self.query_one("#head", Static).update(_head(report, self._words))
        parts: dict[str, Mapping[str, int]] = {
            "actions": report.by_action, "users": report.by_user, "tables": report.by_table,
            "days": dict(sorted(report.by_day.items(), reverse=True)),
        }  # fmt: skip
        for name, counts in parts.items():
            shown = _rows(counts, report.who if name == "users" else str)
            self.query_one(f"#{name}", RecordTable).show(shown, keep=True)
        self.query_one(HeatMap).show(report.by_weekday_hour)

    @on(RecordTable.Selected)
    def line_selected(self, event: RecordTable.Selected) -> None:
        """List the entries of that line."""
        name = event.table.id or ""
        if not event.key:
            self.say("An empty word cannot be asked for.")
        elif name == "days":
            self._choose({"first_day": event.key, "last_day": event.key})
        else:
            self._choose({_PARTS[name]: event.key})

    def _choose(self, words: Words) -> None:
        self.chosen = words
        self.dismiss()

    def action_time(self) -> None:
        """To the days."""
        self.show_detail(True)
        self.query_one("#days").focus()

    def action_back(self) -> None:
        """From the days to the counts, from there to the audit screen."""
        if self.query_one("#days").has_focus and self.has_class("-detail", "-narrow"):
            super().action_back()
        else:
            self.dismiss()

    def on_refusal(self, event: Refusal) -> None:
        """Say so here as well: the app tells its own screens when the connection is back, not this one."""
        super().on_refusal(event)
        self.query_one("#head", Static).update(in_words(self._words))
        if event.unreachable:
            self.drop(event.group)
            self.say(f"{event.error.message} Press r to add up again.")


def _table(name: str, title: str) -> RecordTable:
    columns = (Column(title, 12, grow=2), Column("Entries", 9, right=True), Column("", 8, grow=2, drop=1))
    explains = f"Entries by {title.lower()}, {'newest' if name == 'days' else 'most'} first. Enter lists them."
    table = RecordTable(columns, noun="", explains=explains, id=name, empty="None.")
    table.border_title = "Timeline (India)" if name == "days" else f"By {title.lower()}"
    return table


def _rows(counts: Mapping[str, int], label: Callable[[str], str]) -> list[Row]:
    most = max(counts.values(), default=1)
    return [Row(name, (text(label(name) or "(none)"), text(count(n)), Bar(n / most))) for name, n in counts.items()]


def _head(report: AuditReport, words: Words) -> Text:
    span = f"{format_moment(report.first)} to {format_moment(report.last)}"
    undated = f"  ·  {count(report.undated)} without a readable time" if report.undated else ""
    figures = Text.assemble(
        (counted(report.entries, "entry", "entries"), "strong"), " about ",
        (counted(report.records, "record", "records"), "strong"), (f"  ·  {span}{undated}", "muted"),
    )  # fmt: skip
    return Text("\n").join([in_words(words), figures])


def _shade(number: int, most: int) -> str:
    """Nothing for nothing, something for anything."""
    return _SHADES[-(-number * (len(_SHADES) - 1) // most)] if number else _SHADES[0]


async def _read(context: Context, words: Words) -> AuditReport:
    from services.audit.query import AuditQuery
    from services.history.asked import read_asked

    filters = await read_asked(context.database, context.operator, words)
    return await AuditQuery(context.database, context.operator).report(filters)
