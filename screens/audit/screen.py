"""The audit trail: who changed what, newest first, with each field before and after."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

from textual import events, on
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.widget import Widget
from textual.widgets import Static

from screens.asking import LIVE, Refusal
from screens.audit import entry as views
from screens.audit import questions
from screens.audit.filters import FilterDialog, Words, listed_line
from screens.audit.questions import Followed, Found, Heard, Looked, Shown
from screens.context import Context
from screens.listing import LOOKING_ON, Listed, ListPlace, Reader
from screens.place import OpenOrder
from screens.tones import count, counted, text, wrapping
from screens.widgets.facts import FactsScreen
from screens.widgets.reason import ReasonDialog
from screens.widgets.sheet import Section, Sheet
from screens.widgets.table import Column, RecordTable, Row
from screens.widgets.values import told

if TYPE_CHECKING:
    from screens.audit.verify import Chosen
    from services.audit.entries import Entry
    from services.audit.export import Exported
    from services.paging import Page

_COLUMNS = (
    Column("  When (India)", 18),
    Column("Who", 8, grow=1),
    Column("Did", 9),
    Column("Record", 20, grow=5),
)
_RESTING = 0.15
_OF_AN_ENTRY = {"order", "history", "same", "all", "reveal", "unfold"}


@dataclass(frozen=True)
class _Stop:
    """Where one was before a jump."""

    words: Words
    listed: Listed
    entries: dict[str, Entry]


class AuditScreen(ListPlace):
    """The entries that the filters leave, and the one under the cursor field by field."""

    NAME = "audit"
    LIST = "entries"
    CSS_PATH = "audit.tcss"
    ABOUT = (
        "Every change that was made, newest first, also those that other programs noted. The sheet shows each field "
        "before and after: + added, - removed, ~ changed; what stayed the same is folded. A ✗ marks "
        "an entry that was altered, a ! one that bears an operator's name though the console did not write it, a ? one "
        "too large to be checked in a list. The line above tells which entries are listed, and while it follows how "
        "many came since."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "slash,f", "search", "Filter", key_display="/", tooltip="Which entries: filters that apply together; f too."
        ),
        Binding("x", "clear", "Clear", show=False, tooltip="Every entry again."),
        Binding("h", "history", "History", tooltip="The life of the record that the entry is about."),
        Binding("a", "all", "All of", tooltip="All of this record, operator, run, request or session; Esc returns."),
        Binding("l", "follow", "Follow", tooltip="Count what is written from now on; g goes to the newest."),
        Binding("r", "report", "Report", tooltip="Counts, a timeline, and when in the week: of these filters."),
        Binding("v", "views", "Views", show=False, tooltip="Filters that you come back to: apply, save, delete."),
        Binding("e", "export", "Export", tooltip="The entries of these filters as a file, for a reason."),
        Binding("y", "verify", "Verify", tooltip="Check every entry against the sealed log."),
        Binding(
            "u",
            "unfold",
            "Unfold",
            show=False,
            tooltip="Show unchanged fields, long values and what is stored; fold again.",
        ),
        Binding("o", "order", "Order", show=False, tooltip="To the order that the entry is about."),
        Binding("s", "same", "Same record", show=False, tooltip="Only entries about the record under the cursor."),
        Binding("m", "reveal", "Unmask", show=False, tooltip="Show the entry's phones and addresses, for a reason."),
        Binding("escape", "back", "Back", tooltip="From the entry to the list, from a jump to before it."),
    ]

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._entries: dict[str, Entry] = {}
        self._words: Words = {}
        self._before: list[_Stop] = []
        self._at: str | None = None
        """The entry to put the cursor on when the list is read next; empty for the newest."""
        self._news: int | None = None
        """How many entries came since the list was read; None where nobody follows."""
        self._looked: Looked | None = None
        self._whole = False
        self._problem: Chosen | None = None
        """The problem whose entry was opened last, with the check that found it."""

    def compose_place(self) -> Iterable[Widget]:
        """What is listed, above the list and the entry."""
        yield Static(markup=False, id="asked")
        with Horizontal(classes="columns"):
            table = RecordTable(
                _COLUMNS, noun=("entry", "entries"), id="entries", empty="No entry fits.",
                explains="The entries, newest first. Enter goes to the change.",
            )  # fmt: skip
            table.border_title = "Entries"
            table.add_class("list")
            yield table
            explains = "The entry under the cursor: its fields, who wrote it why, and where it stands in the trail."
            sheet = Sheet("Change", id="entry", explains=explains, empty="No entry is chosen.")
            sheet.border_subtitle = "u unfolds"
            sheet.add_class("detail")
            yield sheet

    def search_target(self) -> Widget:
        """The list: filters are typed in a dialog."""
        return self.list_target()

    def opened(self) -> None:
        """The newest entries."""
        self.list_target().focus()
        self._tell()
        self.read_first()

    def why_not(self, action: str) -> str | None:
        """Why that cannot be done now; the services say the same."""
        if action in ("verify", "export"):
            return self.context.why_no("auditor") if self.context else None
        if action == "clear":
            return None if self._words else "Every entry is listed already."
        return questions.why_not(action, self._entry(), self.context) if action in _OF_AN_ENTRY else None

    def _entry(self) -> Entry | None:
        return self._entries.get(self.under_cursor())

    def reader(self, context: Context) -> Reader:
        """The entries that the filters leave."""
        return questions.pages(context, self._words)

    def row_of(self, item: Entry) -> Row:
        """One entry, kept for the sheet."""
        self._entries[str(item.key)] = item
        return views.row(item)

    def page_shown(self, page: Page[Entry], *, first: bool) -> None:
        """Entries that are no longer listed are forgotten."""
        self.list_target().empty = LOOKING_ON if page.next else "No entry fits."
        if first:
            self._entries = {str(entry.key): entry for entry in page.items}
            self._looked = None  # it may have been altered, or sealed, since
            if self._at is not None:
                self.list_target().show(self.list_target().rows, more=page.next is not None, at=self._at)
                self._at = None
        if not self._entries:
            self.query_one("#entry", Sheet).clear()

    def unlisted(self) -> None:
        """No entry is listed, and none is shown."""
        super().unlisted()
        self._entries = {}
        self.query_one("#entry", Sheet).clear()
        self.refresh_bindings()

    def show_entries(self, words: Words, *, at: str | None = None) -> None:
        """List other entries; Escape returns to where one was. `at` is the entry to go to."""
        if not self.refused:  # there is nothing to return to
            self._before.append(_Stop(self._words, self.listed(), self._entries))
        self._list(words, at)

    def _list(self, words: Words, at: str | None) -> None:
        self._words, self._at = words, at
        self._tell()
        self.read_first()
        if self._news is not None:
            self._follow()

    def _tell(self) -> None:
        """The line above the list."""
        line = listed_line(self._words, self._news, returns=bool(self._before))
        self.query_one("#asked", Static).update(line)
        self.refresh_bindings()

    def on_key(self, event: events.Key) -> None:
        """While entries have come, `g` goes to the newest instead of the first one listed."""
        if event.key == "g" and self._news and self.list_target().has_focus:
            event.stop()
            event.prevent_default()
            self._news, self._at = 0, ""
            self._tell()
            self.read_first()

    @on(RecordTable.Highlighted, "#entries")
    def entry_highlighted(self) -> None:
        """Show the change; its place, and what a list leaves out, once the cursor rests."""
        entry = self._entry()
        if entry is None:
            return
        self._show_entry(keep=False)
        if self._looked is None or self._looked.key != str(entry.key):
            self.after_rest("cursor", _RESTING, self._look)
        self.refresh_bindings()

    def _look(self) -> None:
        if self.context and (entry := self._entry()):
            self.ask("entry", partial(questions.look, self.context, entry), lambda looked: looked)

    def on_looked(self, event: Looked) -> None:
        """Show the rest of the entry."""
        self._looked = event
        self._show_entry(keep=True)

    def _show_entry(self, *, keep: bool) -> None:
        if entry := self._entry():
            known = self._looked if self._looked and self._looked.key == str(entry.key) else None
            shown = known.whole if known and known.whole else entry
            sections = views.sections(shown, known.standing if known else None, whole=self._whole)
            self.query_one("#entry", Sheet).show(sections, keep=keep)

    @on(RecordTable.Selected, "#entries")
    def entry_selected(self) -> None:
        """To the change, where the keys scroll it."""
        self.show_detail(True)
        self.query_one("#entry").focus()

    def action_unfold(self) -> None:
        """Everything that is stored, or what differs."""
        self._whole = not self._whole
        self._show_entry(keep=False)

    def action_search(self) -> None:
        """Ask which entries to list."""
        self.app.push_screen(FilterDialog(self._words), self._filtered)

    def _filtered(self, words: Words | None) -> None:
        if words is not None and words != self._words:
            self.show_entries(words)

    def action_clear(self) -> None:
        """Every entry again."""
        self._before.clear()
        self._list({}, self.under_cursor())

    def action_back(self) -> None:
        """From the entry to the list, from a jump to where one was."""
        at_list = self.list_target().has_focus and not self.has_class("-detail")
        super().action_back()
        if not at_list or not self._before:
            return
        stop = self._before.pop()
        self._words, self._entries, self._at = stop.words, stop.entries, None
        self.restore(stop.listed)
        self._tell()
        if self._news is not None:
            self._follow()

    def action_order(self) -> None:
        """To the order that the entry is about."""
        if entry := self._entry():
            self.post_message(OpenOrder(entry.record_id))

    def action_same(self) -> None:
        """Only entries about the record under the cursor."""
        if entry := self._entry():
            self.show_entries({"record": views.about(entry)}, at=str(entry.key))

    def action_all(self) -> None:
        """Choose what else to list from here."""
        from screens.audit.choice import ChoiceDialog

        if entry := self._entry():
            jumps = views.jumps(entry)
            rows = [(name, label, jumps[name]) for name, label in views.JUMPS if name in jumps]
            self.app.push_screen(ChoiceDialog("All entries of …", rows), partial(self._jumped, entry))

    def _jumped(self, entry: Entry, name: str | None) -> None:
        if name:
            self.show_entries({name: views.jumps(entry)[name]}, at=str(entry.key))

    def action_history(self) -> None:
        """The record through time."""
        from screens.history.screen import HistoryScreen
        from services.audit.filters import table_of

        if self.context and (entry := self._entry()):
            self.app.push_screen(HistoryScreen(table_of(entry.table), entry.record_id, self.context))

    def action_follow(self) -> None:
        """Begin to follow, or end it."""
        if self._news is None:
            self._follow()
        else:
            self.drop(LIVE)
            self._news = None
        self._tell()

    def _follow(self) -> None:
        if context := self.require_context():
            self._news = 0
            self.ask(LIVE, partial(questions.follow, context, self._words, self._heard), Followed)
            self._tell()

    def _heard(self) -> None:
        self.post_message(Heard())

    def on_heard(self) -> None:
        """Count it; the cursor stays where one reads."""
        if self._news is not None:
            self._news += 1
            self._tell()

    def on_refusal(self, event: Refusal) -> None:
        """What cannot be followed is followed no more."""
        if event.group == LIVE and not event.unreachable:
            self._news = None
            self._tell()
        super().on_refusal(event)

    def action_report(self) -> None:
        """What the filters come to; a line of it can be listed."""
        from screens.audit.report import AuditReportScreen

        if context := self.require_context():
            screen = AuditReportScreen(context, self._words)
            self.app.push_screen(screen, lambda _: self._reported(screen.chosen))

    def _reported(self, words: Words | None) -> None:
        if words:
            self.show_entries({**self._words, **words})

    def action_views(self) -> None:
        """The saved views."""
        from screens.audit.saved import ViewsDialog

        if context := self.require_context():
            self.app.push_screen(ViewsDialog(context, self._words), self._filtered)

    def action_export(self) -> None:
        """Ask where to and why."""
        from screens.audit.export import ExportDialog

        if context := self.require_context():
            self.app.push_screen(ExportDialog(context, self._words), self._exported)

    def _exported(self, done: Exported | None) -> None:
        if done:
            entries = counted(done.entries, "entry is", "entries are")
            told = f"{entries} in {done.path}: {count(done.size)} bytes, readable by you alone."
            self.say(" ".join([told, *done.doubts_told]), "refusal" if done.doubts else "information")

    def action_verify(self) -> None:
        """From the entry of a problem back to the check that named it, else check now."""
        last = self._problem
        self.check(last if last and last.entry == self.under_cursor() else None)

    def check(self, last: Chosen | None = None) -> None:
        """Check the trail, or come back to that problem; another can be opened."""
        from screens.audit.verify import VerifyScreen

        if context := self.require_context():
            self._problem = None  # a check that was closed is not told again: the trail goes on
            self.app.push_screen(VerifyScreen(context, last), self._open_problem)

    def _open_problem(self, chosen: Chosen | None) -> None:
        if chosen and self.context:
            self._problem = chosen
            self.ask("problem", partial(questions.find, self.context, chosen.entry), lambda found: found)

    def on_found(self, event: Found) -> None:
        """Among the entries about its record; one that names no record, by itself."""
        entry = event.entry
        if entry.table and entry.record_id:
            self.show_entries({"record": views.about(entry)}, at=str(entry.key))
        else:
            self.app.push_screen(FactsScreen("Entry", views.sections(entry, event.standing, whole=True)))

    def action_reveal(self) -> None:
        """Ask why first."""
        if entry := self._entry():
            words = text("Phones and addresses of this entry. The trail has who and why before they are shown.")
            explains = "It is kept in the trail."
            dialog = ReasonDialog("Unmask", wrapping(words), deed="Show", explains=explains, longest=500)
            self.app.push_screen(dialog, partial(self._reveal, entry))

    def _reveal(self, entry: Entry, reason: str | None) -> None:
        if reason and self.context:
            self.ask("reveal", partial(questions.reveal, self.context, entry.id, reason), Shown, repeat=False)

    def on_shown(self, event: Shown) -> None:
        """Show them once."""
        facts = [(path[-13:], text(told(path, value))) for path, value in event.revealed.values.items()]
        self.app.push_screen(FactsScreen("Unmasked", [Section(event.revealed.record_id, facts)]))
