"""What the tests of the validators share: hostile values, and what a result says."""

from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, cast

from bson import Decimal128, ObjectId
from hypothesis import strategies as st

from services.database import Database
from services.validation.billing import BillingValidator
from services.validation.delivery import DeliveryValidator
from services.validation.lookups import Lookups
from services.validation.order import OrderValidator
from services.validation.result import Result
from services.validation.subscription import SubscriptionValidator

TODAY = date(2026, 11, 22)
ACCEPTED = "accepted"
HOSTILE: tuple[Any, ...] = (
    None, "", " ", "x" * 10_000, "\x1b]0;pwned\x07\x00\n", {"$ne": None}, {"$where": "sleep(1)"}, "$where", ".*",
    ["$ne"], [[]], float("nan"), 1e309, -1e309, -0.0, -1, 10**30, -(10**30), Decimal("sNaN"), Decimal128("NaN"),
    Decimal128("-1E+6144"), "2026-02-31", "31 February", "\ud800", "\u202e", b"\xff", ObjectId("0" * 24),
    datetime(1, 1, 1), datetime.max.replace(tzinfo=UTC), "+1 202 555 0147", "८ २", "{{7*7}}", "=cmd()",  # noqa: DTZ001
)  # fmt: skip
ANYTHING: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals() | st.datetimes() | st.binary(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


UNASKED = Lookups(cast(Database, None))
"""For validators of values, which ask no database."""
ORDERS = OrderValidator(UNASKED, TODAY)
BILLING = BillingValidator(UNASKED, TODAY)
DELIVERIES = DeliveryValidator(UNASKED)
SUBSCRIPTIONS = SubscriptionValidator(UNASKED, TODAY)


def says(result: Result) -> str:
    """The code of a result that is not quite in order."""
    assert (result.outcome == "ok") == (result.code is None)
    assert result.field
    assert result.message.endswith((".", "…"))
    return result.code or ACCEPTED


async def none_accepted(ask: Callable[[Any], Awaitable[Result]], *but: Any) -> None:
    """No hostile value is accepted, and each is answered with a sentence of bounded length."""
    for value in HOSTILE:
        if repr(value) not in map(repr, but):  # a signalling NaN compares with nothing
            result = await ask(value)
            assert not result.ok, value
            assert says(result)
            assert len(result.message) < 400
