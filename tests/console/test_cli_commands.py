import json
import subprocess
import sys
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.console.commandline import console, environment
from tests.console.conftest import ME, Shop


def test_operators_are_made_listed_and_removed(empty: Shop) -> None:
    assert empty("operators", "list", "--json").json["error"]["code"] == "not-an-operator"
    assert empty("operators", "list").status == 4

    first = empty("operators", "init", "--test", "--json")
    again = empty("operators", "init", "--json")
    added = empty("operators", "add", "ravi", "--role", "viewer", "--role", "auditor", "--json")
    listed = empty("operators", "list", "--json")
    removed = empty("operators", "remove", "ravi", "--json")

    assert first.json["operator"]["account"] == ME
    assert first.json["operator"]["roles"] == ["ops", "auditor"]
    assert datetime.fromisoformat(first.json["operator"]["added_at"]).utcoffset() == datetime.now(UTC).utcoffset()
    assert (again.status, again.json["error"]["code"]) == (1, "has-operators")
    assert added.json["operator"]["roles"] == ["viewer", "auditor"]
    assert {entry["account"] for entry in listed.json["operators"]} == {ME, "ravi"}
    assert removed.json == {"removed": "ravi"}
    assert ME in empty("operators", "list").out


@pytest.mark.parametrize("output", [">/dev/full", ">&-"])
def test_a_deed_whose_answer_cannot_be_written_is_told_as_done(shop: Shop, output: str) -> None:
    command = [sys.executable, "-m", "console", "--uri", shop.uri, "--db", "shop", "operators", "add", "meera",
               "--role", "viewer", "--json"]  # fmt: skip
    ended = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {output}', "sh", *command], env=environment(), stderr=subprocess.PIPE, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert ended.returncode == 1
    assert ended.stderr.startswith("The command did its work, and its answer could not be written")
    assert "Traceback" not in ended.stderr
    assert "meera" in {each["account"] for each in shop("operators", "list", "--json").json["operators"]}


def test_the_login_is_the_account_whatever_the_environment_says(shop: Shop) -> None:
    lie = {"USER": "ravi", "LOGNAME": "ravi"}
    added = shop("operators", "add", "meera", "--role", "auditor", "--json", env=lie)
    assert added.json["operator"]["added_by"] == ME


def test_acting_as_another_is_for_demo_and_test_databases_only(shop: Shop) -> None:
    acting = shop("--operator", "ravi", "operators", "add", "eve", "--role", "ops", "--json")
    assert (acting.status, acting.json["error"]["code"]) == (4, "not-permitted")

    shop.database.console_marker.delete_many({})
    refused = shop("--operator", "ravi", "operators", "list", "--json")
    assert (refused.status, refused.json["error"]["code"]) == (4, "no-acting")


def test_an_unknown_role_is_wrong_usage(shop: Shop) -> None:
    assert shop("operators", "add", "eve", "--role", "king").status == 2


def entries(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"e{n}",
            "table": "orders",
            "record_id": f"ord_{n}",
            "action": "BILLED",
            "user_id": "asha\x1b[31m",
            "timestamp": f"2026-11-05T00:{n:02d}:00.000000+00:00",
            "before": {"total_amount": float("nan"), "billed": False},
            "after": {"total_amount": float("nan"), "billed": True},
        }
        for n in range(count)
    ]


def test_the_audit_trail_is_listed_page_by_page(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(5))

    first = shop("audit", "list", "--limit", "3", "--json")
    rest = shop("audit", "list", "--limit", "3", "--page", first.json["next"], "--json")
    people = shop("audit", "list", "--limit", "3")

    assert [entry["id"] for entry in first.json["entries"]] == ["e4", "e3", "e2"]
    assert [entry["id"] for entry in rest.json["entries"]] == ["e1", "e0"]
    assert rest.json["next"] is None
    assert first.json["entries"][0]["timestamp"] == "2026-11-05T00:04:00+00:00"
    assert first.json["entries"][0]["user_id"] == "asha\x1b[31m"
    assert "\x1b" not in people.out + first.out
    assert "asha␛[31m" in people.out
    assert "2026-11-05 05:34" in people.out


