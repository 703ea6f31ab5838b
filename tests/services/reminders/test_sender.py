"""The sender against a real HTTP server on loopback that accepts, throttles, errs, hangs and drops connections."""

import asyncio
import itertools
import signal
import subprocess
import sys
import threading
from dataclasses import replace
from datetime import datetime

import pytest

from console.demo.mongod import EmbeddedMongod
from services.clock import INDIA, Clock, read_timestamp
from services.errors import Fenced, NotPermitted, Refused
from services.operators.operator import Operator
from services.reminders.lease import take
from services.reminders.listing import list_reminders
from services.reminders.providers.provider import Provider
from services.reminders.providers.whatsapp import WhatsAppCloud
from services.reminders.release import release
from services.reminders.sender import Sending, send
from services.reminders.settlement import ask
from tests.services.reminders.conftest import ALL_DAY, QUICK, RUN, Shop, at, due, many, person
from tests.services.reminders.providing import ACCEPTED, Asked, ProviderServer, Reply
from tests.services.reminders.test_release import take_back

ERROR = {"error": {"code": 131000, "message": "Something went wrong"}}


async def first_in_the_queue(shop: Shop, ops: Operator, clock: Clock) -> None:
    """A message of another run, due before all others: the first alone shows that the provider answers."""
    await shop.customers(person(9))
    await shop.finish("run-first")
    await shop.hold("run-first", due("z", 9))
    await release(shop.database, ops, clock, "run-first")
    await shop.database["notifications_queue"].update_one(
        {"run": "run-first"}, {"$set": {"retry_at": "2020-01-01T00:00:00+00:00"}}
    )


def start_and_kill(uri: str, name: str, server: ProviderServer) -> None:
    """A sender of its own process, killed while the provider keeps it waiting."""
    command = [sys.executable, "-m", "tests.services.reminders.runner", uri, name, server.url]
    with subprocess.Popen(command) as process:
        server.wait_for(20)
        process.send_signal(signal.SIGKILL)


