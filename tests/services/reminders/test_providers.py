"""The two providers: what they are sent, what their answers mean, and that the token goes nowhere else."""

from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from services.errors import BadRequest, Refused
from services.reminders.providers.account import Account, open_provider
from services.reminders.providers.myoperator import MyOperator
from services.reminders.providers.provider import (
    Answer,
    Outgoing,
    Provider,
    hand_over,
    on_this_machine,
    open_client,
    retry_after,
)
from services.reminders.providers.whatsapp import WhatsAppCloud
from tests.services.reminders.providing import ProviderServer, Reply, serving

MESSAGE = Outgoing("m-1", "+919876543210", "Dear Asha", "te", ("Asha", "180.00", "October 2026"))
CLOUD = Account("whatsapp", SecretStr("s3cret"), "555")


async def ask(provider: Provider, message: Outgoing = MESSAGE) -> Answer:
    async with open_client(provider, 5) as client:
        return await hand_over(client, provider, message, 5)


class TestWhatsAppCloud:
    async def test_a_text_goes_to_the_number_with_the_token(self, server: ProviderServer) -> None:
        server.rule = lambda asked, count: Reply(body={"messages": [{"id": "wamid.7"}]})
        answer = await ask(WhatsAppCloud(server.url, "v23.0", "555", "s3cret", {}))
        assert answer == Answer("accepted", provider_id="wamid.7")
        (asked,) = server.asked
        assert asked.path == "/v23.0/555/messages"
        assert asked.headers["Authorization"] == "Bearer s3cret"
        assert asked.body == {
            "messaging_product": "whatsapp", "recipient_type": "individual", "to": "+919876543210",
            "biz_opaque_callback_data": "m-1", "type": "text", "text": {"preview_url": False, "body": "Dear Asha"},
        }  # fmt: skip

    async def test_an_approved_template_is_filled_in_by_position(self, server: ProviderServer) -> None:
        await ask(WhatsAppCloud(server.url, "v23.0", "555", "s3cret", {"te": "bill_te"}))
        template = server.asked[0].body["template"]
        assert (template["name"], template["language"]) == ("bill_te", {"code": "te"})
        assert [each["text"] for each in template["components"][0]["parameters"]] == list(MESSAGE.parameters)

    @pytest.mark.parametrize(
        ("reply", "verdict", "pause"),
        [
            (Reply(429, {}, {"Retry-After": "17"}), "throttled", 17.0),
            (Reply(400, {"error": {"code": 131056, "message": "pair"}}), "throttled", None),
            (Reply(400, {"error": {"code": 80007}}), "throttled", None),
            (Reply(400, {"error": {"code": 131026, "message": "no"}}), "refused", None),
            (Reply(400, b"nonsense"), "refused", None),
            (Reply(400, [1, 2]), "refused", None),
            (Reply(401, {"error": {"code": 190}}), "shut-out", None),
            (Reply(302, {}, {"Location": "http://127.0.0.1:1/"}), "shut-out", None),
            (Reply(500, {"error": {"code": 131000}}), "unclear", None),
            (Reply(500, {"error": {"code": 130429}}), "throttled", None),
            (Reply(429, {}, {"Retry-After": "\u00b2"}), "throttled", None),
            (Reply(503, b""), "try-again", None),
            (Reply(503, b"", {"Retry-After": "Sun, 22 Nov 2020 10:00:00 GMT"}), "try-again", 0.0),
            (Reply(502, b""), "unclear", None),
            (Reply(drop=True), "unclear", None),
            (Reply(200, b"<html>Sign in to the network</html>"), "unclear", None),
            (Reply(200, b""), "unclear", None),
            (Reply(204, b""), "unclear", None),
            (Reply(200, {"messages": []}), "unclear", None),
            (Reply(200, {"messages": [{"id": None}]}), "unclear", None),
            (Reply(200, {"error": None}), "unclear", None),
            (Reply(200, {"error": {"code": 131026, "message": "Message undeliverable"}}), "refused", None),
            (Reply(200, {"error": {"code": 130429}}, {"Retry-After": "7"}), "throttled", 7.0),
            (Reply(200, {"error": {"code": 190}}), "shut-out", None),
            (Reply(200, {"messages": [{"id": "wamid.1", "message_status": "held"}]}), "accepted", None),
            (Reply(429, {}, {"Retry-After": "99999999"}), "throttled", 3600.0),
        ],
    )
    async def test_what_an_answer_means(
        self, server: ProviderServer, reply: Reply, verdict: str, pause: float | None
    ) -> None:
        server.rule = lambda asked, count: reply
        answer = await ask(WhatsAppCloud(server.url, "v23.0", "555", "s3cret", {}))
        assert (answer.verdict, answer.pause) == (verdict, pause)
        assert len(server.asked) == 1
        assert "s3cret" not in answer.words


