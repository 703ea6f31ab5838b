"""Addresses: whom to call, where to write, where to drive."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from services.money import exact
from services.records.fields import text
from services.records.phones import read_phone
from services.validation.postal import circle_of, circle_of_state, read_pincode
from services.validation.result import Result, accepted, refused, warned

REQUIRED = ("address_line1", "city", "pincode")
_LONGEST_EMAIL = 254
_SOUTH, _NORTH = Decimal("6.5"), Decimal("37.5")
_WEST, _EAST = Decimal("68.0"), Decimal("97.5")


class AddressValidator:
    """Four validators; their messages tell no private detail, so that they can be shown where values are masked."""

    async def phone(self, value: object) -> Result:
        """A valid Indian number in any writing; a warning where no message reaches it or no search finds it."""
        field, written = "phone", text(value).strip()
        if not written:
            return refused("phone-missing", field, value, "There is no phone number.")
        phone = read_phone(value)
        if phone is None:
            return refused("phone-invalid", field, value, "It is not a valid phone number.")
        if not phone.indian:
            return refused("phone-foreign", field, value, "It is a number of another country; Indian ones serve here.")
        if not written.isascii():
            return warned("phone-digits", field, value, "It is valid, but written in digits that no search looks for.")
        if not phone.mobile:
            return warned("phone-not-mobile", field, value, "It is valid, but no mobile; messages do not reach it.")
        return accepted(field, value, "It is an Indian mobile number.")

    async def email(self, value: object) -> Result:
        """An address that is well formed; whether it receives mail, nobody is asked."""
        field = "email"
        if not isinstance(value, str) or not value.strip():
            return refused("email-missing", field, value, "There is no e-mail address.")
        if len(value) > _LONGEST_EMAIL:
            return refused("email-invalid", field, value, f"It is longer than {_LONGEST_EMAIL} characters.")
        from email_validator import EmailNotValidError, validate_email  # heavy, and few need it

        try:
            validate_email(value.strip(), check_deliverability=False)
        except EmailNotValidError as error:
            return refused("email-invalid", field, value, f"It is not an e-mail address: {error}")
        return accepted(field, value, "It is well formed.")

    async def pincode(self, address: Mapping[str, Any]) -> Result:
        """The pincode of an address, which also has the other fields that it needs (`REQUIRED`)."""
        missing = [name for name in REQUIRED if not text(address.get(name)).strip()]
        if missing:
            words = f"The address lacks {', '.join(missing)}."
            return refused("address-incomplete", missing[0], address.get(missing[0]), words)
        field, value = "pincode", address.get("pincode")
        pincode = read_pincode(text(value))
        if pincode is None:
            return refused("pincode-malformed", field, value, "A pincode has six digits, the first not 0.")
        circle = circle_of(pincode)
        if circle is None:
            return warned("pincode-unknown", field, value, f"No postal circle begins with {pincode[:2]}.")
        stated = circle_of_state(text(address.get("state")))
        if stated not in (circle, None):
            return warned(
                "pincode-elsewhere", field, value, f"It is of the postal circle {circle}, the state of {stated}."
            )
        return accepted(field, value, f"It is of the postal circle {circle}.")

    async def coordinates(self, latitude: object, longitude: object) -> Result:
        """Degrees on the globe; a warning where they lie outside India or seem to be swapped."""
        field, value = "latitude, longitude", [latitude, longitude]
        north, east = exact(latitude), exact(longitude)
        if north is None or east is None:
            return refused("coordinates-unreadable", field, value, "Latitude and longitude are not both numbers.")
        swapped = _in_india(east, north)
        if not (abs(north) <= 90 and abs(east) <= 180) and not swapped:
            words = "Latitude goes from -90 to 90, longitude from -180 to 180."
            return refused("coordinates-impossible", field, value, words)
        if swapped:
            words = "They lie in India the other way round; latitude and longitude seem to be swapped."
            return warned("coordinates-swapped", field, value, words)
        if not _in_india(north, east):
            return warned("coordinates-abroad", field, value, "They lie outside India.")
        return accepted(field, value, "They lie in India.")


def _in_india(north: Decimal, east: Decimal) -> bool:
    return _SOUTH <= north <= _NORTH and _WEST <= east <= _EAST
