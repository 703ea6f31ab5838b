"""What is asked of the audit trail: typed in a dialog, told in a line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar, TypeAlias

from rich.text import Text
from textual import on
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.screen import ModalScreen
from textual.widgets import Button, Input

from screens.tones import count, text
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from services.errors import BadRequest

Words: TypeAlias = Mapping[str, Any]
"""The filters as typed, for `read_filters`; `today` stays today."""

_FIELDS = (
    ("record", "Record", "orders/ord_1f0c…"),
    ("user", "Users", "asha, vikram"),
    ("table", "Tables", "orders, billing_records"),
    ("action", "Actions", "BILLED, UPDATE"),
    ("first_day", "From", "YYYY-MM-DD, today or yesterday: a day in India"),
    ("last_day", "To", "the last day, included"),
    ("run", "Run", "written by this run"),
    ("session", "Session", "written in this login session"),
    ("request", "Request", "written together, by this one request"),
    ("field", "Field", "changed this field, or one below it: address.city"),
    ("text", "Text", "somewhere in a value, before or after"),
)


def written_words(word: Any) -> str:
    """The words of a filter as a person types them."""
    return ", ".join(map(str, word)) if isinstance(word, (list, tuple)) else str(word)


def in_words(words: Words) -> Text:
    """The filters in a line."""
    if not words:
        return Text("every entry", style="muted")
    told = [
        Text.assemble((f"{label.lower()} ", "muted"), text(written_words(words[name]), "strong", limit=80))
        for name, label, _ in _FIELDS
        if words.get(name)
    ]
    return Text("  ·  ", style="muted").join(told)


def listed_line(words: Words, news: int | None, *, returns: bool) -> Text:
    """The line above the entries: what came while they are followed, the filters, and the keys that lead out."""
    line = Text()
    if news is not None:
        since = f" {count(news)} new: g shows them " if news else " following "
        line.append("●", "good").append(since, "strong" if news else "muted").append("  ")
    line.append_text(in_words(words))
    if words:
        line.append("   x clears", "muted")
    if returns:
        line.append("   Esc returns", "muted")
    return line


class FilterDialog(ModalScreen["Words | None"]):
    """All filters apply together; of several users, tables or actions any one. Returns what was typed."""

    CSS_PATH = ["../widgets/dialog.tcss", "dialogs.tcss"]  # noqa: RUF012 - as Textual declares it
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Cancel")]

    def __init__(self, words: Words) -> None:
        super().__init__()
        self._words = words

    def compose(self) -> ComposeResult:
        """A field for each filter, and the answers."""
        with Vertical(classes="dialog") as box:
            box.border_title = "Which entries"
            box.border_subtitle = "Enter shows them · Esc leaves the list as it is"
            for name, label, example in _FIELDS:
                value = written_words(self._words.get(name, ""))
                yield Field(label, id=name, value=value, placeholder=example, explains=f"{label}: {example}.",
                            max_length=500)  # fmt: skip
            yield Notice(id="refusal")
            with Horizontal(classes="dialog-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("Empty all", id="empty", compact=True)
                yield Button("Show", id="show", variant="success", compact=True)

    def on_mount(self) -> None:
        """Nothing can be lost: the first field has the focus."""
        self.query(Field).first().input.focus()

    @on(Input.Submitted)
    @on(Button.Pressed, "#show")
    def show(self) -> None:
        """What was typed, where it makes filters."""
        from services.audit.filters import read_filters

        words = {name: value for name, _, _ in _FIELDS if (value := self.query_one(f"#{name}", Field).value)}
        try:
            read_filters(**words)
        except BadRequest as error:
            self.query_one("#refusal", Notice).say(error.message)
        else:
            self.dismiss(words)

    @on(Button.Pressed, "#empty")
    def empty(self) -> None:
        """Begin anew."""
        for field in self.query(Field):
            field.value = ""
        self.query(Field).first().input.focus()

    @on(Button.Pressed, "#cancel")
    def action_cancel(self) -> None:
        """The list stays as it is."""
        self.dismiss(None)
