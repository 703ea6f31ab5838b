"""India Post's circles by the first two digits of a pincode."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PINCODE = re.compile(r"([1-9][0-9]{2}) ?([0-9]{3})", re.ASCII)

_BEGINNINGS: Mapping[str, range] = {
    "Delhi": range(11, 12),
    "Haryana": range(12, 14),
    "Punjab and Chandigarh": range(14, 17),
    "Himachal Pradesh": range(17, 18),
    "Jammu & Kashmir and Ladakh": range(18, 20),
    "Uttar Pradesh and Uttarakhand": range(20, 29),
    "Rajasthan": range(30, 35),
    "Gujarat": range(36, 40),
    "Maharashtra and Goa": range(40, 45),
    "Madhya Pradesh": range(45, 49),
    "Chhattisgarh": range(49, 50),
    "Telangana": range(50, 51),
    "Andhra Pradesh": range(51, 54),
    "Karnataka": range(56, 60),
    "Tamil Nadu and Puducherry": range(60, 67),
    "Kerala and Lakshadweep": range(67, 70),
    "West Bengal, Sikkim and Andaman & Nicobar": range(70, 75),
    "Odisha": range(75, 78),
    "Assam": range(78, 79),
    "North East": range(79, 80),
    "Bihar and Jharkhand": range(80, 86),
    "Army Post": range(90, 100),
}
"""Where two circles share a beginning, both are named."""
_CIRCLES = {str(number): circle for circle, numbers in _BEGINNINGS.items() for number in numbers}


def read_pincode(value: str) -> str | None:
    """The six digits of a pincode, also written as `560 038`; None for anything else."""
    found = _PINCODE.fullmatch(value.strip())
    return "".join(found.groups()) if found else None


def circle_of(pincode: str) -> str | None:
    """The postal circle of a pincode of six digits; None where no circle begins so."""
    return _CIRCLES.get(pincode[:2])


def circle_of_state(state: str) -> str | None:
    """The circle whose name holds that state's; None for a state that none names, or an unknown spelling."""
    wanted = " ".join(state.casefold().split())
    states = ((circle, re.split(", | and ", circle.casefold())) for circle in _BEGINNINGS)
    return next((circle for circle, names in states if wanted in names), None)
