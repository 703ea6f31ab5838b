"""Questions to the services: they run in workers, and the answer comes back as a typed message."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar

from textual.message import Message
from textual.widget import Widget
from textual.worker import Worker, WorkerState

if TYPE_CHECKING:
    from services.errors import ConsoleError

T = TypeVar("T")
LIVE = "live"
"""The group of a question that stays open: what it hears is posted meanwhile."""
Question: TypeAlias = Callable[[], Awaitable[T]]


@dataclass
class Refusal(Message):
    """A question of that group was refused, or could not reach the database."""

    group: str
    error: ConsoleError
    bubble = False

    @property
    def unreachable(self) -> bool:
        """Whether the same question may succeed once the connection is back."""
        from services.errors import Unreachable

        return isinstance(self.error, Unreachable)


@dataclass
class ConnectionLost(Message):
    """The database did not answer; the app tries to reach it again."""

    error: ConsoleError


@dataclass
class Fault(Message):
    """The console itself failed while it answered a question."""

    error: BaseException


class Asking(Widget):
    """Mixed into screens, behind the screen class; within a group of questions a newer one replaces an older one."""

    _open_questions: dict[str, tuple[Question[Any], Callable[[Any], Message]]]

    def ask(
        self, group: str, question: Question[T], answer: Callable[[T], Message], *, repeat: bool = True
    ) -> Worker[None]:
        """Post `answer(result)` to this screen when the question is answered, Refusal when it is refused.

        One that the lost connection left open is asked again when the connection is back, unless it is a deed that
        must not be done twice: `repeat=False`.
        """
        self._questions.pop(group, None)
        work = partial(self._ask, group, question, answer, repeat)
        return self.run_worker(work, group=group, exclusive=True, exit_on_error=False)

    def drop(self, group: str) -> None:
        """Ask no more, and repeat nothing when the connection heals."""
        self._questions.pop(group, None)
        self.workers.cancel_group(self, group)

    def ask_again(self) -> None:
        """Repeat every question that the lost connection left open; what still runs is left to run."""
        for group, (question, answer) in list(self._questions.items()):
            self.ask(group, question, answer)

    @property
    def _questions(self) -> dict[str, tuple[Question[Any], Callable[[Any], Message]]]:
        if not hasattr(self, "_open_questions"):
            self._open_questions = {}
        return self._open_questions

    async def _ask(self, group: str, question: Question[T], answer: Callable[[T], Message], repeat: bool) -> None:
        from services.database import told
        from services.errors import ConsoleError

        try:
            with told():
                result = await question()
        except ConsoleError as error:
            refusal = Refusal(group, error)
            if refusal.unreachable and repeat:
                self._questions[group] = (question, answer)
            self.post_message(refusal)
            return
        self.post_message(answer(result))

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """A worker that failed otherwise is a fault of the console; it is told, not swallowed."""
        if event.state is WorkerState.ERROR and event.worker.error is not None:
            event.stop()
            self.post_message(Fault(event.worker.error))
