"""The life of a run from the shell: approved, committed, verified, retried, rolled back, and steered by others."""

from typing import Any

import pytest

from tests import shop as goods
from tests.console.conftest import ME, Shop

RAVI = ("--operator", "ravi")


@pytest.fixture
def plan(shop: Shop) -> dict[str, Any]:
    """A stored plan of three orders, seen by two operators of ops."""
    shop.database.console_operators.update_one({"_id": "ravi"}, {"$set": {"roles": ["ops"]}})
    shop.database.customers_v2.insert_one(goods.customer())
    shop.database.orders.insert_many([goods.order(id=f"ord-{n}") for n in range(3)])
    planned: dict[str, Any] = shop("backfill", "preview", "bill-one-time-orders", "--json").json
    return planned


def test_a_plan_above_the_limit_waits_for_a_second_operator(shop: Shop, plan: dict[str, Any]) -> None:
    strict = {"DELIVERY_CONSOLE_APPROVAL_RECORDS": "2"}
    pinned = (plan["run"], "--digest", plan["digest"])

    alone = shop("backfill", "commit", *pinned, "--yes", "--json", env=strict)
    own = shop("backfill", "approve", *pinned, "--json")
    approved = shop(*RAVI, "backfill", "approve", *pinned, "--json")
    done = shop("backfill", "commit", *pinned, "--yes", "--json", env=strict)

    assert (alone.status, alone.json["error"]["code"]) == (1, "approval-needed")
    assert (own.status, own.json["error"]["code"]) == (4, "own-plan")
    assert (approved.status, approved.json["state"], approved.json["approval"]["by"]) == (0, "approved", "ravi")
    assert (done.status, done.json["state"], done.json["applied"]) == (0, "done", 3)


def test_a_limit_in_rupees_counts_too(shop: Shop, plan: dict[str, Any]) -> None:
    for rupees, status in (("539", 1), ("540", 0)):
        limit = {"DELIVERY_CONSOLE_APPROVAL_RUPEES": rupees}
        done = shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes", env=limit)
        assert done.status == status, done.err


def test_a_run_is_committed_verified_and_rolled_back(shop: Shop, plan: dict[str, Any]) -> None:
    run = plan["run"]
    early = shop("backfill", "verify", run, "--json")
    assert (early.status, early.json["error"]["code"]) == (1, "nothing-to-verify")

    shop("backfill", "commit", run, "--digest", plan["digest"], "--yes")
    verified = shop("backfill", "verify", run, "--json")
    unasked = shop("backfill", "rollback", run, "--reason", "wrong month", "--json")
    back = shop("backfill", "rollback", run, "--reason", "wrong month", "--yes", "--json")
    status = shop("backfill", "status", run)

    counts = ("state", "planned", "applied", "drifted", "failed", "amount_paise", "verified")
    assert [verified.json[name] for name in counts] == ["done", 3, 3, 0, 0, 54_000, True]
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    assert (back.status, back.json["state"], back.json["verified"]) == (0, "rolled-back", True)
    assert (back.json["restored"], back.json["kept"], back.json["restored_paise"]) == (3, 0, 54_000)
    assert (back.json["rollback"]["by"], back.json["rollback"]["reason"]) == (ME, "wrong month")
    assert "wrong month" in status.out
    assert shop.database.billing_records.count_documents({}) == 0
    assert shop.database.orders.count_documents({"billed": True}) == 0


def test_the_rows_of_a_plan_are_narrowed_and_told_where_somebody_altered_them(shop: Shop, plan: dict[str, Any]) -> None:
    her = goods.customer(id="her", user_id="u2", name="Sita", phone="9876501234")
    shop.database.customers_v2.insert_one(her)
    shop.database.orders.insert_one(goods.order(id="hers", customer_id="u2", user_id="u2"))
    run = shop("backfill", "preview", "bill-one-time-orders", "--json").json["run"]

    def shown(*asked: str) -> list[str]:
        page = shop("backfill", "show", run, *asked, "--json")
        assert (page.status, page.json.keys()) == (0, {"rows", "next"}), page.out
        return [row["record"] for row in page.json["rows"]]

    assert shown("--customer", "98765 01234") == shown("--customer", "her", "--class", "change") == ["hers"]
    assert (len(shown("--month", "2026-10")), shown("--month", "2026-09"), shown("--code", "x")) == (4, [], [])
    for asked in (("--month", "soon"), ("--class", "kept", "--code", "x")):
        assert shop("backfill", "show", run, *asked, "--json").status == 2

    pack = {"_id": {"$regex": f"^{run}/change/"}}
    shop.database.console_plan_rows.update_one(pack, {"$set": {"rows.0.amount_paise": 1}})
    altered = shop("backfill", "show", run, "--json")
    assert altered.status == 1
    assert "not what was previewed" in altered.json["altered"]
    assert all(row["altered"] for row in altered.json["rows"])
    assert "✗ hers" in shop("backfill", "show", run).out


