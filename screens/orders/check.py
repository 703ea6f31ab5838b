"""Checking an order: every validator that applies, and what it says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from rich.table import Table
from rich.text import Text
from textual.message import Message

from screens.asking import Asking, ConnectionLost, Refusal
from screens.context import Context
from screens.tones import text, wrapping
from screens.widgets.facts import FactsScreen
from screens.widgets.sheet import Section, Sheet

if TYPE_CHECKING:
    from services.validation.check import Check, OrderCheck
    from services.validation.result import Outcome, Result

_MARKS: dict[Outcome, tuple[str, str]] = {"ok": ("✓", "good"), "warning": ("!", "warn"), "refused": ("✗", "bad")}
_URGENT: tuple[Outcome, ...] = ("refused", "warning", "ok")
_LONGEST_VALUE = 80


@dataclass
class Checked(Message):
    """What the validators say."""

    check: OrderCheck


class CheckOrder(FactsScreen, Asking):
    """Asks when it opens; a refusal takes the place of the answer."""

    CSS_PATH = "../widgets/facts.tcss"

    def __init__(self, context: Context, order_id: str) -> None:
        super().__init__("Check of an order", [_words("Asking the validators …", "muted")])
        self._with = context
        self._order_id = order_id

    def on_mount(self) -> None:
        """Ask them all."""
        self.ask("check", partial(_check, self._with, self._order_id), Checked)

    def on_checked(self, event: Checked) -> None:
        """Show the results by what they are about."""
        self.query_one(Sheet).show(check_sections(event.check))

    def on_refusal(self, event: Refusal) -> None:
        """Say why there is no answer."""
        event.stop()
        self.drop(event.group)
        self.query_one(Sheet).show([_words(event.error.message, "bad")])
        if event.unreachable:
            self.post_message(ConnectionLost(event.error))


def check_sections(check: OrderCheck) -> list[Section]:
    """The summary, what is not in order, the rest by what it is about, and what does not apply with the reason."""
    groups: dict[str, Table] = {}
    for each in sorted(check.checks, key=lambda each: each.result.code is None):
        group, name = _title(each.validator)
        odd = each.result.code is not None
        grid = groups.setdefault("Not in order" if odd else group.title(), _grid(1, 28))
        mark, tone = _MARKS[each.result.outcome]
        grid.add_row(Text(mark, tone), text(f"{group}: {name}" if odd else name), _said(each.result))
    skipped = _grid(30)
    for other in check.skipped:
        skipped.add_row(text(": ".join(_title(other.validator)), "muted"), wrapping(text(other.why, "muted")))
    return [
        Section("", [("Order", text(check.order_id, "strong")), ("Checks", _summary(check))]),
        *(Section(title, lines=[grid]) for title, grid in groups.items()),
        *([Section("Does not apply", lines=[skipped])] if check.skipped else []),
    ]


def checks_table(checks: Iterable[Check]) -> Table:
    """A line for each check, what refuses first, then what warns."""
    grid = _grid(1, 28)
    for each in sorted(checks, key=lambda each: _URGENT.index(each.result.outcome)):
        mark, tone = _MARKS[each.result.outcome]
        grid.add_row(Text(mark, tone), text(": ".join(_title(each.validator))), _said(each.result))
    return grid


def _title(validator: str) -> tuple[str, str]:
    """`order.customer-exists` as `order` and `customer exists`."""
    group, _, name = validator.partition(".")
    return group, name.replace("-", " ")


def _said(result: Result) -> Text:
    words = text(result.message)
    if not result.ok and result.value is not None:
        words.append_text(text(f"  {result.field} = ", "muted"))
        words.append_text(text(result.value, "bad", limit=_LONGEST_VALUE))
    return wrapping(words)


def _summary(check: OrderCheck) -> Text:
    return text(check.summary, "good" if check.ok else "bad")


def _grid(*widths: int) -> Table:
    grid = Table.grid(padding=(0, 1, 0, 0), expand=True)
    for width in widths:
        grid.add_column(width=width, no_wrap=True)
    grid.add_column(ratio=1, overflow="fold")
    return grid


def _words(words: str, tone: str) -> Section:
    return Section("", lines=[wrapping(text(words, tone))])


async def _check(context: Context, order_id: str) -> OrderCheck:
    from services.validation.check import check_order

    return await check_order(context.database, context.operator, context.clock, order_id)
