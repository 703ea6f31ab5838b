"""The commands of the audit trail, as people and scripts call them."""

import json
import select
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from console.commands.audit.entries import none_listed
from services.paging import Page
from tests.console.commandline import console, environment
from tests.console.conftest import ME, Shop


def entries(count: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"e{n}", "table": "orders", "record_id": f"ord_{n}", "action": "BILLED" if n % 2 else "UPDATE",
            "user_id": "asha", "timestamp": f"2026-11-05T00:0{n}:00+00:00", "before": {"phone": "9876543210"},
            "after": {"phone": "9876500000", "note": f"Note {n}"}, "changes": {}, "meta": {"run": f"run-{n % 2}"},
        }
        for n in range(count)
    ]  # fmt: skip


def ids(found: dict[str, Any]) -> list[str]:
    return [entry["id"] for entry in found["entries"]]


def test_filters_combine_and_a_view_keeps_them(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(6))

    combined = shop("audit", "list", "--user", "asha", "--user", "x", "--run", "run-1", "--text", "note 3", "--json")
    saved = shop("audit", "views", "save", "bills", "--action", "billed", "--from", "2026-11-05", "--json")
    listed = shop("audit", "views", "list")
    seen = shop("audit", "list", "--view", "bills", "--limit", "2", "--json")

    assert ids(combined.json) == ["e3"]
    assert combined.json["entries"][0]["meta"] == {"run": "run-1"}
    assert saved.json["view"] == {"name": "bills", "words": {"action": ["billed"], "first_day": "2026-11-05"}}
    assert "bills  action billed, from 2026-11-05" in listed.out
    assert ids(seen.json) == ["e5", "e3"]
    assert shop("audit", "views", "delete", "bills", "--json").json == {"deleted": "bills"}
    assert shop("audit", "list", "--view", "bills", "--json").json["error"]["code"] == "unknown-view"


def test_a_list_says_which_entries_the_console_did_not_write(shop: Shop) -> None:
    forged, foreign = entries(2)
    shop.database.audit_logs.insert_many([forged | {"user_id": ME}, foreign])

    listed = shop("audit", "list").out
    found = shop("audit", "list", "--json").json["entries"]

    assert listed.splitlines()[0].split()[:2] == ["Doubt", "Time"]
    assert [line.startswith("UNCHAINED") for line in listed.splitlines()[1:4]] == [False, True, True]
    assert [each["doubt"] and each["doubt"]["code"] for each in found] == [None, "unchained"]
    assert "Doubt" not in shop("audit", "list", "--user", "asha").out
    assert "the console did not write it" in shop("audit", "show", "e0").out


def test_that_nothing_was_found_is_said_once_and_only_where_it_is_so(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(6))

    short = shop("audit", "list", "--request", "01a20")
    none = shop("audit", "list", "--request", "01a2078c")

    assert short.out == "No entry is of the request '01a20'; a beginning of its id needs 6 characters.\n"
    assert none.out == "No entry matches.\n"
    looked = "Looked through 1 entry in 2 s, back to 2026-11-01 06:09 in India; the next page looks further back."
    assert none_listed(Page((), "token", looked), further=True) == f"None of those looked through so far. {looked}"
    assert none_listed(Page((), None), further=True) == "No more entries match."


def test_the_report_has_figures_and_bars(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(5))

    counted = shop("audit", "report", "--table", "orders", "--to", "2026-11-05", "--json").json
    told = shop("audit", "report").out

    assert (counted["entries"], counted["records"], counted["by_action"]) == (5, 5, {"UPDATE": 3, "BILLED": 2})
    assert counted["by_day"] == {"2026-11-05": 5}
    assert (counted["first"], len(counted["by_weekday_hour"])) == ("2026-11-05T00:00:00+00:00", 7)
    assert "█" in told
    assert "hour in India" in told


def test_an_export_is_checked_without_a_database(shop: Shop, tmp_path: Path) -> None:
    shop.database.audit_logs.insert_many(entries(5))
    file = str(tmp_path / "trail.jsonl")

    done = shop("audit", "export", "--to", file, "--until", "2026-11-05", "--reason", "for the year", "--json")
    intact = console("audit", "check-export", file, "--json")
    Path(file).write_bytes(Path(file).read_bytes().replace(b"Note 3", b"Note 7"))
    changed = console("audit", "check-export", file)

    assert (done.json["entries"], done.json["manifest"]["exported_by"]) == (5, ME)
    assert (intact.status, intact.json["intact"], intact.json["signed"]) == (0, True, True)
    assert (changed.status, "was changed" in changed.out) == (1, True)
    assert shop("--operator", "ravi", "audit", "export", "--to", file, "--reason", "x").status == 4


def test_what_is_masked_is_shown_after_a_reason(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(1))
    as_viewer = ("--operator", "ravi", "audit")

    masked = shop(*as_viewer, "show", "e0")
    shown = shop(*as_viewer, "reveal", "audit_logs/e0", "--reason", "asked by the customer", "--json")

    assert "98765" not in masked.out
    assert shown.json["values"] == {"before.phone": "9876543210", "after.phone": "9876500000"}
    noted = shop.database.audit_logs.find_one({"action": "READ"}) or {}
    assert (noted["user_id"], noted["after"]["reason"]) == ("ravi", "asked by the customer")
    assert shop(*as_viewer, "reveal", "audit_logs/e0", "--json").status == 2


def test_following_prints_a_document_on_each_line_until_it_is_interrupted(shop: Shop) -> None:
    shop.database.audit_logs.insert_many(entries(1))
    command = [sys.executable, "-m", "console", "--uri", shop.uri, "--db", "shop", "audit", "follow", "--json"]
    with subprocess.Popen(
        [*command, "--action", "BILLED"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment(), text=True
    ) as process:
        assert process.stdout
        line = ""
        number = 1
        while not line:  # it says nothing before there is something
            shop.database.audit_logs.insert_one(entries(2)[1] | {"id": f"new-{number}"})
            number += 1
            line = _line_within(process.stdout, 0.3)
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)

    assert json.loads(line)["entry"]["action"] == "BILLED"
    assert process.returncode == 130


def _line_within(stream: Any, seconds: float) -> str:
    ready, _, _ = select.select([stream], [], [], seconds)
    return str(stream.readline()) if ready else ""
