"""A run as a person reads it: what it did, who decided what, and what it left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from rich.text import Text

from screens.tones import count, text, wrapping
from screens.widgets.meter import Reading
from screens.widgets.sheet import Section
from services.backfills.plan import why_left
from services.backfills.registry import find_backfill
from services.clock import format_moment, read_timestamp
from services.money import format_rupees

if TYPE_CHECKING:
    from services.backfills.plan import Options
    from services.backfills.runs import RunException, RunView

STATE_TONES = {
    "planned": "info", "approved": "info", "running": "warn", "paused": "warn", "interrupted": "bad", "done": "good",
    "cancelled": "muted", "rolling-back": "warn", "rolled-back": "muted",
}  # fmt: skip
_REMINDED_OF = "unsent ones of kept, unpaid bills are held; Reminders releases them"


def state_line(run: RunView) -> Text:
    """The state, and what is to become of it."""
    line = text(run.standing, STATE_TONES.get(run.state, ""))
    if run.wanted:
        line.append(f", asked to {run.wanted}", "warn")
    elif run.state == "rolling-back" and not run.alive:
        line.append(*((": r goes on", "warn") if run.paused else (", and nobody works on it: r goes on", "bad")))
    return line


def resumable(run: RunView) -> bool:
    """Whether there is something to go on with: a halted run, or records that failed."""
    halted = run.state in ("interrupted", "paused", "rolling-back") and not run.alive
    return halted or (run.state == "done" and run.failed > 0)


def is_another(run: RunView, before: RunView) -> bool:
    """Whether what was said of a run holds no longer: its state is another, its runner has heeded what was asked,
    or somebody works on it by now.
    """
    heeded = before.wanted is not None and run.wanted is None
    return run.state != before.state or heeded or (run.alive and not before.alive)


def reading(run: RunView) -> Reading | None:
    """How far the runner is, whoever's it is; None where nobody works on the run."""
    if not run.alive:
        return None
    words = f"{count(round(run.rate or 0))}/s"
    if run.seconds_left is not None:
        words += f"  {run.seconds_left:.0f} s left"
    if run.state == "rolling-back":
        return Reading(run.restored + run.kept, run.applied, f"taken back  {words}")
    return Reading(run.applied + run.drifted + run.failed, run.planned, words)


def sections(run: RunView, exceptions: Sequence[RunException]) -> list[Section]:
    """What a run did, as its receipt tells."""
    money = find_backfill(run.backfill).amounts
    facts = [
        ("Run", text(run.run, "strong")),
        ("What", text(find_backfill(run.backfill).title)),
        ("State", state_line(run)),
        ("Applied", text(f"{count(run.applied)} of {count(run.planned)} records", "good" if run.applied else "muted")),
        ("Drifted", text(f"{count(run.drifted)}", "warn" if run.drifted else "muted")),
        ("Failed", text(f"{count(run.failed)}", "bad" if run.failed else "muted")),
        *([("Amount", text(format_rupees(run.amount_paise), "money"))] if money else []),
        ("Verified", _verified(run, money=money)),
        ("Time", text(f"{run.seconds:.1f} seconds")),
    ]
    found = [Section("Receipt" if run.state in ("done", "rolled-back") else "Run so far", facts)]
    if run.reversal:
        restored = f"{count(run.restored)} of {count(run.applied)}" + (
            f", {format_rupees(run.restored_paise)}" if money else ""
        )
        found.append(Section("Taken back", [
            ("Restored", text(restored, "good")),
            ("Kept", text(count(run.kept), "warn" if run.kept else "muted")),
            *([("Reminders", text(_REMINDED_OF))] if run.kept and money else []),
            ("By", text(f"{run.reversal.by}, {_moment(run.reversal.at)}")),
            ("Reason", text(run.reversal.reason)),
        ]))  # fmt: skip
    words = asked(run.options)
    found.append(Section("Plan", [
        ("By", text(f"{run.created_by}, {format_moment(run.created_at)} India time")),
        *([("Approved", text(f"{run.approval.by}, {_moment(run.approval.at)}", "good"))] if run.approval else []),
        *([("Asked", text(words, "info"))] if words else []),
        ("Digest", text(run.digest)),
    ]))  # fmt: skip
    left = [
        wrapping(text(f"{each.outcome:8} {each.record}  {why_left(each.reason, each.changed)}", limit=300))
        for each in exceptions
    ]
    return [*found, Section("Left alone", lines=left)] if left else found


def _verified(run: RunView, *, money: bool) -> Text:
    if run.verified is None:
        return text("not yet", "muted")
    if run.verified:
        return text("✓ the database adds up to the paisa" if money else "✓ the database has it", "good")
    return text("✗ NOT verified: the sums differ, look at the run", "bad")


def _moment(stored: str) -> str:
    return f"{format_moment(read_timestamp(stored))} India time"


def asked(options: Options) -> str:
    """What a preview was asked to look at, where that is not everything."""
    words = [
        f"delivered from {options.delivered_from}" if options.delivered_from else "",
        f"to {options.delivered_to}" if options.delivered_to else "",
        "flagged included" if options.include_flagged else "",
        "confirmed only" if options.confirmed_only else "",
    ]
    return ", ".join(word for word in words if word)
