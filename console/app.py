"""The app: it opens the session, holds the screens together, and lives through a lost connection."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from textual import on
from textual.app import App
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.screen import Screen
from textual.worker import Worker, WorkerState

from console.faults import internal_error
from console.terminal import Terminal
from screens.asking import ConnectionLost, Fault
from screens.context import Context
from screens.place import OpenOrder, OpenPlace, Place
from screens.tones import CALM, tone_styles
from screens.widgets.header import PLACES
from services.errors import ConsoleError

if TYPE_CHECKING:
    from console.settings import Settings

_RETRY_SECONDS = 2.0
_ENDING_SECONDS = 10.0  # a running backfill takes up to half of them to write down where it stands
_TRANSIENT = ("no-connection", "connection-lost")

Opening = Callable[[], AbstractAsyncContextManager[Context]]
"""Connects, and closes the connection at the end."""


@dataclass
class Opened(Message):
    """The session is open."""

    context: Context


@dataclass
class NotOpened(Message):
    """The session could not be opened; it is tried again only where waiting can help."""

    error: ConsoleError


@dataclass
class Healed(Message):
    """The database answers again."""


class DeliveryConsole(App[None]):
    """The console on one database. `refusal` tells afterwards why it could not be opened."""

    TITLE = "delivery-console"
    CSS_PATH = "app.tcss"
    ENABLE_COMMAND_PALETTE = False
    DEFAULT_MODE = "home"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("f1", "help", "Help", key_display="F1"),
        *(
            Binding(f"f{number + 1},{number}", f"go('{name}')", name.title(), show=False)
            for number, name in enumerate(PLACES, 1)
        ),
        Binding("q", "quit", "Quit"),
        Binding("ctrl+q", "quit", "Quit", show=False, priority=True),
        # With priority the focus moves before the next key is looked at: what is typed ahead lands where it is meant.
        Binding("tab", "focus_next", "Next part", show=False, priority=True),
        Binding("shift+tab", "focus_previous", "Part before", show=False, priority=True),
    ]

    def __init__(self, opening: Opening, *, environment: str = "", theme: str | None = None) -> None:
        self.refusal: ConsoleError | None = None
        self._opening = opening
        self._environment = environment
        self._places: dict[str, Place] = {}
        self._opened: Context | None = None
        self._lost = ""
        self._session = AsyncExitStack()
        self._interrupted: tuple[Worker[Any], ...] = ()
        super().__init__(driver_class=Terminal)
        self.register_theme(CALM)
        self.theme = theme if theme in self.available_themes else CALM.name
        self._use_tones()
        for name in PLACES:
            self.add_mode(name, partial(self._build, name))

    def _build(self, name: str) -> Screen[Any]:
        from screens.catalogue import build  # a screen's module is loaded when somebody goes there

        place = build(name, self._environment)
        place.context = self._opened
        self._places[name] = place
        if self._lost:
            place.call_after_refresh(place.connection_lost, self._lost)
        return place

    def on_mount(self) -> None:
        """Paint first, connect then."""
        self.theme_changed_signal.subscribe(self, lambda _: self._use_tones())
        self.call_after_refresh(self._connect)

    def _use_tones(self) -> None:
        self.console.push_theme(tone_styles(self.get_css_variables()))

    def _connect(self) -> Worker[None]:
        return self.run_worker(self._open, group="connection", exclusive=True, exit_on_error=False)

    async def _open(self) -> None:
        try:
            self.post_message(Opened(await self._session.enter_async_context(self._opening())))
        except ConsoleError as error:
            self.post_message(NotOpened(error))

    def on_opened(self, event: Opened) -> None:
        """Every screen gets the context; those not built yet get it when they are."""
        self._opened = event.context
        self.on_healed()
        for place in self._places.values():
            place.context = event.context

    def on_not_opened(self, event: NotOpened) -> None:
        """Wait for a server that does not answer yet; end with the reason where waiting cannot help."""
        if event.error.code not in _TRANSIENT:
            self.refusal = event.error
            self.exit()
            return
        self._tell_lost(event.error)
        self.set_timer(_RETRY_SECONDS, self._connect)

    @on(ConnectionLost)
    def on_connection_lost(self, event: ConnectionLost) -> None:
        """Say so everywhere, and try until it is back; what the database itself refuses is no lost connection."""
        event.stop()
        if event.error.code not in _TRANSIENT:
            for place in self._places.values():
                place.say(event.error.message)
        elif not self._lost:
            self._tell_lost(event.error)
            self._reconnect()

    def _tell_lost(self, error: ConsoleError) -> None:
        self._lost = f"{error.message} Trying again by itself; nothing you typed is lost."
        for place in self._places.values():
            place.connection_lost(self._lost)

    def _reconnect(self) -> Worker[None]:
        return self.run_worker(self._wait_for_database, group="connection", exclusive=True, exit_on_error=False)

    async def _wait_for_database(self) -> None:
        from services.database import told

        while self._opened is not None:
            try:
                with told():
                    await self._opened.database.command({"ping": 1})
            except ConsoleError:
                await asyncio.sleep(_RETRY_SECONDS)
            else:
                self.post_message(Healed())
                return

    def on_healed(self) -> None:
        """Take the banner away, and let every screen ask again what was left open."""
        self._lost = ""
        for place in self._places.values():
            place.connection_healed()

    def on_fault(self, event: Fault) -> None:
        """A fault of the console is told in a sentence and logged."""
        event.stop()
        self._tell_fault(event.error)

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """The app's own workers tell their faults as the screens' do."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            self._tell_fault(event.worker.error)

    def _tell_fault(self, error: BaseException) -> None:
        self.notify(internal_error(error).message, title="Fault", severity="error", markup=False, timeout=15)

    def on_open_order(self, event: OpenOrder) -> None:
        """From any screen to an order."""
        from screens.orders.screen import OrdersScreen

        self.action_go("orders")
        orders = self._places["orders"]
        if isinstance(orders, OrdersScreen):
            orders.call_after_refresh(orders.open_order, event.order_id)

    def on_open_place(self, event: OpenPlace) -> None:
        """From one screen to another."""
        self.action_go(event.place)

    def action_go(self, name: str) -> None:
        """To one of the screens."""
        self.switch_mode(name)

    def action_help(self) -> None:
        """The help of the present screen."""
        if isinstance(self.screen, Place):
            from screens.help import help_of

            self.push_screen(help_of(self.screen))

    async def action_quit(self) -> None:
        """End."""
        self.leave()

    def leave(self) -> None:
        """End; what is running is stopped, and waited for before anything is sealed and closed."""
        self._interrupted = tuple(worker for worker in self.workers if worker.is_running)
        self.exit()

    async def close_session(self) -> None:
        """After the screens: let what was running write down where it stands, then close the connection."""
        for worker in self._interrupted:
            worker.cancel()
        await asyncio.gather(*(worker.wait() for worker in self._interrupted), return_exceptions=True)
        await self._session.aclose()


