"""Phone numbers, in any writing."""

from __future__ import annotations

import re
from dataclasses import dataclass

from services.records.fields import text

_NUMBER = re.compile(r"\+?[\d\s()./-]{10,24}")
_INDIA = 91
# What the backend and the console call records, and times: long runs of digits that are no phone.
_ID = (
    r"(?i:(?<![0-9a-z])(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}(?:-[0-9a-f]{12})?"
    r"|(?=\d*[a-f])(?:[0-9a-f]{24}|[0-9a-f]{32}|[0-9a-f]{40}|[0-9a-f]{64})"
    r"|run-\d{8}-\d{6}-[0-9a-z]{4})(?![0-9a-z]))"
)
_TIME = r"(?<!\d)\d{4}-\d\d-\d\d[T ]\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?(?!\d)"
# An Indian mobile is told from all else by its two halves, whatever stands between them.
_HALVES = r"(?<!\d)(?:\+?91)?[6-9]\d{4}[^0-9A-Za-z]{1,4}\d{5}(?!\d)"
_DAY = (
    r"\d{4}(?P<first>[-/.])[01]\d(?P=first)[0-3]\d|[0-3]\d(?P<second>[-/.])[01]\d(?P=second)\d{4}"
    r"|20\d\d[01]\d[0-3]\d(?:-\d{1,6})?"
)
_PAYMENT = r"(?!(?:(?:0{0,2}910?|0)?[2-9][0-9]{9}){1,2}(?![0-9]))[0-9]{12,23}"
# Days, also of a serial number; amounts and fractions; what banks call a payment, twelve digits and more.
_AMOUNT = r"(?:[1-5]\d{7}|\d{1,7})\.\d{1,2}|0\.\d+"
_KNOWN = re.compile(rf"(?<![\d.+])(?:{_DAY}|{_AMOUNT}|{_PAYMENT})(?![\d.])")
_RUN = re.compile(
    rf"(?P<whole>{_ID}|{_TIME}|{_KNOWN.pattern})|{_HALVES}|\+?\d(?:[\s().+/\u2010-\u2015-]{{0,3}}\d){{7,}}"
)
_BETWEEN = " \t\n/-(."
_LEAST = 8
"""Digits of what can be a phone."""
_INDIAN = re.compile(
    rf"(?P<whole>{_ID})|(?<![0-9a-zA-Z])(?:\+?(?:00)?91[ -]?|0)?[6-9]\d{{4}}[ -]?\d{{5}}(?![0-9a-zA-Z])"
)


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


def hide_phones(words: str, *, reference: bool = False) -> str:
    """A text with every run of digits that could be a phone in it masked but for the last three.

    Days, times, amounts, the ids of records and of payments stay whole. Where the text is a `reference` to a record or
    a payment, only a number as Indian phones have it is masked.
    """
    return (_INDIAN if reference else _RUN).sub(_hidden, words)


def _hidden(run: re.Match[str]) -> str:
    words = run.group()
    if run["whole"]:
        return words
    shown, at = "", 0
    for known in _KNOWN.finditer(words):
        shown += _mask(words[at : known.start()]) + known.group()
        at = known.end()
    return shown + _mask(words[at:])


def _mask(words: str) -> str:
    """What is left of a run of digits beside what is known, masked where it can be a phone."""
    if sum(map(str.isdigit, words)) < _LEAST:
        return words
    begins = len(words) - len(words.lstrip(_BETWEEN))
    ends = len(words.rstrip(_BETWEEN))
    return f"{words[:begins]}•••••{words[ends - 3 : ends]}{words[ends:]}"
