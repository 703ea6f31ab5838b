"""The account at a provider, as the settings tell it, and the provider that it opens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

from pydantic import SecretStr

from services.errors import BadRequest, Refused
from services.reminders.providers.provider import Provider, on_this_machine
from services.reminders.recipients import Language

Kind: TypeAlias = Literal["whatsapp", "myoperator"]


@dataclass(frozen=True)
class Account:
    """What a provider needs to know of us; `kind` None where none is configured."""

    kind: Kind | None = None
    token: SecretStr | None = None
    phone_number_id: str | None = None
    company_id: str | None = None
    waba_id: str | None = None
    base: str | None = None
    version: str | None = None
    templates: Mapping[Language, str] = field(default_factory=dict)
    """The names of the approved templates at the provider; without one, plain text is sent."""


def open_provider(account: Account, *, demo: bool = False) -> Provider:
    """The provider of the account.

    Raises Refused where none is configured, and on demo data for any but one on this machine: the numbers there may
    be somebody's. Raises BadRequest for an account that lacks something or would send its token in the clear.
    """
    from services.reminders.providers import myoperator, whatsapp

    if account.kind is None:
        raise Refused(
            "no-provider",
            "No provider is configured, so nothing is sent. Set reminder_provider (whatsapp or myoperator), "
            "reminder_token and reminder_phone_number_id in the environment or the settings file.",
        )
    base = account.base or {"whatsapp": whatsapp.BASE, "myoperator": myoperator.BASE}[account.kind]
    local = on_this_machine(base)
    if not base.startswith("https://") and not (local and base.startswith("http://")):
        raise BadRequest("bad-setting", "reminder_url must begin with https://: the token goes there.")
    if demo and not local:
        raise Refused("demo-data", "This is demo or test data, and its numbers may be somebody's: nothing is sent.")
    token = _required(account.token.get_secret_value() if account.token else None, "reminder_token")
    phone_number_id = _required(account.phone_number_id, "reminder_phone_number_id")
    if account.kind == "whatsapp":
        version = account.version or whatsapp.VERSION
        return whatsapp.WhatsAppCloud(base, version, phone_number_id, token, account.templates)
    company_id = _required(account.company_id, "reminder_company_id")
    return myoperator.MyOperator(base, company_id, phone_number_id, account.waba_id, token, account.templates)


def _required(value: str | None, name: str) -> str:
    if not value:
        raise BadRequest("bad-setting", f"The provider also needs the setting {name}.")
    if not value.isascii() or not value.isprintable() or " " in value:  # they go into the request's head
        raise BadRequest("bad-setting", f"{name} holds characters that no token or id has.")
    return value
