"""Why a held order is not put into a message."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Literal, TypeAlias

BillObstacle: TypeAlias = Literal["bill-missing", "bill-replaced", "bill-paid", "bill-unclear", "month-paid"]
Obstacle: TypeAlias = BillObstacle | Literal["no-customer", "no-number", "has-message", "run-failed"]
OBSTACLES: Mapping[Obstacle, str] = {
    "no-customer": "The customer's record is gone.",
    "no-number": "The customer has no valid Indian mobile number.",
    "bill-missing": "There is no billing record for it.",
    "bill-replaced": "Another run has billed it since.",
    "bill-paid": "The bill was paid, at least in part.",
    "bill-unclear": "Its bill is not clear: it has several, or one without a month or an amount, or of somebody else.",
    "month-paid": "The customer paid for the month after the bill was made, or on a day that is not known.",
    "has-message": "The customer has a message of this run already, and gets one only.",
    "run-failed": "The run failed to bill another order of the customer: resume it first, for one message about all.",
}
NOT_OWED: Collection[Obstacle] = ("bill-missing", "bill-replaced")
"""Those that stay: this run has nothing to remind of any more."""
