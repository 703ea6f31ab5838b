"""MyOperator's WhatsApp API.

Its public reference: `POST https://publicapi.myoperator.co/chat/messages` with a bearer API key and the header
`X-MYOP-COMPANY-ID`; `phone_number_id`, `waba_id`, `customer_country_code`, `customer_number` without it, `data` of
type `text` (`context.body`) or `template` (`context.template_name`, `language`, and `body` by position), and
`myop_ref_id`, an own reference. A success says `"status": "success"`; a wrong company id is a 403. The reference is
not said to keep repetitions apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from services.records.fields import mapping, text
from services.reminders.providers.provider import Answer, Call, Outgoing, body_of, no_success, of_status
from services.reminders.recipients import Language

if TYPE_CHECKING:
    import httpx

BASE = "https://publicapi.myoperator.co"
_ERRORS = ("error", "fail", "failed", "failure")


class MyOperator:
    """Hands messages to MyOperator."""

    name = "MyOperator"

    def __init__(
        self,
        base: str,
        company_id: str,
        phone_number_id: str,
        waba_id: str | None,
        token: str,
        configured: Mapping[Language, str],
    ) -> None:
        self.configured = configured
        self.url = f"{base.rstrip('/')}/chat/messages"
        self._ids = {"phone_number_id": phone_number_id} | ({"waba_id": waba_id} if waba_id else {})
        self._headers = {"Authorization": f"Bearer {token}", "X-MYOP-COMPANY-ID": company_id}

    def call(self, message: Outgoing) -> Call:
        """A template where one is configured for the language, else plain text."""
        context: dict[str, Any] = {"body": message.text, "preview_url": False}
        name = self.configured.get(message.language)
        if name:
            words = {str(number): each for number, each in enumerate(message.parameters, 1)}
            context = {"template_name": name, "language": message.language, "body": words}
        body = {
            **self._ids,
            "customer_country_code": "91",
            "customer_number": message.phone.removeprefix("+91"),
            "data": {"type": "template" if name else "text", "context": context},
            "reply_to": None,
            "myop_ref_id": message.id,
        }
        return Call(self.url, body, self._headers)

    def read(self, response: httpx.Response) -> Answer:
        """A success says so in its body; an error's message is in `message` or `errors`."""
        body = body_of(response)
        words = text(body.get("message")) or text(mapping(body.get("errors")).get("message")) or "no reason given"
        if not response.is_success:
            return of_status(response, words)
        status = text(body.get("status")).lower()
        if status in _ERRORS or body.get("success") is False:
            return of_status(response, words)
        if status != "success":
            return no_success(self.name, response)
        return Answer("accepted", provider_id=text(mapping(body.get("data")).get("message_id")) or None)