def test_verify_tells_of_a_bill_that_somebody_altered(shop: Shop, plan: dict[str, Any]) -> None:
    shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes")
    shop.database.billing_records.update_one({"order_id": "ord-1"}, {"$set": {"amount": 1.0}})
    altered = shop("backfill", "verify", plan["run"], "--json")
    assert (altered.status, altered.json["verified"]) == (1, False)


def test_what_was_paid_is_kept_and_the_exit_says_so(shop: Shop, plan: dict[str, Any]) -> None:
    shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes")
    shop.database.billing_records.update_one({"order_id": "ord-2"}, {"$set": {"payment_status": "paid"}})
    back = shop("backfill", "rollback", plan["run"], "--reason", "wrong", "--yes", "--json")
    assert (back.status, back.json["state"], back.json["restored"], back.json["kept"]) == (1, "rolled-back", 2, 1)
    assert back.json["exceptions"] == [{"record": "ord-2", "outcome": "kept", "reason": "its bill was paid"}]
    assert f"reminders preview {plan['run']}" in shop("backfill", "status", plan["run"]).out


def test_who_goes_on_with_a_rollback_hears_which_reason_stands(shop: Shop, plan: dict[str, Any]) -> None:
    shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes")
    begun = {"by": "ravi", "at": "2026-11-22T04:30:00+00:00", "reason": "wrong\x1b month"}
    shop.database.console_runs.update_one({}, {"$set": {"state": "rolling-back", "reversal": begun}})
    back = shop("backfill", "rollback", plan["run"], "--reason", "the same", "--yes", "--json")
    assert (back.status, back.json["restored"], back.json["rollback"]) == (0, 3, begun)
    assert f"ravi began to take {plan['run']} back: wrong␛ month\nThat stays with the run" in back.err
    reasons = shop.database.audit_logs.distinct("meta.reason", {"table": "orders", "action": "UPDATE"})
    assert reasons == ["the same"]


def test_a_paused_rollback_says_so_and_what_goes_on_with_it(shop: Shop, plan: dict[str, Any]) -> None:
    shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes")
    begun = {"by": "ravi", "at": "2026-11-22T04:30:00+00:00", "reason": "wrong"}
    runs = shop.database.console_runs
    runs.update_one({}, {"$set": {"state": "rolling-back", "reversal": begun}})
    dead = shop("backfill", "status", plan["run"])
    assert f"rolling-back, and nobody works on it: backfill resume {plan['run']} goes on" in dead.out
    assert "paused" not in shop("backfill", "list").out
    runs.update_one({}, {"$set": {"paused": True}})
    paused = shop("backfill", "status", plan["run"])
    assert f"rolling-back, paused: backfill resume {plan['run']} goes on" in paused.out
    assert "rolling-back, paused" in shop("backfill", "list").out
    told = shop("backfill", "status", plan["run"], "--json").json
    assert (told["state"], told["paused"]) == ("rolling-back", True)
    assert shop("backfill", "resume", plan["run"], "--yes", "--json").json["paused"] is False


def test_a_plan_is_cancelled_and_nothing_comes_of_it(shop: Shop, plan: dict[str, Any]) -> None:
    paused = shop("backfill", "pause", plan["run"], "--json")
    cancelled = shop("backfill", "cancel", plan["run"], "--yes", "--json")
    late = shop("backfill", "commit", plan["run"], "--digest", plan["digest"], "--yes", "--json")
    assert (paused.status, paused.json["error"]["code"]) == (1, "not-running")
    assert (cancelled.status, cancelled.json["state"]) == (0, "cancelled")
    assert (late.status, late.json["error"]["code"]) == (1, "not-open")
    assert shop.database.billing_records.count_documents({}) == 0


@pytest.mark.parametrize(
    "command", [("pause",), ("cancel", "--yes"), ("rollback", "--reason", "r", "--yes"), ("approve", "--digest", "0")]
)
def test_steering_a_run_needs_ops(shop: Shop, plan: dict[str, Any], command: tuple[str, ...]) -> None:
    shop.database.console_operators.update_one({"_id": "ravi"}, {"$set": {"roles": ["support"]}})
    name, *options = command
    refused = shop(*RAVI, "backfill", name, plan["run"], *options, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (4, "not-permitted")
