"""A place whose list is narrowed as one types, and grows page by page."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar, TypeAlias

from textual import on
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.widgets import Checkbox, Input, Select

from screens.asking import Refusal
from screens.place import Place
from screens.widgets.field import Field
from screens.widgets.notice import Notice
from screens.widgets.table import RecordTable, Row
from services.errors import BadRequest

if TYPE_CHECKING:
    from screens.context import Context
    from services.paging import Page

Reader: TypeAlias = "Callable[[str | None], Awaitable[Page[Any]]]"
"""Reads the page behind a token."""
_LIST = "list"
_READING = "Reading …"
LOOKING_ON = "Nothing yet, looking further …"
"""What an empty list says while there may be something on a page to come."""
_REFUSED = "Not read."


@dataclass
class PageRead(Message):
    """A page of the list; `first` where it replaces what is shown."""

    page: Page[Any]
    first: bool


@dataclass(frozen=True)
class Listed:
    """What stood in the list, and where the cursor was."""

    rows: tuple[Row, ...]
    next: str | None
    at: str


class ListPlace(Place):
    """What its filters say is asked of a service once the typing rests; the next page when the cursor nears the end."""

    LIST: ClassVar[str]
    """The id of the list's table."""
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+r", "read_again", "Read again", show=False, tooltip="Read the list again, as it is now."),
    ]
    TYPING: ClassVar[float] = 0.2
    """Seconds without a key before the list is asked for."""

    def __init__(self, environment: str = "") -> None:
        super().__init__(environment)
        self._next: str | None = None
        self._note: str | None = None
        """What the page read last says beside its rows."""

    def on_mount(self) -> None:
        """Nothing is known of the list yet."""
        self.list_target().instead = _READING

    @abstractmethod
    def reader(self, context: Context) -> Reader:
        """What the filters ask for. Raises BadRequest for what cannot be read yet."""

    @abstractmethod
    def row_of(self, item: Any) -> Row:
        """One item as a row."""

    def page_shown(self, page: Page[Any], *, first: bool) -> None:
        """A page stands in the list."""

    def list_target(self) -> RecordTable:
        """The list."""
        return self.query_one(f"#{self.LIST}", RecordTable)

    def under_cursor(self) -> str:
        """The key of the row under the cursor, empty where there is none."""
        table = next(iter(self.query(f"#{self.LIST}").results(RecordTable)), None)
        return table.row.key if table and table.row else ""

    def listed(self) -> Listed:
        """What stands in the list now, to come back to."""
        return Listed(self.list_target().rows, self._next, self.under_cursor())

    @property
    def refused(self) -> bool:
        """Whether what was asked for last was refused, so that nothing is listed."""
        return self.list_target().instead == _REFUSED

    def restore(self, listed: Listed) -> None:
        """Show what stood in the list, without asking again."""
        self.drop(_LIST)
        self._next, self.list_target().instead = listed.next, ""
        self.list_target().show(listed.rows, more=listed.next is not None, at=listed.at)

    @on(Input.Changed)
    @on(Select.Changed)
    @on(Checkbox.Changed)
    def request_changed(self) -> None:
        """Read once the typing rests."""
        self.after_rest("typing", self.TYPING, partial(self.read_first, typing=True))

    @on(Input.Submitted)
    def submitted(self) -> None:
        """Read now, and go to the list."""
        self.act_now("typing", self.read_first)
        self.list_target().focus()

    def read_first(self, *, typing: bool = False) -> None:
        """Read the first page of what the filters say; half a date is no mistake while it is being typed."""
        self._next = None
        self._read(tolerant=typing and not any(field.full for field in self.query(Field)))

    def action_read_again(self) -> None:
        """The list as it is now."""
        self.read_first()

    @on(RecordTable.NearEnd)
    def near_end(self) -> None:
        """The next page."""
        self._read()

    def _read(self, *, tolerant: bool = False) -> None:
        if self.context is None:
            return
        try:
            reader = self.reader(self.context)
        except BadRequest as error:
            if not tolerant:
                self.say(error.message)
            return
        if self._next is None:
            self.say_nothing()
        self.list_target().instead = _READING
        self.ask(_LIST, partial(reader, self._next), partial(PageRead, first=self._next is None))

    def on_page_read(self, event: PageRead) -> None:
        """Show the page, or add it."""
        page, table = event.page, self.list_target()
        self._next, table.instead = page.next, ""
        rows, more = [self.row_of(item) for item in page.items], page.next is not None
        if event.first:
            table.show(rows, more=more, keep=True)
        else:
            table.extend(rows, more=more)
        self._tell_note(page.note, anew=event.first)
        self.page_shown(page, first=event.first)
        self.refresh_bindings()

    def _tell_note(self, note: str | None, *, anew: bool) -> None:
        """Show a page's note, once where the pages say the same; one that holds no longer goes."""
        if note and (anew or note != self._note):
            self.say(note)
        elif not note and self._note and self.query_one("#notice", Notice).said == self._note:
            self.say_nothing()
        self._note = note

    def unlisted(self) -> None:
        """What was asked for is refused: what stood in the list answers something else, and goes."""
        self.list_target().show([])

    def on_refusal(self, event: Refusal) -> None:
        """The next page may be asked for again; of a first one nobody knows what it holds."""
        if event.group == _LIST:
            if self._next is None and not event.unreachable:
                self.unlisted()
            self.list_target().instead = _REFUSED
            self.list_target().retry()
        super().on_refusal(event)