@contextlib.asynccontextmanager
async def open_context(settings: Settings) -> AsyncIterator[Context]:
    """The session of the settings as the screens need it."""
    from console.session import open_session
    from services.database import told
    from services.deployment.indexes import missing

    async with open_session(settings) as session:
        lacking: tuple[str, ...] = ()
        with contextlib.suppress(ConsoleError):  # a database user without listIndexes still reads
            lacking = await missing(session.database)
        with told():
            estimate = await session.database["orders"].estimated_document_count()
        yield Context(
            database=session.database,
            operator=session.operator,
            clock=session.clock,
            environment=session.environment,
            missing_indexes=lacking,
            order_estimate=estimate,
            batch_size=settings.batch_size,
            credit_days=settings.credit_days,
            lease_seconds=settings.lease_seconds,
            approval_records=settings.approval_records,
            approval_paise=settings.approval_paise,
            reminder_account=settings.reminder_account(),
            reminder_language=settings.reminder_language,
            audit_trusted=tuple(settings.audit_trusted_keys),
            audit_copies=settings.audit_checkpoints,
        )


def run_console(settings: Settings, kind: type[DeliveryConsole] = DeliveryConsole) -> None:
    """Open the console on a terminal. Raises the refusal that kept it from opening."""
    settings.require_uri()
    settings.require_db()
    app = asyncio.run(_run(settings, kind))
    if app.refusal:
        raise app.refusal


async def _run(settings: Settings, kind: type[DeliveryConsole]) -> DeliveryConsole:
    app = kind(lambda: open_context(settings), environment=settings.environment or "", theme=settings.theme)
    # Not the loop's own handlers: a write to a terminal that takes nothing more holds the loop as well.
    ending = partial(_end, app, asyncio.get_running_loop())
    before = {lost: signal.signal(lost, ending) for lost in (signal.SIGTERM, signal.SIGHUP)}
    try:
        await app.run_async(mouse=not settings.no_mouse)
    finally:
        try:
            await app.close_session()
        finally:
            for lost, handler in before.items():
                signal.signal(lost, handler)
    return app


def _end(app: DeliveryConsole, loop: asyncio.AbstractEventLoop, reason: int, _frame: object) -> None:
    """End, as after the terminal was lost; and surely, also where a write to the terminal never returns."""
    if loop.is_closed():  # it has ended
        return
    watchdog = threading.Timer(_ENDING_SECONDS, os._exit, (128 + reason,))
    watchdog.daemon = True  # an end in time takes the watchdog along
    watchdog.start()
    loop.call_soon_threadsafe(app.leave)