def test_an_entry_is_shown_with_its_fields(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(1))

    shown = shop("audit", "show", "e0", "--json").json["entry"]
    people = shop("audit", "show", "e0")

    assert shown["before"] == {"total_amount": None, "billed": False}
    assert {"field": "billed", "old": False, "new": True, "kind": "changed"} in shown["fields"]
    assert "orders/ord_0" in people.out
    assert "billed" in people.out


@pytest.mark.parametrize(
    ("arguments", "status", "code"),
    [
        (("show", "nothing"), 1, "unknown-entry"),
        (("list", "--from", "2026-13-01"), 2, "bad-date"),
        (("list", "--from", "2026-11-02", "--to", "2026-11-01"), 2, "bad-range"),
        (("list", "--record", "orders"), 2, "bad-record"),
        (("list", "--page", "nonsense"), 2, "bad-page"),
        (("list", "--limit", "0"), 2, "bad-limit"),
    ],
)
def test_what_cannot_be_answered_is_told(shop: Shop, arguments: tuple[str, ...], status: int, code: str) -> None:
    refused = shop("audit", *arguments, "--json")
    assert (refused.status, refused.json["error"]["code"]) == (status, code)
    assert refused.json["error"]["message"] in refused.err


def test_the_settings_come_from_flags_then_variables_then_the_file(shop: Shop, tmp_path: Any) -> None:
    file = tmp_path / "settings.toml"
    file.write_text(f'uri = "{shop.uri}"\ndb = "shop"\n')
    wrong = {"DB_NAME": "elsewhere"}
    ours = {"DELIVERY_CONSOLE_DB": "shop", "DB_NAME": "elsewhere"}

    assert console("--config", str(file), "operators", "list").status == 0
    assert console("operators", "list", env={"DELIVERY_CONSOLE_CONFIG": str(file)}).status == 0
    assert console("--config", str(file), "operators", "list", env=wrong).status == 4
    assert console("--config", str(file), "operators", "list", env=ours).status == 0
    assert console("--db", "shop", "operators", "list", env={"MONGO_URL": shop.uri, "DB_NAME": "elsewhere"}).status == 0
    assert console("--db", "elsewhere", "--config", str(file), "operators", "list", env=ours).status == 4


def test_indexes_are_planned_and_built_and_the_lack_of_them_is_told_once(shop: Shop) -> None:
    warned = shop("audit", "list")
    planned = shop("db", "indexes", "plan", "--json")
    unasked = shop("db", "indexes", "apply", "--json")
    applied = shop("db", "indexes", "apply", "--yes", "--json")

    assert warned.err.count("indexes are missing; lists are slower. See: db indexes plan") == 1
    assert {index["state"] for index in planned.json["indexes"]} == {"missing"}
    assert planned.err == ""
    assert (unasked.status, unasked.json["error"]["code"]) == (2, "needs-yes")
    assert applied.status == 0
    assert {index["state"] for index in applied.json["indexes"]} == {"present"}
    assert shop("audit", "list").err == ""


def test_an_index_that_cannot_be_built_ends_with_1(shop: Shop) -> None:
    shop.database.orders.insert_many([{"id": "a"}, {"id": "a"}])
    applied = shop("db", "indexes", "apply", "--yes")
    assert applied.status == 1
    assert "for example a" in applied.out


def test_only_ops_builds_indexes(shop: Shop) -> None:
    assert shop("--operator", "ravi", "db", "indexes", "plan").status == 0
    assert shop("--operator", "ravi", "db", "indexes", "apply", "--yes").status == 4


def test_a_reader_that_goes_away_is_no_error(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(
        [entry | {"notes": "x" * 5000, "changes": "y" * 5000} for entry in entries(59)]
    )
    command = [sys.executable, "-m", "console", "--uri", shop.uri, "--db", "shop", "audit", "list", "--json"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment())
    assert process.stdout
    assert process.stderr
    process.stdout.close()
    told = process.stderr.read().decode()
    process.stderr.close()
    assert process.wait(60) == 0
    assert "Traceback" not in told
    assert "BrokenPipe" not in told


def test_json_is_one_line_of_ascii(shop: Shop) -> None:
    shop.database.console_operators.insert_one({"_id": "అమ్మ\u202e", "roles": ["viewer"]})
    shown = shop("operators", "list", "--json")
    assert shown.out.isascii()
    assert shown.out.count("\n") == 1
    assert json.loads(shown.out)["operators"][-1]["account"] == "అమ్మ\u202e"
