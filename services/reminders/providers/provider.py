"""What a provider is to the sender: it is asked once for each try, and says what became of the asking."""

from __future__ import annotations

import asyncio
import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias
from urllib.parse import urlsplit

from services.clock import utc_now
from services.reminders.recipients import Language

if TYPE_CHECKING:
    import httpx

Verdict: TypeAlias = Literal["accepted", "refused", "try-again", "throttled", "unclear", "shut-out"]
_SHUT_OUT = (401, 403, 404)
_UNAVAILABLE = 503
_LONGEST_PAUSE = 3600.0
"""Seconds: a longer one would leave a message in the queue for days or years, and nobody would hear of it."""


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A message to hand over."""

    id: str
    """The console's own; providers return it in their notices, none of them tells repetitions apart by it."""
    phone: str
    """E.164."""
    text: str
    language: Language
    parameters: tuple[str, ...]
    """Customer name, amount and period, for a template that the provider knows."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What became of one try.

    `accepted`: the provider has it; `refused`: it never will take this one; `try-again`: it did not take it now;
    `throttled`: it wants a pause of `pause` seconds, of the whole sending or only for this customer; `unclear`: it
    may have it or not; `shut-out`: it refuses this account or address altogether, or no request can be made of them.
    """

    verdict: Verdict
    words: str = ""
    provider_id: str | None = None
    pause: float | None = None
    only_customer: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    """The one POST that hands a message over."""

    url: str
    body: Mapping[str, object]
    headers: Mapping[str, str] = field(repr=False)


class Provider(Protocol):
    """A way to hand messages over. It keeps its secrets to itself: in no text, log or error."""

    name: str
    url: str
    """Where its requests go."""
    configured: Mapping[Language, str]
    """The approved template in each language, where the provider is to send templates."""

    def call(self, message: Outgoing) -> Call:
        """The request for a message: a template where one is configured for its language, else plain text."""

    def read(self, response: httpx.Response) -> Answer:
        """What an answer says; `of_status` reads what the status alone says."""


def on_this_machine(url: str) -> bool:
    """Whether an address is of a loopback interface."""
    try:
        host = urlsplit(url).hostname or ""
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def open_client(provider: Provider, within: float) -> httpx.AsyncClient:
    """A client for `hand_over`. What stays on this machine goes through no proxy that the environment names."""
    import httpx

    return httpx.AsyncClient(timeout=within, trust_env=not on_this_machine(provider.url))


async def hand_over(client: httpx.AsyncClient, provider: Provider, message: Outgoing, within: float) -> Answer:
    """Ask the provider to send the message, once; it has so many seconds to answer.

    A connection that was never made leaves nothing behind: try again. Once the request may have left, a time-out or
    a broken connection says nothing about whether the message goes out, and no provider takes a key that would make
    a second request harmless: unclear. Of a pause that the provider asks for an hour is kept at most.
    """
    import httpx

    call = provider.call(message)
    try:
        request = client.build_request("POST", call.url, json=dict(call.body), headers=dict(call.headers))
        async with asyncio.timeout(within):
            response = await client.send(request)
    except (httpx.InvalidURL, httpx.UnsupportedProtocol, httpx.LocalProtocolError, UnicodeError) as error:
        # Raised before a byte leaves. Only its kind is told: its words may hold the token.
        return Answer("shut-out", f"no request can be made of these settings ({type(error).__name__})")
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout) as error:
        return Answer("try-again", f"{provider.name} cannot be reached ({type(error).__name__}).")
    except (httpx.TransportError, TimeoutError) as error:
        return Answer("unclear", f"{provider.name} did not answer ({type(error).__name__}).")
    except httpx.DecodingError:
        return Answer("unclear", f"{provider.name} gave an unreadable answer.")
    return _capped(provider.read(response))


def _capped(answer: Answer) -> Answer:
    if answer.pause is None or answer.pause <= _LONGEST_PAUSE:
        return answer
    words = f"{answer.words.rstrip('.')}; of the {answer.pause:,.0f} seconds of pause that it asks for, an hour is kept"
    return replace(answer, words=words, pause=_LONGEST_PAUSE)


def no_success(name: str, response: httpx.Response) -> Answer:
    """What a status of success says without the success that the provider's reference describes."""
    return Answer("unclear", f"{name} answered {response.status_code} without saying that it took the message.")


def of_status(response: httpx.Response, words: str) -> Answer:
    """What the status of an error says, with the provider's own words; of one that calls itself a success: refused."""
    status = response.status_code
    told = f"{status}: {words}"[:300]
    if status == 429:
        return Answer("throttled", told, pause=retry_after(response))
    if status == _UNAVAILABLE:
        return Answer("try-again", told, pause=retry_after(response))
    if status >= 500:  # it may have failed after it took the message, or a gateway lost sight of the server behind it
        return Answer("unclear", told)
    if status in _SHUT_OUT or 300 <= status < 400:
        return Answer("shut-out", told)
    return Answer("refused", told)


def retry_after(response: httpx.Response) -> float | None:
    """The pause in seconds that the Retry-After of an answer asks for, as seconds or as a date."""
    from email.utils import parsedate_to_datetime

    value = response.headers.get("retry-after", "").strip()
    if value.isascii() and value.isdecimal():
        return float(value[:9])
    try:
        return max(0.0, (parsedate_to_datetime(value) - utc_now()).total_seconds())
    except (ValueError, TypeError):
        return None


def body_of(response: httpx.Response) -> Mapping[str, object]:
    """The JSON object of an answer; empty where it is something else."""
    try:
        body = response.json()
    except (ValueError, RecursionError):
        return {}
    return body if isinstance(body, dict) else {}
