"""The words of a reminder: the templates in the database, checked before they are used, rendered in a sandbox.

A template may write `customer_name`, `amount`, `period`, `orders`, `business_name` and `upi_id`, choose between words
with `if`, and use a few filters. Nothing else is let through: no loop, no call, no attribute, no arithmetic. So a
template can neither reach Python's internals nor run for long, and its text is at most some times its own length.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from services.database import READ_LIMIT_MS, Database, told
from services.errors import Refused
from services.money import format_rupees
from services.records.fields import text
from services.reminders.recipients import LANGUAGES, Language, Recipient, read_language

if TYPE_CHECKING:
    from jinja2 import Template
    from jinja2.sandbox import ImmutableSandboxedEnvironment

LONGEST_TEXT = 4096
"""What a WhatsApp text message holds, in characters."""
_LONGEST_TEMPLATE = 8_000
_NAMES = ("customer_name", "amount", "period", "orders", "business_name", "upi_id")
_FILTERS = ("upper", "lower", "title", "capitalize", "trim", "default", "d")
_NODES = (
    "Template", "Output", "TemplateData", "Name", "Const", "Filter", "If", "CondExpr", "Compare", "Operand", "And",
    "Or", "Not",
)  # fmt: skip
_CURRENCY = re.compile(r"₹|\bRs\b|\bINR\b|రూ", re.IGNORECASE)
_SETTINGS_FIELDS: Mapping[Language, str] = {"en": "whatsapp_template_english", "te": "whatsapp_template_telugu"}


@dataclass(frozen=True)
class Wording:
    """A checked template."""

    language: Language
    name: str
    """Where it stands: the template's name, or the field of the settings."""
    _template: Template
    _writes_currency: bool
    _business: Mapping[str, str]

    def context(self, recipient: Recipient, amount_paise: int, months: Sequence[str]) -> dict[str, str]:
        """What is filled in. The amount carries ₹ unless the template writes a currency itself."""
        amount = format_rupees(amount_paise)
        return {
            "customer_name": recipient.addressed(self.language),
            "amount": amount.removeprefix("₹") if self._writes_currency else amount,
            "period": months_in_words(months, self.language),
        }

    def render(self, context: Mapping[str, str], orders: int) -> str:
        """The message.

        Raises Refused for one that does not render, comes out empty, or is too long.
        """
        from jinja2 import TemplateError

        try:
            words = self._template.render(**context, orders=orders, **self._business).strip()
        except (TemplateError, TypeError, ValueError) as error:
            raise _refusal(self.name, f"it does not render: {str(error).rstrip('.')}") from None
        if not words:
            raise _refusal(self.name, "it comes out empty")
        if len(words) > LONGEST_TEXT:
            raise _refusal(self.name, f"its text is longer than the {LONGEST_TEXT} characters of a message")
        return words


@dataclass(frozen=True)
class Wordings:
    """The templates of a database, by language, and the language of customers whose record names none."""

    by_language: Mapping[Language, Wording]
    default: Language

    def for_recipient(self, recipient: Recipient) -> Wording:
        """The customer's own language where there is a template in it, else the default."""
        own = self.by_language.get(recipient.language) if recipient.language else None
        return own or self.by_language[self.default]


async def load_wordings(database: Database, default: Language) -> Wordings:
    """The active WhatsApp templates for payment reminders, the newest of each language; else those in the settings.

    `default` is the language of customers whose record has no `language` (or `preferred_language`) with a template.
    Raises Refused for a template that may not be used, and where there is none in the default language.
    """
    wanted = {"type": "payment_reminder", "channel": "whatsapp", "active": True}
    with told():
        cursor = database["notification_templates"].find(wanted).sort("_id").max_time_ms(READ_LIMIT_MS)
        stored = await cursor.to_list()
        settings = await database["system_settings"].find().sort("_id").limit(1).to_list()
    company = settings[0] if settings else {}
    sources: dict[Language, tuple[str, str]] = {
        language: (f"system_settings.{field}", text(company[field]))
        for language, field in _SETTINGS_FIELDS.items() if text(company.get(field)).strip()
    }  # fmt: skip
    for document in stored:
        if (language := read_language(document.get("language"))) and (content := text(document.get("content"))):
            sources[language] = (text(document.get("name")) or language, content)
    if default not in sources:
        raise Refused(
            "no-template",
            f"There is no {LANGUAGES[default]} template: neither an active notification_templates document of type "
            f"payment_reminder and channel whatsapp, nor system_settings.{_SETTINGS_FIELDS[default]}.",
        )
    business = {name: text(company.get(name)) for name in ("business_name", "upi_id")}
    return Wordings({each: check(each, *source, business) for each, source in sources.items()}, default)


def check(language: Language, name: str, content: str, business: Mapping[str, str]) -> Wording:
    """A template that may be used.

    Raises Refused, with the reason, for one that may not, or that does not render.
    """
    from jinja2 import TemplateError, nodes

    if len(content) > _LONGEST_TEMPLATE:
        raise _refusal(name, f"it is longer than {_LONGEST_TEMPLATE} characters")
    environment = _environment()
    try:
        for node in environment.parse(content).find_all(nodes.Node):
            if reason := _why_not(node):
                raise _refusal(name, reason)
        template = environment.from_string(content)
    except TemplateError as error:
        raise _refusal(name, f"it is not a template: {str(error).rstrip('.')}") from None
    except (RecursionError, SyntaxError, MemoryError):  # the limits of Python's own compiler
        raise _refusal(name, "it is nested too deeply") from None
    wording = Wording(language, name, template, bool(_CURRENCY.search(content)), business)
    example = Recipient("", "Asha Rao", None, "", language)
    wording.render(wording.context(example, 12_345_600, ["2026-10"]), 2)
    return wording


def months_in_words(months: Sequence[str], language: Language) -> str:
    """Billing months such as `2026-10` for people: October 2026; September 2026 and October 2026."""
    from babel.dates import format_date
    from babel.lists import format_list

    locale = {"en": "en_IN", "te": "te"}[language]
    words = [format_date(date.fromisoformat(f"{month}-01"), "MMMM y", locale=locale) for month in sorted(set(months))]
    return format_list(words, locale=locale)


def _environment() -> ImmutableSandboxedEnvironment:
    from jinja2 import StrictUndefined
    from jinja2.sandbox import ImmutableSandboxedEnvironment

    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined, autoescape=False)
    environment.globals.clear()
    return environment


def _why_not(node: Any) -> str | None:
    kind = type(node).__name__
    if kind == "Name":
        known = node.name in _NAMES and node.ctx == "load"
        return None if known else f"it uses {node.name!r}; what it may use is {', '.join(_NAMES)}"
    if kind == "Filter":
        return None if node.name in _FILTERS else f"it uses the filter {node.name!r}; it may use {', '.join(_FILTERS)}"
    if kind in ("Getattr", "Getitem"):
        return f"it reaches into a value ({getattr(node, 'attr', 'by index')!r}), which no reminder needs"
    if kind == "For":
        return "it has a loop, which no reminder needs"
    return None if kind in _NODES else f"it uses {kind.lower()!r}, which no reminder needs"


def _refusal(name: str, reason: str) -> Refused:
    return Refused("template-refused", f"The template {name} is refused: {reason}. Nothing was released.")
