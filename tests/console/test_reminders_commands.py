"""`reminders` on the command line: against a real database, and a provider on loopback."""

import os
import pwd
from collections.abc import Iterator
from typing import Any

import pytest
from pymongo import MongoClient

from console.demo.mongod import EmbeddedMongod
from services.clock import utc_now
from services.reminders.outbox import Due
from services.reminders.pacing import Limits
from tests.console.commandline import Outcome, console
from tests.services.reminders.conftest import ENGLISH, RUN, bill_of, person, run_document
from tests.services.reminders.providing import ProviderServer, serving

ME = pwd.getpwuid(os.getuid()).pw_name


class Shop:
    """A database with a finished run of two held reminders, and the command line on it."""

    def __init__(self, mongod: EmbeddedMongod) -> None:
        self.uri = mongod.uri
        self.client: MongoClient[dict[str, Any]] = MongoClient(mongod.uri)
        self.client.drop_database("reminder_shop")
        self.database = self.client.reminder_shop
        self.database.console_operators.insert_many(
            [{"_id": ME, "roles": ["ops"]}, {"_id": "ravi", "roles": ["viewer"]}]
        )
        self.database.console_marker.insert_one({"_id": "environment", "kind": "test"})
        self.database.notification_templates.insert_one(
            {"name": "en", "type": "payment_reminder", "channel": "whatsapp", "language": "en", "content": ENGLISH,
             "active": True}
        )  # fmt: skip
        self.database.customers_v2.insert_many([person(1), person(2, name="Ravi\x1b[31m"), person(3, phone="12")])
        self.database.console_runs.insert_one(run_document(RUN))
        for number, order in enumerate("abcd"):
            customer = f"cust-{min(number, 2) + 1}"
            self.database.billing_records.insert_one(bill_of(RUN, Due(order, customer, 18_000, "2026-10")))
            self.database.console_outbox.insert_one(
                {"_id": f"reminder:{order}", "run": RUN, "order_id": order, "customer_id": customer,
                 "amount_paise": 18_000, "month": "2026-10", "state": "held"}
            )  # fmt: skip

    def __call__(self, *arguments: str, **options: Any) -> Outcome:
        return console("--uri", self.uri, "--db", "reminder_shop", *arguments, **options)


@pytest.fixture
def shop(mongod: EmbeddedMongod) -> Iterator[Shop]:
    shop = Shop(mongod)
    yield shop
    shop.client.close()


@pytest.fixture
def server() -> Iterator[ProviderServer]:
    with serving() as provider:
        yield provider


def configured(server: ProviderServer) -> dict[str, str]:
    prefix = "DELIVERY_CONSOLE_REMINDER_"
    return {
        f"{prefix}PROVIDER": "whatsapp", f"{prefix}TOKEN": "s3cret", f"{prefix}PHONE_NUMBER_ID": "555",
        f"{prefix}URL": server.url,
    }  # fmt: skip


def test_a_preview_shows_the_messages_and_releases_nothing(shop: Shop) -> None:
    shown = shop("reminders", "preview", RUN, "--json")
    people = shop("--operator", "ravi", "reminders", "preview", RUN)

    document = shown.json
    assert (document["messages"], document["orders"], document["amount_paise"]) == (2, 2, 36_000)
    assert document["kept_back"] == {"no-number": {"reminders": 1, "orders": 2, "amount_paise": 36_000}}
    assert document["reminders"][-1]["text"] == "Dear Asha 1, your bill for October 2026 is ₹180.00."
    assert "Dear Asha 1, your bill for October 2026 is ₹180.00." in people.out
    assert "\x1b" not in people.out
    assert "9876500001" not in people.out
    assert shop.database.notifications_queue.count_documents({}) == 0


def test_reminders_are_listed_page_by_page(shop: Shop) -> None:
    first = shop("reminders", "list", "--limit", "2", "--json")
    rest = shop("reminders", "list", "--limit", "2", "--page", first.json["next"], "--json")
    assert [each["customer_id"] for each in first.json["reminders"]] == ["cust-3", "cust-2"]
    assert [each["customer_id"] for each in rest.json["reminders"]] == ["cust-1"]
    assert rest.json["next"] is None
    assert first.json["reminders"][0]["code"] == "no-number"
    assert shop("reminders", "list", "--state", "lost").status == 2
    assert "No reminders." in shop("reminders", "list", "--run", "run-none").out


