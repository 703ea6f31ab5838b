"""What a preview finds: the plan, its rows, and the digest that pins them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict

from services.clock import format_moment
from services.database import Document

Group: TypeAlias = Literal[
    "change", "already-billed", "flagged-no-record", "not-delivered", "nothing-to-do", "needs-review"
]
GROUPS: tuple[Group, ...] = get_args(Group)
BILLING_GROUPS: tuple[Group, ...] = ("change", "already-billed", "flagged-no-record", "not-delivered", "needs-review")
REPAIR_GROUPS: tuple[Group, ...] = ("change", "nothing-to-do", "needs-review")

ENTRIES_A_ROW = 16
"""The numbers that a row has for its audit entries, in the series of its run."""

REVIEW_REASONS: Mapping[str, str] = {
    "amount-invalid": "The amount is missing, zero, negative, not a number or too high to believe.",
    "amount-mismatch": "The amount and the sum of the items differ by more than one paisa.",
    "quantities-unknown": "Delivered in part, and the delivered quantities are not known.",
    "no-delivery-month": "Neither a delivery time nor a delivery date can be read.",
    "customer-missing": "No customer belongs to the order.",
    "customer-ambiguous": "More than one customer fits the order.",
    "delivery-contradicts": "The order and its delivery disagree on whether it was delivered.",
    "nothing-delivered": "By the noted quantities nothing was delivered.",
    "month-in-future": "The billing month has not begun yet.",
    "id-missing": "The record has no id that is clean text, so nothing could refer to it.",
    "id-duplicate": "Another record has the same id.",
    "record-unreadable": "The record holds something that the console cannot read.",
    "not-confirmed": "Delivered but not confirmed, and only confirmed orders were asked for.",
    "bill-duplicate": "The order has more than one billing record.",
    "flagged-no-record": "Flagged billed without a record; bill-one-time-orders --include-flagged bills it.",
    "link-unreadable": "The link holds something that is no id.",
    "link-broken": "The link names a record that does not exist.",
    "link-contradicts": "The user and the customer name others, not each other.",
    "user-ambiguous": "More than one user fits the customer.",
    "user-claimed": "Another customer names the same user.",
    "user-not-customer": "The account is not a customer's.",
    "phone-shared": "The phone number leads to more than one user or customer, or to one that is linked already.",
    "phone-name-differs": "The phone number is the same, the name is another.",
    "no-delivery-day": "The delivery's day cannot be read.",
    "order-missing": "No order of the customer on that day fits the delivery.",
    "order-ambiguous": "More than one order of the customer on that day fits the delivery.",
    "order-taken": "The order that fits has a delivery already, or another one fits it as well.",
    "customer-differs": "The delivery and its order belong to different customers.",
}


OptionName: TypeAlias = Literal["delivered_from", "delivered_to", "include_flagged", "confirmed_only"]


class Options(BaseModel):
    """What a preview is asked to look at; days are delivery days in India, both included."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    delivered_from: date | None = None
    delivered_to: date | None = None
    include_flagged: bool = False
    confirmed_only: bool = False

    def covers(self, day: date | None) -> bool:
        """Whether a delivery day is among those asked for; an unreadable one is not, unless any day will do."""
        first, last = self.delivered_from, self.delivered_to
        if first is None and last is None:
            return True
        return day is not None and (first is None or day >= first) and (last is None or day <= last)


class Tally(BaseModel):
    """How many records, and how much money."""

    records: int = 0
    amount_paise: int = 0

    def add(self, amount_paise: int) -> None:
        """Count one record."""
        self.records += 1
        self.amount_paise += amount_paise


class Summary(BaseModel):
    """The counts of a plan; the classes add up to `examined`."""

    examined: int = 0
    classes: dict[Group, Tally]
    customers: int = 0
    by_month: dict[str, Tally] = {}
    review: dict[str, int] = {}
    unconfirmed: Tally = Tally()
    """Among the records to change, those whose delivery nobody confirmed."""


