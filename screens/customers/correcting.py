"""Correcting a customer: the phone, or the user that the customer is linked to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, ClassVar

from rich.console import RenderableType
from rich.text import Text
from textual.widget import Widget

from screens.asking import Question
from screens.context import Context
from screens.tones import customer_text, text, wrapping
from screens.widgets.diff import field_diff
from screens.widgets.field import Field
from screens.widgets.form import Form

if TYPE_CHECKING:
    from services.customers.correction import Correctable, Corrected, Correction


class CorrectCustomer(Form["Corrected | None"]):
    """Returns what was corrected."""

    TITLE = "Correct a customer"
    DEFAULT_CSS = """
    CorrectCustomer {
        & Field > Label { width: 12; }
        &.-shown #reason { margin-top: 1; }
        &.-narrow #change { max-height: 7; }
    }
    """
    ASIDE: ClassVar[tuple[str, ...]] = ("reason",)

    def __init__(self, context: Context, customer_id: str) -> None:
        super().__init__(context, customer_id)
        self._seen: Mapping[str, Any] = {}

    def inputs(self) -> Iterable[Widget]:
        """The two that can be corrected."""
        yield Field("Phone", id="phone", explains="An Indian mobile number, in any writing.", max_length=30)
        yield Field("User", id="user", explains="The user whose customer this is; empty ends the link.", max_length=60)

    def below(self) -> Iterable[Widget]:
        """What would be written, and why: below it, so that no long difference hides the reason."""
        yield from super().below()
        yield Field("Reason", id="reason", explains="Why; it is kept in the audit trail.", max_length=500)

    def question(self) -> Question[Correctable]:
        """The customer as it is now."""
        from services.customers.correction import open_customer

        return partial(open_customer, self.context.database, self.context.operator, self.record_name)

    async def show(self, record: Correctable) -> Text:
        """Fill in what is stored."""
        customer, self._seen = record.customer, record.seen
        self.fill("phone", customer.phone)
        self.fill("user", customer.user_id or "")
        who = customer_text(customer.name).append("\n")
        return who.append_text(text(f"{customer.area or 'no area'} · {customer.id}  as it is now", "muted"))

    def request(self) -> Correction:
        """What was typed."""
        from services.customers.correction import Correction

        return Correction(self.typed("phone"), self.typed("user"))

    def preview(self, request: Correction) -> Question[Corrected]:
        """What the correction would change, on both sides of the link."""
        return partial(self._correct(request), write=False)

    def write(self, request: Correction) -> Question[Corrected]:
        """The correction, for the reason that was typed."""
        return partial(self._correct(request), self.value("reason"), shown=self.result)

    def lines_of(self, result: Corrected) -> Sequence[RenderableType]:
        """The difference, and the phones that stay as they are."""
        phones = [wrapping(text(each.words, "warn" if each.differs else "muted")) for each in result.user_phones]
        return [*field_diff(result.changes), *phones]

    def _correct(self, change: Correction) -> partial[Any]:
        from services.customers.correction import correct_customer

        context = self.context
        given = context.database, context.operator, context.clock, self.record_name, change, self._seen
        return partial(correct_customer, *given)
