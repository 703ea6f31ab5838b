"""Phone numbers, in any writing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.records.fields import text

_NUMBER = re.compile(r"\+?[\d\s()./-]{10,24}")
_INDIA = 91
# What the backend and the console call records: long runs of digits that are no phone.
_ID = (
    r"(?i:(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|(?=\d*[a-f])(?:[0-9a-f]{24}|[0-9a-f]{32})"
    r"|run-\d{8}-\d{6}-[0-9a-z]{4})(?![0-9a-z]))"
)
_RUN = re.compile(rf"(?P<id>{_ID})|\+?\d(?:[\s().+/\u2010-\u2015-]{{0,3}}\d){{7,}}")
_DATE = re.compile(r"\d{4}([-/.])\d\d\1\d\d(\s\d\d)?|\d\d([-/.])\d\d\3\d{4}")


@dataclass(frozen=True, slots=True)
class Phone:
    """A number that can be dialled."""

    e164: str
    """`+919876543210`."""
    indian: bool
    mobile: bool


def read_phone(value: object) -> Phone | None:
    """A valid number, Indian unless it says otherwise; None for anything else."""
    import phonenumbers  # heavy, and few need it

    written = text(value).strip()
    if not _NUMBER.fullmatch(written):
        return None
    try:
        number = phonenumbers.parse(written, "IN")
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    mobile = (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE)
    e164 = phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
    return Phone(e164, number.country_code == _INDIA, phonenumbers.number_type(number) in mobile)


def hide_phones(words: str) -> str:
    """What a person typed, with every run of digits that could be a phone in it masked but for the last three.

    Dates and the ids of records are left as they are.
    """
    return _RUN.sub(lambda run: run.group() if run["id"] or _DATE.fullmatch(run.group()) else _hidden(run), words)


def _hidden(run: re.Match[str]) -> str:
    return "•••••" + run.group()[-3:]
