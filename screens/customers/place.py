"""What the places have in common that show customers: a key corrects the one shown, another takes that back."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from textual.binding import Binding, BindingType
from textual.message import Message

from screens.asking import Refusal
from screens.place import Place

if TYPE_CHECKING:
    from screens.widgets.writing import WritingDialog
    from services.customers.correction import Corrected
    from services.customers.undoing import Undone

T = TypeVar("T")
CORRECTING: list[BindingType] = [
    Binding(
        "p", "correct_customer", "Correct a customer", show=False,
        tooltip="Correct the customer's phone, or the link to a user.",
    ),
    Binding(
        "P", "undo_correction", "Take a correction back", show=False,
        tooltip="Take the customer's last correction back; shows what changes by that, and asks why.",
    ),
]  # fmt: skip
"""The keys of such a place."""


@dataclass
class CorrectionUndoShown(Message):
    """What taking the last correction back would change."""

    undone: Undone


@dataclass
class CustomerChanged(Message):
    """A customer was corrected, or is as before; what was done, in words."""

    done: str


class CustomerPlace(Place):
    """Say whose record is shown; the rest is here."""

    _last: str | None = None
    """Whom somebody corrected here last: after another link, an order can be nobody's."""

    @abstractmethod
    def customer_shown(self) -> str | None:
        """The id of the customer that a key is about; None where there is none."""

    @abstractmethod
    def read_again(self) -> None:
        """Show what is shown as it is now."""

    def why_not(self, action: str) -> str | None:
        """Correcting needs a role and a customer."""
        if action not in ("correct_customer", "undo_correction"):
            return super().why_not(action)
        shown = self.customer_shown() or (self._last if action == "undo_correction" else None)
        return self.why_no_change() or (None if shown else "Nobody knows here which customer it is.")

    def why_no_change(self) -> str | None:
        """Why this operator can change nothing here, as a sentence."""
        if self.context is None:
            return "There is no connection to the database yet."
        return self.context.why_no_writing("support")

    def open_writing(self, dialog: WritingDialog[T | None], done: Callable[[T], object]) -> None:
        """Open a dialog that writes. Where it was refused something, what lies below it is read again."""

        def closed(result: T | None) -> None:
            if result is not None:
                done(result)
            elif dialog.was_refused:
                self.read_again()

        self.app.push_screen(dialog, closed)

    def on_refusal(self, event: Refusal) -> None:
        """Where no correction can be taken back, the customer may not be as shown."""
        if event.group == "correction" and not event.unreachable:
            self.read_again()
        super().on_refusal(event)

    def action_correct_customer(self) -> None:
        """Type what is right."""
        if self.context and (customer := self.customer_shown()):
            from screens.customers.correcting import CorrectCustomer

            self.open_writing(CorrectCustomer(self.context, customer), self._corrected)

    def _corrected(self, corrected: Corrected) -> None:
        self._last = corrected.customer_id
        apart = [each.words for each in corrected.user_phones if each.differs]
        self.post_message(CustomerChanged(" ".join([f"{_called(corrected)} is corrected; P takes it back.", *apart])))

    def action_undo_correction(self) -> None:
        """Ask what it would change, first."""
        if self.context and (customer := self.customer_shown() or self._last):
            from screens.customers.undoing import take_back

            self.ask("correction", partial(take_back, self.context, customer), CorrectionUndoShown)

    def on_correction_undo_shown(self, event: CorrectionUndoShown) -> None:
        """Show it, and ask why."""
        if self.context:
            from screens.customers.undoing import TakeCorrectionBack

            self.open_writing(TakeCorrectionBack(self.context, event.undone), self._restored)

    def _restored(self, undone: Undone) -> None:
        self.post_message(CustomerChanged(f"{_called(undone)} is as before the last correction."))

    def on_customer_changed(self, event: CustomerChanged) -> None:
        """As it is now."""
        self.read_again()
        self.say(event.done, "information")


def _called(changed: Corrected | Undone) -> str:
    return changed.name.strip() or changed.customer_id
