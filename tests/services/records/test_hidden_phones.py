"""What a viewer may not see in a text is masked, and what only looks alike is not."""

import pytest

from services.records.phones import hide_phones


@pytest.mark.parametrize(
    "written",
    ["9876543210", "+91 98765-43210", "098765-43210", "98765 43210", "98765,43210", "98765_43210", "98765:43210",
     "98765\u200b43210", "9109876543210", "98765432.10", "987-654-3210", "98-76-54-32-10", "080 2345 6789",
     "+44 7911 123456"],
)  # fmt: skip
@pytest.mark.parametrize(
    "beside", ["{}", "call {}, please", "{} 2026-10-15", "2026-10-15 {} 12.50", "UTR 412345678901: {}"]
)
def test_a_phone_is_masked_in_any_writing_whatever_stands_beside_it(written: str, beside: str) -> None:
    shown = hide_phones(beside.format(written))
    assert "•••••" in shown
    assert shown.replace("•••••", "").count("9876") == 0
    assert "".join(filter(str.isdigit, written))[:-3] not in "".join(filter(str.isdigit, shown))
    for kept in ("2026-10-15", "12.50", "412345678901"):
        assert (kept in shown) == (kept in beside)


@pytest.mark.parametrize(
    "written",
    ["Paid UTR 412345678901 180 rupees on 2026-10-15 2 packets", "15/10/2026 180", "2026-10-15 250 ml",
     "2026-10-15 (2026-10-14)", "2026-10-15/2026-10-16", "10:00:00 2026-10-15", "2026-10-15 1200.00 (3)",
     "UTR 412345678901/1", "BILL-20261015-0001234", "1,23,45,678.00", "2026-10-15T06:12:00+05:30", "0.123456789",
     "run-20261122-100000-k3v9", "6b036adf-6160-49e6-8f49-0000000000ab"],
)  # fmt: skip
def test_days_amounts_ids_and_payments_stay(written: str) -> None:
    assert hide_phones(written) == written