class TestMyOperator:
    async def test_a_text_goes_with_country_code_and_company(self, server: ProviderServer) -> None:
        server.rule = lambda asked, count: Reply(body={"status": "success", "code": "200", "message": "Message Sent"})
        answer = await ask(MyOperator(server.url, "company", "555", "waba", "s3cret", {}))
        assert answer.verdict == "accepted"
        (asked,) = server.asked
        assert asked.path == "/chat/messages"
        assert (asked.headers["Authorization"], asked.headers["X-MYOP-COMPANY-ID"]) == ("Bearer s3cret", "company")
        assert asked.body == {
            "phone_number_id": "555", "waba_id": "waba", "customer_country_code": "91",
            "customer_number": "9876543210", "reply_to": None, "myop_ref_id": "m-1",
            "data": {"type": "text", "context": {"body": "Dear Asha", "preview_url": False}},
        }  # fmt: skip

    async def test_a_template_is_filled_in_by_number(self, server: ProviderServer) -> None:
        await ask(MyOperator(server.url, "company", "555", None, "s3cret", {"te": "bill_te"}))
        assert server.asked[0].body["data"] == {
            "type": "template",
            "context": {
                "template_name": "bill_te", "language": "te",
                "body": {"1": "Asha", "2": "180.00", "3": "October 2026"},
            },
        }  # fmt: skip

    @pytest.mark.parametrize(
        ("reply", "verdict"),
        [
            (Reply(200, {"status": "error", "message": "WABA disabled"}), "refused"),
            (Reply(200, {"status": "fail", "message": "insufficient balance"}), "refused"),
            (Reply(200, {"success": False, "code": "x", "message": "invalid number"}), "refused"),
            (Reply(200, b"<html>maintenance</html>"), "unclear"),
            (Reply(200, {"message": "Message Sent"}), "unclear"),
            (Reply(200, {"status": "success"}), "accepted"),
            (Reply(400, {"message": "bad"}), "refused"),
            (Reply(403, {"message": "Invalid company ID!"}), "shut-out"),
            (Reply(500, {"message": None}), "unclear"),
            (Reply(503, {"message": None}), "try-again"),
            (Reply(429, {}), "throttled"),
        ],
    )
    async def test_what_an_answer_means(self, server: ProviderServer, reply: Reply, verdict: str) -> None:
        server.rule = lambda asked, count: reply
        assert (await ask(MyOperator(server.url, "company", "555", None, "s3cret", {}))).verdict == verdict


@pytest.mark.parametrize(
    ("base", "version", "token"),
    [
        ("ftp://127.0.0.1", "v23.0", "s3cret"),
        ("http://127.0.0.1:x", "v23.0", "s3cret"),
        (None, "v23\x01", "s3cret"),
        (None, "v23.0", "s3cret\n"),
        (None, "v23.0", "s3crét"),
    ],
)
async def test_settings_that_make_no_request_shut_the_sending_out_and_tell_no_token(
    server: ProviderServer, base: str | None, version: str, token: str
) -> None:
    answer = await ask(WhatsAppCloud(base or server.url, version, "555", token, {}))
    assert answer.verdict == "shut-out"
    assert "s3cr" not in answer.words
    assert server.asked == []


async def test_what_stays_on_this_machine_goes_through_no_proxy(
    server: ProviderServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
    with serving() as proxy:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, proxy.url)
        answer = await ask(WhatsAppCloud(server.url, "v23.0", "555", "s3cret", {}))
        assert (answer.verdict, len(server.asked), proxy.asked) == ("accepted", 1, [])
        await ask(WhatsAppCloud("http://provider.example", "v23.0", "555", "s3cret", {}))
        assert len(proxy.asked) == 1


@pytest.mark.parametrize(
    ("url", "local"),
    [("http://127.0.0.1:9/x", True), ("https://localhost", True), ("http://[::1]:9", True), ("http://127.8.8.8", True),
     ("http://localhost.example", False), ("http://10.0.0.1", False), ("http://127.0.0.1@example.in", False),
     ("http://[", False), ("", False)],
)  # fmt: skip
def test_this_machine_is_told_from_others(url: str, local: bool) -> None:
    assert on_this_machine(url) is local


@pytest.mark.parametrize("value", ["\u00b2", "\u0967\u0968", "soon", "-3", ""])
def test_a_pause_that_cannot_be_read_is_none(value: str) -> None:
    assert retry_after(httpx.Response(429, headers=[(b"Retry-After", value.encode())])) is None


class TestOpening:
    def test_without_a_provider_it_is_told_how_to_configure_one(self) -> None:
        with pytest.raises(Refused) as refusal:
            open_provider(Account())
        assert refusal.value.code == "no-provider"

    @pytest.mark.parametrize(
        "fields",
        [{"token": None}, {"token": SecretStr("s3cr\net")}, {"phone_number_id": ""}, {"base": "http://example.in"},
         {"kind": "myoperator"}, {"phone_number_id": "55\n5"}, {"phone_number_id": "५५५"},
         {"kind": "myoperator", "company_id": "co mpany"}, {"kind": "myoperator", "company_id": "company\r\nX: 1"}],
    )  # fmt: skip
    def test_an_account_that_cannot_work_is_refused_without_its_token(self, fields: dict[str, Any]) -> None:
        from dataclasses import replace

        with pytest.raises(BadRequest) as refusal:
            open_provider(replace(CLOUD, **fields))
        assert "s3cr" not in refusal.value.message

    def test_demo_data_goes_to_this_machine_only(self) -> None:
        from dataclasses import replace

        with pytest.raises(Refused) as refusal:
            open_provider(CLOUD, demo=True)
        assert refusal.value.code == "demo-data"
        assert open_provider(replace(CLOUD, base="http://127.0.0.1:9/"), demo=True).name == "WhatsApp"

    def test_the_token_is_in_no_repr(self) -> None:
        provider = open_provider(CLOUD)
        assert "s3cret" not in repr(CLOUD) + repr(provider) + repr(provider.call(MESSAGE))
