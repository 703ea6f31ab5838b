"""`audit report`: what the trail comes to, with bars."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import typer

from console.command import Json, run
from console.commands.audit.group import Words, app, filtered, filters_of
from console.output import Answer, BarRow, Bars, Block, Line, Pairs

if TYPE_CHECKING:
    from console.session import Session
    from services.audit.report import AuditReport

_MOST = 20
"""So many users, tables and actions, and so many days, are told on a terminal; JSON has all."""
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_SHADES = " ·░▒▓█"


@app.command("report")
@filtered
def report_entries(context: typer.Context, words: Words, as_json: Json = False) -> None:
    """Count the entries that match by action, user, table, day and hour."""

    async def work(session: Session) -> Answer:
        from services.audit.query import AuditQuery

        made = await AuditQuery(session.database, session.operator).report(await filters_of(session, words))
        return Answer(_document(made), _blocks(made))

    run(context, work, as_json=as_json)


def _document(report: AuditReport) -> dict[str, object]:
    return {
        "entries": report.entries, "records": report.records, "first": report.first, "last": report.last,
        "undated": report.undated, "by_action": report.by_action, "by_user": report.by_user,
        "user_names": report.names, "by_table": report.by_table, "by_day": report.by_day,
        "by_weekday_hour": report.by_weekday_hour,
    }  # fmt: skip


def _blocks(report: AuditReport) -> list[Block]:
    from services.clock import format_moment

    facts = [
        ("Entries", f"{report.entries:,}"),
        ("Records", f"{report.records:,}"),
        ("First", format_moment(report.first)),
        ("Last", format_moment(report.last)),
    ]
    if report.undated:
        facts.append(("Without a readable time", f"{report.undated:,}"))
    blocks: list[Block] = [Pairs(facts)]
    users = [(report.who(user), count) for user, count in report.by_user.items()]
    parts = (("Action", list(report.by_action.items())), ("User", users), ("Table", list(report.by_table.items())))
    for title, counts in parts:
        blocks += _bars(title, counts[:_MOST], len(counts), "largest")
    blocks += _bars("Day (India)", list(report.by_day.items())[-_MOST:], len(report.by_day), "latest")
    return [*blocks, *_heat(report)]


def _bars(title: str, counts: list[tuple[str, int]], of: int, which: str) -> Iterable[Block]:
    if not counts:
        return
    yield Line("")
    yield Bars((title, "Entries"), [BarRow(name or "(none)", count, count, (f"{count:,}",)) for name, count in counts])
    if of > len(counts):
        yield Line(f"The {which} {len(counts)} of {of:,}; --json has all.")


def _heat(report: AuditReport) -> Iterable[Block]:
    most = max(map(max, report.by_weekday_hour))
    if not most:
        return
    yield Line("")
    yield Line("     " + "".join(f"{hour:<3}" for hour in range(24)) + " hour in India")
    for name, hours in zip(_DAYS, report.by_weekday_hour, strict=True):
        yield Line(f"{name}  " + "".join(f"{_shade(count, most) * 2} " for count in hours) + f" {sum(hours):,}")


def _shade(count: int, most: int) -> str:
    """Nothing for nothing, something for anything."""
    return _SHADES[-(-count * (len(_SHADES) - 1) // most)]
