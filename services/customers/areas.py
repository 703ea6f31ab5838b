"""Areas for people."""

from __future__ import annotations

NO_AREA, NO_CUSTOMER = "no area", "customer not known"


def area_name(area: str | None) -> str:
    """An area in words; None stands for a customer who is not known, the empty one for none on record."""
    return NO_CUSTOMER if area is None else area or NO_AREA
