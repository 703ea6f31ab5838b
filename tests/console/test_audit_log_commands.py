"""Sealing, verifying and proving the audit trail from the command line, and files that prove themselves."""

import json
from pathlib import Path

from tests.console.conftest import Shop


def test_the_trail_is_sealed_verified_and_found_altered(shop: Shop) -> None:
    assert shop("operators", "add", "raj", "--role", "support").status == 0
    assert shop("operators", "add", "sita", "--role", "viewer").status == 0

    clean = shop("audit", "verify", "--json")
    assert (clean.status, clean.json["entries"], clean.json["sealed"], clean.json["problems"]) == (0, 2, 2, [])
    assert (clean.json["checkpoints"], clean.json["newest_checkpoint"]) == (2, 1)
    assert shop("audit", "seal", "--json").json["checkpoint"]["number"] == 1
    assert "2, the newest is number 1;" in shop("audit", "verify").out

    shop.database.audit_logs.update_one({"record_id": "raj"}, {"$set": {"user_id": "nobody"}})
    shop.database.audit_logs.delete_one({"record_id": "sita"})
    found = shop("audit", "verify", "--json")

    assert found.status == 1
    assert {problem["kind"] for problem in found.json["problems"]} == {"altered", "removed"}
    told = shop("audit", "verify")
    assert told.status == 1
    assert "2 problems." in told.out


def test_a_proof_holds_by_itself_and_not_for_another_key(shop: Shop, tmp_path: Path) -> None:
    shop("operators", "add", "raj", "--role", "support")
    entry, file = str(shop.database.audit_logs.find_one()["_id"]), tmp_path / "proof.json"  # type: ignore[index]
    key = shop("audit", "key", "--json").json["public"]

    assert shop("audit", "prove", entry, "--to", str(file)).status == 0
    assert shop("audit", "check-proof", str(file), "--key", key, "--json").json["proven"]["entry"] == entry
    assert shop("audit", "check-proof", str(file), "--key", "00" * 32).status == 1
    assert "The proof holds" in (told := shop("audit", "check-proof", str(file)).out)
    assert "signed by the key that it names" in told
    assert "signed by a key that you trust" in shop("audit", "check-proof", str(file), "--key", key).out
    proof = json.loads(file.read_text())
    file.write_text(json.dumps(proof | {"index": proof["index"] + 1}))
    refused = shop("audit", "check-proof", str(file), "--json")
    assert (refused.status, refused.json["error"]["code"]) == (1, "not-proven")


def test_an_export_is_signed_and_any_change_shows(shop: Shop, tmp_path: Path) -> None:
    shop("operators", "add", "raj", "--role", "support")
    file = tmp_path / "trail.jsonl"
    key = shop("audit", "key", "--json").json["public"]

    assert shop("audit", "export", "--to", str(file), "--reason", "yearly audit").status == 0
    checked = shop("audit", "check-export", str(file), "--key", key, "--json")
    assert (checked.status, checked.json["intact"], checked.json["signed"]) == (0, True, True)
    assert shop("audit", "check-export", str(file), "--key", "00" * 32).status == 1
    file.write_text(file.read_text().replace("raj", "sam", 1))
    assert shop("audit", "check-export", str(file)).status == 1


def test_a_copy_outside_tells_of_a_log_that_was_made_anew(shop: Shop, tmp_path: Path) -> None:
    copies = {"DELIVERY_CONSOLE_AUDIT_CHECKPOINTS": str(tmp_path / "checkpoints.jsonl")}
    shop("operators", "add", "raj", "--role", "support", env=copies)
    for name in ("leaves", "nodes", "checkpoints", "streams"):
        shop.database[f"console_audit_{name}"].drop()
    shop.database.audit_logs.delete_many({})

    alone = shop("audit", "verify")
    assert alone.status == 0
    assert "Nothing is sealed yet" in alone.out
    found = shop("audit", "verify", "--json", env=copies)
    assert found.status == 1
    assert {problem["kind"] for problem in found.json["problems"]} == {"truncated"}


def test_only_an_auditor_verifies(shop: Shop) -> None:
    assert shop("--operator", "ravi", "audit", "verify").status == 4
    assert shop("--operator", "ravi", "audit", "seal").status == 4