def test_without_a_provider_a_release_stands_and_the_code_says_why_nothing_went_out(shop: Shop) -> None:
    unasked = shop("reminders", "send", "--run", RUN, "--json")
    sent = shop("reminders", "send", "--run", RUN, "--yes", "--json")
    again = shop("reminders", "send", "--json")

    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    assert (sent.status, sent.json["error"]["code"]) == (1, "no-provider")
    assert (sent.json["released"]["messages"], sent.json["sending"]) == (2, None)
    assert (again.status, again.json["error"]["code"]) == (1, "no-provider")
    assert shop.database.notifications_queue.count_documents({"source": "delivery-console"}) == 2


def test_only_releasing_needs_no_provider(shop: Shop) -> None:
    done = shop("reminders", "send", "--run", RUN, "--release-only", "--yes", "--json")
    assert (done.status, done.json["released"]["messages"]) == (0, 2)
    assert shop("reminders", "send", "--release-only", "--yes").status == 2


def test_what_is_no_longer_billed_is_told_of_before_the_release_and_after(shop: Shop) -> None:
    shop.database.billing_records.delete_one({"order_id": "a"})
    shop.database.billing_records.update_one({"order_id": "b"}, {"$set": {"amount": 90.0}})
    before = shop("reminders", "preview", RUN, "--json").json
    done = shop("reminders", "send", "--run", RUN, "--release-only", "--yes")
    assert before["kept_back"]["bill-missing"] == {"reminders": 1, "orders": 1, "amount_paise": 18_000}
    assert before["amount_paise"] == 9_000
    assert "Released 1 message about 1 order, ₹90.00; held back: 2 orders." in done.out
    assert "No longer billed by this run, so cancelled: 1 order." in done.out


def test_sending_tells_what_became_of_each_and_never_the_token(shop: Shop, server: ProviderServer) -> None:
    env = configured(server)
    sent = shop("reminders", "send", "--run", RUN, "--yes", "--json", env=env)
    told = sent.json["sending"]

    if Limits().quiet_end(utc_now()):  # the command line lives by the real clock
        assert (told["sent"], told["waiting"]) == (0, 2)
        assert "Quiet hours" in told["because"]
    else:
        assert (told["sent"], told["waiting"]) == (2, 0)
        assert server.phones() == ["+919876500001", "+919876500002"]
    assert sent.status == 0
    assert "s3cret" not in sent.out + sent.err


def test_a_real_provider_hears_nothing_of_test_data(shop: Shop, server: ProviderServer) -> None:
    refused = shop("reminders", "send", "--json", env=configured(server) | {"DELIVERY_CONSOLE_REMINDER_URL": ""})
    assert (refused.status, refused.json["error"]["code"]) == (1, "demo-data")


def test_a_message_and_a_run_are_cancelled_with_a_reason(shop: Shop) -> None:
    shop("reminders", "send", "--run", RUN, "--release-only", "--yes")
    message = shop.database.notifications_log.find_one({"reference_id": "cust-1"})
    assert message is not None

    one = shop("reminders", "cancel", message["id"], "--reason", "she called", "--yes", "--json")
    run = shop("reminders", "cancel", RUN, "--reason", "wrong month", "--yes", "--json")
    again = shop("reminders", "cancel", RUN, "--reason", "wrong month", "--yes", "--json")

    assert one.json["cancelled"] == {"orders": 1, "messages": 1}
    assert run.json["cancelled"] == {"orders": 3, "messages": 1}
    assert (again.status, again.json["error"]["code"]) == (1, "past-cancelling")
    assert shop("reminders", "cancel", RUN, "--yes").status == 2
    assert shop("--operator", "ravi", "reminders", "cancel", RUN, "--reason", "x", "--yes").status == 4
    assert shop("--operator", "ravi", "reminders", "send", "--yes").status == 4


def test_a_template_that_is_refused_is_told_with_its_code(shop: Shop) -> None:
    shop.database.notification_templates.update_one({}, {"$set": {"content": "{{ ''.__class__ }}"}})
    refused = shop("reminders", "send", "--run", RUN, "--yes", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "template-refused")
    assert shop.database.notifications_log.count_documents({}) == 0