async def test_each_message_is_sent_once_and_noted_everywhere(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    told: list[int] = []
    done = await send(
        released.database, ops, day, provider, limits=QUICK, progress=lambda so_far: told.append(so_far.sent)
    )

    assert (done.sent, done.failed, done.unclear, done.waiting) == (3, 0, 0, 0)
    assert told == [1, 2, 3]
    assert server.phones() == ["+919876500001", "+919876500002", "+919876500003"]
    assert set((await released.states()).values()) == {"sent"}
    assert await released.queue() == []
    log = await released.log(reference_id="cust-1")
    assert (log["status"], log["outcome"], log["provider_id"]) == ("sent", "sent", "wamid.1")
    assert read_timestamp(log["sent_at"]) is not None
    (entry,) = await released.database["audit_logs"].find({"record_id": log["id"], "action": "UPDATE"}).to_list()
    assert entry["changes"]["status"] == {"old": "queued", "new": "sent"}

    assert (await send(released.database, ops, day, provider, limits=QUICK)).sent == 0
    assert len(server.asked) == 3


async def test_the_backends_own_queued_messages_are_left_alone(
    held: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    theirs = {"message_id": "x", "phone": "+919876500009", "retry_at": "2026-01-01T00:00:00+00:00", "retry_count": 0}
    await held.database["notifications_queue"].insert_one(theirs)
    assert (await send(held.database, ops, day, provider, limits=QUICK)).sent == 0
    assert server.asked == []
    assert len(await held.queue()) == 1


async def test_a_queued_message_that_was_spoilt_is_not_sent_and_does_not_stop_the_others(
    released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
) -> None:
    await released.database["notifications_queue"].update_one({"reference_id": "cust-1"}, {"$unset": {"phone": ""}})
    await released.database["notifications_queue"].update_one({"reference_id": "cust-2"}, {"$set": {"context": None}})
    done = await send(released.database, ops, day, provider, limits=QUICK)
    assert (done.sent, done.failed, done.called_off, done.waiting) == (1, 1, 1, 0)
    assert server.phones() == ["+919876500003"]
    assert await released.states() == {"a": "held", "b": "held", "c": "failed", "d": "sent"}


class TestTrying:
    async def test_an_error_of_the_server_is_tried_three_times_with_growing_gaps(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator
    ) -> None:
        server.rule = lambda asked, count: Reply(503, ERROR)
        gaps = []
        for hour in (11, 12, 13):
            clock = at(hour)
            before = clock()
            done = await send(released.database, ops, clock, provider, limits=QUICK)
            for row in (await released.queue())[:1]:
                retry = read_timestamp(row["retry_at"])
                assert retry is not None
                gaps.append(round((retry - before).total_seconds() / 10) * 10)
                assert (done.retrying, done.waiting, row["retry_count"]) == (3, 3, len(gaps))
        assert gaps == [60, 600]
        assert (done.failed, done.waiting) == (3, 0)
        assert len(server.asked) == 9
        log = await released.log(reference_id="cust-1")
        assert (log["status"], log["retry_count"], log["outcome"]) == ("failed", 3, "failed")
        assert "Something went wrong" in log["error_message"]
        assert log["failed_at"]
        assert set((await released.states()).values()) == {"failed"}

    async def test_a_server_that_is_not_there_is_tried_again(
        self, released: Shop, server: ProviderServer, ops: Operator, day: Clock
    ) -> None:
        nowhere = WhatsAppCloud("http://127.0.0.1:1", "v23.0", "555", "t", {})
        done = await send(released.database, ops, day, nowhere, limits=QUICK)
        assert (done.retrying, done.waiting) == (3, 3)
        assert done.goes_on_at is not None
        assert done.goes_on_at > day()

    async def test_what_the_provider_never_takes_fails_with_its_reason(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        refused = Reply(400, {"error": {"code": 131026, "message": "Message undeliverable"}})
        server.rule = lambda asked, count: refused if asked.phone.endswith("2") else ACCEPTED
        done = await send(released.database, ops, day, provider, limits=QUICK)
        assert (done.sent, done.failed) == (2, 1)
        failed = (await list_reminders(released.database, ops, state="failed")).items[0]
        assert failed.reason == "400: Message undeliverable"
        assert failed.customer_id == "cust-2"

        server.rule = lambda asked, count: ACCEPTED
        assert (await release(released.database, ops, day, RUN, failed_too=True)).messages == 1
        assert (await send(released.database, ops, day, provider, limits=QUICK)).sent == 1

    async def test_a_pause_that_the_provider_asks_for_is_kept_and_is_no_try(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        throttled = Reply(429, {"error": {"code": 130429, "message": "Rate limit hit"}}, {"Retry-After": "1"})
        server.rule = lambda asked, count: throttled if len(server.asked) == 1 else ACCEPTED
        limits = replace(QUICK, at_once=1)
        done = await send(released.database, ops, day, provider, limits=limits)
        assert (done.sent, done.waiting) == (3, 0)
        first, second = (each.at for each in server.asked[:2])
        assert second - first >= 0.95
        assert {log["retry_count"] async for log in released.database["notifications_log"].find()} == {0}

    async def test_a_long_pause_ends_the_sending_and_says_when_it_goes_on(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        server.rule = lambda asked, count: Reply(429, {}, {"Retry-After": "3600"})
        done = await send(released.database, ops, day, provider, limits=replace(QUICK, at_once=1))
        assert len(server.asked) == 1
        assert (done.waiting, done.because) == (3, "WhatsApp asks for a pause: 429: no reason given.")

    @pytest.mark.parametrize("status", [429, 503])
    @pytest.mark.parametrize("pause", ["99999999", "Mon, 31 Dec 9999 23:59:59 GMT"])
    async def test_of_a_pause_of_years_an_hour_is_kept_and_the_reason_told(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock, status: int,
        pause: str,
    ) -> None:  # fmt: skip
        server.rule = lambda asked, count: Reply(status, {}, {"Retry-After": pause})
        await send(released.database, ops, day, provider, limits=replace(QUICK, at_once=1))
        log = await released.log(next_retry_at={"$ne": None})
        due = read_timestamp(log["next_retry_at"])
        assert due is not None
        assert 3_590 < (due - day()).total_seconds() <= 3_600
        assert log["error_message"].endswith("seconds of pause that it asks for, an hour is kept")

    async def test_an_account_that_is_refused_stops_the_sending_and_fails_no_message(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        server.rule = lambda asked, count: Reply(401, {"error": {"code": 190, "message": "Invalid token"}})
        with pytest.raises(Refused) as refusal:
            await send(released.database, ops, day, provider, limits=replace(QUICK, at_once=1))
        assert refusal.value.code == "provider-shut-out"
        assert "s3cret" not in refusal.value.message
        assert len(await released.queue()) == 3
        server.rule = lambda asked, count: ACCEPTED
        assert (await send(released.database, ops, day, provider, limits=QUICK)).sent == 3

    async def test_refusals_without_end_stop_the_sending(
        self, shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await many(shop, ops, day, 60)
        server.rule = lambda asked, count: Reply(400, {"error": {"code": 132001, "message": "Template unknown"}})
        with pytest.raises(Refused) as refusal:
            await send(shop.database, ops, day, provider, limits=replace(QUICK, at_once=1))
        assert refusal.value.code == "provider-refuses"
        assert len(server.asked) == 20
        assert len(await shop.queue()) == 40


class TestNeverTwice:
    @pytest.mark.parametrize(
        "reply", [Reply(hang=True), Reply(drop=True), Reply(504, b"<html>"), Reply(502)],
        ids=["hangs", "drops", "gateway-timeout", "bad-gateway"],
    )  # fmt: skip
    async def test_an_answer_that_never_came_is_unclear_and_not_sent_again(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock, reply: Reply
    ) -> None:
        server.rule = lambda asked, count: reply if asked.phone.endswith("1") else ACCEPTED
        done = await send(released.database, ops, day, provider, limits=replace(QUICK, answer_within=0.4))
        again = await send(released.database, ops, at(14), provider, limits=QUICK)

        assert (done.sent, done.unclear, again.sent, again.unclear) == (2, 1, 0, 0)
        assert server.phones() == ["+919876500001", "+919876500002", "+919876500003"]
        assert await released.states() == {"a": "unclear", "b": "unclear", "c": "sent", "d": "sent"}
        log = await released.log(reference_id="cust-1")
        assert (log["status"], log["outcome"]) == ("failed", "unclear")
        assert "Look there before writing again" in log["error_message"]

    async def test_a_killed_sender_leaves_what_it_asked_for_unclear_and_the_rest_to_the_next(
        self, mongod: EmbeddedMongod, shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await many(shop, ops, day, 60)
        await shop.database["notifications_queue"].update_many({}, {"$set": {"retry_at": "2020-01-01T00:00:00+00:00"}})
        server.rule = lambda asked, count: Reply(hang=True) if len(server.asked) > 12 else ACCEPTED
        await asyncio.to_thread(start_and_kill, mongod.uri, shop.database.name, server)
        asked = set(server.phones())
        server.rule = lambda asked, count: ACCEPTED
        done = await send(shop.database, ops, day, provider, limits=QUICK)

        assert server.phones() == sorted({*asked, *server.phones()})  # nobody was asked for twice
        assert done.unclear >= 8
        states = list((await shop.states()).values())
        assert set(states) == {"sent", "unclear"}
        assert states.count("unclear") == done.unclear
        assert len(server.asked) >= 60 - done.unclear
        assert await shop.queue() == []

    async def test_senders_at_the_same_time_send_nothing_twice(
        self, shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await many(shop, ops, day, 40)
        outcomes = await asyncio.gather(
            *(send(shop.database, ops, day, provider, limits=replace(QUICK, per_second=40)) for _ in range(3)),
            return_exceptions=True,
        )
        assert len(server.asked) == len(set(server.phones())) == 40
        assert sum(each.sent for each in outcomes if isinstance(each, Sending)) == 40
        assert {each.code for each in outcomes if isinstance(each, Refused)} == {"already-sending"}

    async def test_a_message_that_is_called_off_where_the_queue_was_not_seen_is_not_sent(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await released.database["console_sends"].update_one({"orders": "c"}, {"$set": {"state": "closed"}})
        done = await send(released.database, ops, day, provider, limits=QUICK)
        assert (done.sent, done.waiting) == (2, 0)
        assert (await released.log(reference_id="cust-2"))["outcome"] == "cancelled"

    async def test_an_interrupted_sender_waits_for_the_answers_that_are_under_way(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        def slow(asked: object, count: int) -> Reply:
            server.ended.wait(0.5)
            return ACCEPTED

        server.rule = slow
        sending = asyncio.create_task(send(released.database, ops, day, provider, limits=replace(QUICK, at_once=1)))
        await asyncio.to_thread(server.wait_for, 1)
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending
        states = list((await released.states()).values())
        assert "unclear" not in states
        assert "sent" in states
        assert "released" in states
        await send(released.database, ops, day, provider, limits=QUICK)
        assert server.phones() == ["+919876500001", "+919876500002", "+919876500003"]

    async def test_a_message_that_is_taken_back_while_it_is_tried_is_not_tried_again(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        gate = threading.Event()
        await first_in_the_queue(released, ops, day)

        def held_up(asked: Asked, count: int) -> Reply:
            if asked.phone.endswith("9"):
                return ACCEPTED
            gate.wait(30)
            return Reply(503, ERROR)

        server.rule = held_up
        sending = asyncio.create_task(
            send(released.database, ops, day, provider, limits=replace(QUICK, answer_within=30))
        )
        await asyncio.to_thread(server.wait_for, 4)
        await take_back(released, ops, day, "a", "c")
        gate.set()
        done = await sending

        assert (done.retrying, done.waiting) == (1, 1)
        assert await released.states() == {
            "a": "cancelled",
            "b": "held",
            "c": "cancelled",
            "d": "released",
            "z": "sent",
        }
        assert [row["reference_id"] for row in await released.queue()] == ["cust-3"]

    async def test_a_sender_that_was_taken_over_asks_for_nothing_more(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        database = released.database
        sends = await database["console_sends"].find({}).to_list()
        async with database.client.start_session() as session:
            stalled = await take(database, 0.01, [session])
            assert await ask(database, sends[0]["_id"], stalled)
            now = await take(database, 10, [session])
            with pytest.raises(Fenced):
                await ask(database, sends[1]["_id"], stalled)
            note = await ask(database, sends[1]["_id"], now)
        assert note is not None
        assert note["token"] == now.token


class TestPacing:
    async def test_no_more_than_so_many_a_second(
        self, shop: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await many(shop, ops, day, 60)
        await send(shop.database, ops, day, provider, limits=replace(QUICK, per_second=40))
        moments = sorted(each.at for each in server.asked)
        assert len(moments) == 60
        assert moments[-1] - moments[0] >= 59 / 40 - 0.1

    async def test_a_customer_hears_at_most_once_in_the_gap_even_from_two_sendings(
        self, released: Shop, server: ProviderServer, provider: Provider, ops: Operator, day: Clock
    ) -> None:
        await released.finish("run-2")
        await released.hold("run-2", due("x", 1), due("y", 2))
        await released.finish("run-3")
        await released.hold("run-3", due("z", 1))
        limits = replace(QUICK, customer_gap=0.6)
        await release(released.database, ops, day, "run-2")
        await send(released.database, ops, day, provider, limits=limits)
        await release(released.database, ops, day, "run-3")
        await send(released.database, ops, day, provider, limits=limits)

        first = sorted(each.at for each in server.asked if each.phone.endswith("1"))
        assert len(first) == 3
        assert all(later - earlier >= 0.58 for earlier, later in itertools.pairwise(first))
        # The others did not wait for that customer's gap.
        assert sum(1 for each in server.asked if each.at < first[1]) >= 3

    @pytest.mark.parametrize(("hour", "minute", "day"), [(21, 0, 22), (23, 59, 22), (0, 1, 23), (7, 59, 23)])
    async def test_nothing_is_sent_in_the_quiet_hours(
        self, held: Shop, server: ProviderServer, provider: Provider, ops: Operator, hour: int, minute: int, day: int
    ) -> None:
        clock = at(hour, minute, day)
        await release(held.database, ops, clock, RUN)
        done = await send(held.database, ops, clock, provider, limits=QUICK)
        assert server.asked == []
        assert (done.waiting, done.goes_on_at) == (3, datetime(2026, 11, 23, 8, tzinfo=INDIA))
        assert "21:00" in done.because

    async def test_the_quiet_hours_end_and_begin_to_the_minute(
        self, held: Shop, server: ProviderServer, provider: Provider, ops: Operator
    ) -> None:
        assert QUICK.quiet_end(at(8)()) is None
        assert QUICK.quiet_end(at(20, 59)()) is None
        assert QUICK.quiet_end(at(21)()) is not None


async def test_only_ops_sends(held: Shop, provider: Provider, support: Operator, day: Clock) -> None:
    with pytest.raises(NotPermitted):
        await send(held.database, support, day, provider, limits=QUICK)


def test_the_real_limits_are_the_rules() -> None:
    from services.reminders.pacing import Limits

    limits = Limits()
    assert (limits.per_second, limits.customer_gap) == (80, 6.0)
    assert ALL_DAY.quiet_end(at(23)()) is None