class Decision(NamedTuple):
    """What a backfill would do with one record, and why."""

    group: Group
    code: str | None = None
    message: str = ""
    customer_id: str | None = None
    month: str | None = None
    amount_paise: int | None = None
    values: Mapping[str, Any] = MappingProxyType({})
    """For a record to change: the exact new values, as they will be stored."""
    unconfirmed: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """Who changed a record last, as the audit trail has it."""

    by: str
    at: datetime | None
    table: str
    doubt: str | None = None
    """The code of what stands against that audit entry."""


def why_left(reason: str, changed: Changed | None) -> str:
    """Why a record was left alone; where it is known also by whom it was changed, and when in India."""
    if changed is None:
        return reason
    doubt = f" (that audit entry is {changed.doubt})" if changed.doubt else ""
    return f"{reason}: {changed.table} by {changed.by}, {format_moment(changed.at)}{doubt}"


@dataclass(frozen=True, slots=True)
class PlanRow:
    """One record of a plan, for people."""

    record: str
    group: str
    """The class; of a record that the run left alone, `drifted` or `failed`."""
    code: str | None
    message: str
    customer_id: str | None
    month: str | None
    amount_paise: int | None
    altered: bool = False
    """Whether it stands in a part of the stored plan that is not what was previewed."""
    changed: Changed | None = None
    """Of a record that a rollback kept: its last change after the run."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A preview's outcome. `run` is None where it was not stored, and `unstored_because` says why."""

    run: str | None
    backfill: str
    digest: str
    options: Options
    created_at: datetime
    summary: Summary
    unstored_because: str | None = None

    @property
    def stored(self) -> bool:
        """Whether the plan can be committed."""
        return self.run is not None

    @property
    def examined(self) -> int:
        """How many records were looked at."""
        return self.summary.examined

    @property
    def classes(self) -> Mapping[Group, Tally]:
        """Records and money by class, every class present."""
        return self.summary.classes

    @property
    def customers(self) -> int:
        """How many customers the change concerns."""
        return self.summary.customers

    @property
    def by_month(self) -> Mapping[str, Tally]:
        """The change by billing month, in order."""
        return self.summary.by_month

    @property
    def review(self) -> Mapping[str, int]:
        """How many records need a person, by reason."""
        return self.summary.review

    @property
    def unconfirmed(self) -> Tally:
        """Of the change, what nobody has confirmed."""
        return self.summary.unconfirmed


def plan_digest(
    backfill: str, options: Options, summary: Summary, classes: Mapping[Group, str], pins: Mapping[Group, str]
) -> str:
    """The digest that a commit names: over the backfill, its options, what people were told, all rows and their pins.

    A plan of an earlier version has no pins.
    """
    told = json.dumps(summary.model_dump(mode="json"), sort_keys=True)
    parts = [backfill, options.model_dump_json(), told, *(classes.get(group, "") for group in summary.classes)]
    parts += [pins[group] for group in summary.classes if group in pins]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def row_body(record: str, key: Any, decision: Decision, depends: bytes) -> Document:
    """A row as it is stored and hashed; `depends` is the digest of the values that the decision rests on."""
    body: Document = {
        "record": record,
        "key": key,
        "group": decision.group,
        "code": decision.code,
        "message": decision.message,
        "customer_id": decision.customer_id,
        "month": decision.month,
        "amount_paise": decision.amount_paise,
    }
    if decision.group == "change":
        body["values"] = dict(decision.values)
        body["depends"] = depends
    return body


def row_view(body: Document, *, altered: bool) -> PlanRow:
    """A stored row for people; of one that somebody altered, what can still be read."""
    code, customer_id, month = (
        value if isinstance(value := body.get(name), str) else None for name in ("code", "customer_id", "month")
    )
    amount = body.get("amount_paise")
    return PlanRow(
        record=str(body.get("record")), group=str(body.get("group")), code=code,
        message=str(body.get("message") or ""), customer_id=customer_id, month=month,
        amount_paise=amount if isinstance(amount, int) and not isinstance(amount, bool) else None, altered=altered,
    )  # fmt: skip
