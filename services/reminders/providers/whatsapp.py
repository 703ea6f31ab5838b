"""The WhatsApp Business Cloud API.

Its reference: `POST {base}/{version}/{phone number id}/messages` with a bearer token; a `text` message, or outside of
a customer's 24-hour window a `template` that was approved, with positional body parameters. A success holds
`messages[0].id`; an error holds `error.code` and `error.message`. Limits: 80 messages a second per business number
(130429), one per 6 seconds to the same customer (131056). `biz_opaque_callback_data` comes back in notices only:
there is no key against repetition.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.records.fields import mapping, mappings, text
from services.reminders.providers.provider import Answer, Call, Outgoing, body_of, no_success, of_status, retry_after
from services.reminders.recipients import Language

if TYPE_CHECKING:
    import httpx

BASE = "https://graph.facebook.com"
VERSION = "v23.0"
_PAIR_LIMIT = 131056
_RATE_LIMITS = (4, 80007, 130429)
_BAD_TOKEN = (190,)


class WhatsAppCloud:
    """Hands messages to the Cloud API."""

    name = "WhatsApp"

    def __init__(
        self, base: str, version: str, phone_number_id: str, token: str, configured: Mapping[Language, str]
    ) -> None:
        self.configured = configured
        self.url = f"{base.rstrip('/')}/{version}/{phone_number_id}/messages"
        self._token = token

    def call(self, message: Outgoing) -> Call:
        """A template where one is configured for the language, else plain text."""
        body: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "recipient_type": "individual",
            "to": message.phone,
            "biz_opaque_callback_data": message.id,
        }
        if name := self.configured.get(message.language):
            words = [{"type": "text", "text": each} for each in message.parameters]
            components = [{"type": "body", "parameters": words}]
            template = {"name": name, "language": {"code": message.language}, "components": components}
            body |= {"type": "template", "template": template}
        else:
            body |= {"type": "text", "text": {"preview_url": False, "body": message.text}}
        return Call(self.url, body, {"Authorization": f"Bearer {self._token}"})

    def read(self, response: httpx.Response) -> Answer:
        """The id of an accepted message, else the error's code and message; a success without either is unclear."""
        body = body_of(response)
        sent, error = mappings(body.get("messages")), mapping(body.get("error"))
        if response.is_success and (identity := text(sent[0].get("id")) if sent else ""):
            return Answer("accepted", provider_id=identity)
        if response.is_success and not error:
            return no_success(self.name, response)
        code, words = error.get("code"), f"{text(error.get('message')) or 'no reason given'}"
        if code == _PAIR_LIMIT:
            return Answer("throttled", words, pause=retry_after(response), only_customer=True)
        if code in _RATE_LIMITS:
            return Answer("throttled", words, pause=retry_after(response))
        if code in _BAD_TOKEN:
            return Answer("shut-out", words)
        return of_status(response, words)
