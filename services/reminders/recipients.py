"""Whom a reminder goes to: an Indian mobile number, a language, and a name that is safe in a message."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from services.database import READ_LIMIT_MS, Database, Document, Session
from services.records.fields import first, identity, text
from services.records.phones import read_phone
from services.text import visible

Language: TypeAlias = Literal["en", "te"]
LANGUAGES: Mapping[Language, str] = {"en": "English", "te": "Telugu"}
_NOBODY: Mapping[Language, str] = {"en": "customer", "te": "వినియోగదారు"}
_MARKS = re.compile("[␀-␡⏎]|‹[0-9A-F]+›")
_LONGEST_NAME = 80
_FIELDS = {"_id": 0, "id": 1, "name": 1, "phone": 1, "phone_number": 1, "language": 1, "preferred_language": 1}


@dataclass(frozen=True, slots=True)
class Recipient:
    """A customer as a reminder addresses them."""

    customer_id: str
    name: str
    """As stored; a message uses `addressed`."""
    phone: str | None
    """E.164; None where there is no valid Indian mobile number."""
    written: str
    """The number as stored."""
    language: Language | None
    """The customer's own, where the record names one."""

    def addressed(self, language: Language) -> str:
        """The name on one line without control or bidirectional characters; a word for it where there is none."""
        plain = " ".join(_MARKS.sub(" ", visible(self.name)).split())
        return plain[:_LONGEST_NAME].rstrip() or _NOBODY[language]


def mobile_number(value: object) -> str | None:
    """A valid Indian mobile number in any writing as E.164 (`+919876543210`); None for anything else."""
    phone = read_phone(value)
    return phone.e164 if phone and phone.indian and phone.mobile else None


def read_language(value: object) -> Language | None:
    """A stored language: a code such as `te` or `te-IN`, or its English name; None for another one."""
    word = text(value).strip().lower()
    for language, name in LANGUAGES.items():
        if word.replace("_", "-").partition("-")[0] == language or word == name.lower():
            return language
    return None


def read_recipient(document: Mapping[str, Any]) -> Recipient:
    """Parse a stored customer; never raises."""
    numbers = [document.get("phone"), document.get("phone_number")]
    return Recipient(
        customer_id=identity(document.get("id")) or "",
        name=text(document.get("name")),
        phone=next((number for each in numbers if (number := mobile_number(each))), None),
        written=text(first(document, "phone", "phone_number")),
        language=read_language(first(document, "language", "preferred_language")),
    )


async def load_recipients(
    database: Database, customer_ids: Iterable[str], session: Session | None = None
) -> dict[str, Recipient]:
    """The customers of these ids, one query."""
    matching: Document = {"id": {"$in": sorted(set(customer_ids))}}
    cursor = database["customers_v2"].find(matching, _FIELDS, session=session)
    found = map(read_recipient, await (cursor if session else cursor.max_time_ms(READ_LIMIT_MS)).to_list())
    return {recipient.customer_id: recipient for recipient in found}
