"""Runs as stored: a plan, what became of it, and who works on it now."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, TypeAlias, get_args

from pydantic import BaseModel, ConfigDict, Field

from services.backfills.plan import Changed, Group, Options, Plan, Summary, Tally
from services.backfills.since import changed_since
from services.clock import INDIA
from services.database import READ_LIMIT_MS, Database, Document, told
from services.errors import NotFound
from services.money import format_rupees
from services.operators.operator import Operator, shown_to

RUNS = "console_runs"
LANES = "console_run_lanes"
EXCEPTIONS = "console_run_exceptions"
Left: TypeAlias = Literal["drifted", "failed", "kept"]
LEFT: tuple[Left, ...] = get_args(Left)
"""What a run left alone, beside the classes of its plan: a commit what drifted or failed, a rollback what it kept."""
Work: TypeAlias = Literal["commit", "rollback"]
Wish: TypeAlias = Literal["pause", "cancel"]

State: TypeAlias = Literal[
    "planned", "approved", "running", "paused", "cancelled", "interrupted", "done", "rolling-back", "rolled-back"
]


class Lease(BaseModel):
    """Who works on a run; each taking counts the token up, and a batch of an older token cannot land."""

    token: int = 0
    owner: str = ""
    until: datetime | None = None


class Limits(BaseModel):
    """The largest plan that one operator may commit alone; None is no limit."""

    model_config = ConfigDict(frozen=True)

    records: int | None = None
    amount_paise: int | None = None

    def exceeded(self, change: Tally) -> str | None:
        """The limit that a change is above, in words."""
        if self.records is not None and change.records > self.records:
            return f"it changes {change.records:,} records, and above {self.records:,} two operators decide"
        if self.amount_paise is not None and change.amount_paise > self.amount_paise:
            limit = format_rupees(self.amount_paise)
            return f"it is about {format_rupees(change.amount_paise)}, and above {limit} two operators decide"
        return None


class Beginning(BaseModel):
    """When the runner of now began, by the server's clock, and how many rows were done by then."""

    at: datetime
    rows: int


class Approval(BaseModel):
    """Who allowed a plan of that digest to be committed."""

    by: str
    at: str
    digest: str


class Reversal(BaseModel):
    """Who took a run back, and why."""

    by: str
    at: str
    reason: str


class Run(BaseModel):
    """A document of `console_runs`."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    id: str = Field(alias="_id")
    backfill: str
    options: Options
    digest: str
    class_digests: dict[Group, str]
    pin_digests: dict[Group, str] = {}
    """None of a plan that an earlier version stored."""
    state: State
    created_at: datetime
    created_by: str
    summary: Summary
    lease: Lease = Lease()
    seconds: float = 0.0
    """The time that its runners worked on it, all together."""
    verified: bool | None = None
    wanted: Wish | None = None
    """What an operator asked of the runner, heeded before its next batch."""
    paused: bool = False
    """Whether the last runner of a rollback heeded a wish to pause: the state stays `rolling-back`."""
    limits: Limits = Limits()
    """Above what size whoever previewed it had two operators decide."""
    approval: Approval | None = None
    reversal: Reversal | None = None
    began: Beginning | None = None
    alive: bool = False
    """Whether the lease holds by the server's clock; computed on reading."""
    since: float = 0.0
    """Seconds since the runner of now began; computed on reading."""

    @property
    def planned(self) -> int:
        """How many records the plan changes."""
        return self.summary.classes["change"].records

    @property
    def present_state(self) -> State:
        """The state; a run whose runner is gone reads as interrupted."""
        return "interrupted" if self.state == "running" and not self.alive else self.state


class Lane(BaseModel):
    """The checkpoint of one of a run's parallel lanes: what has landed, in the same transactions."""

    model_config = ConfigDict(populate_by_name=True, extra="ignore")

    id: str = Field(alias="_id")
    token: int
    next: int
    """The number of the first row that is still to do."""
    end: int
    """The number after the lane's last row."""
    applied: int = 0
    """Records changed, or in a rollback restored."""
    drifted: int = 0
    failed: int = 0
    kept: int = 0
    amount_paise: int = 0


@dataclass(frozen=True, slots=True)
class Totals:
    """What the lanes of one kind of work have done."""

    applied: int = 0
    drifted: int = 0
    failed: int = 0
    kept: int = 0
    amount_paise: int = 0
    rows: int = 0
    """Rows that are behind the checkpoints."""

    @staticmethod
    def of(lanes: Sequence[Lane]) -> Totals:
        """The sums over a run's lanes; a runner may have died before it had made all of them."""
        names = ("applied", "drifted", "failed", "kept", "amount_paise")
        sums = {name: sum(getattr(lane, name) for lane in lanes) for name in names}
        starts = [0, *(lane.end for lane in lanes[:-1])]
        return Totals(**sums, rows=sum(lane.next - start for lane, start in zip(lanes, starts, strict=False)))


@dataclass(frozen=True, slots=True)
class RunView:
    """A run for people and scripts."""

    run: str
    backfill: str
    state: State
    created_at: datetime
    created_by: str
    planned: int
    applied: int
    drifted: int
    failed: int
    amount_paise: int
    """What was billed so far."""
    verified: bool | None
    seconds: float
    digest: str
    options: Options
    plan: Plan
    alive: bool
    """Whether a runner works on it now."""
    wanted: Wish | None
    paused: bool
    """Whether an operator paused it; the state of a rollback says only that it has begun."""
    rate: float | None
    """Records a second of the runner of now."""
    seconds_left: float | None
    restored: int
    kept: int
    """Of a rollback: records taken back, and records left as they are."""
    restored_paise: int
    approval: Approval | None
    reversal: Reversal | None
    found: Tally | None = None
    """What a verification found of the run's work in the database."""

    @property
    def standing(self) -> str:
        """The state in words, and of a paused rollback that it is paused."""
        return f"{self.state}, paused" if self.paused and self.state == "rolling-back" else self.state


@dataclass(frozen=True, slots=True)
class RunException:
    """A record that a run left alone: it drifted since the preview, or it failed."""

    record: str
    outcome: Left
    reason: str
    changed: Changed | None = None
    """Of a record that a rollback kept: its last change after the run."""


def new_run_id(now: datetime) -> str:
    """A run id that sorts by time and is short enough to read out: `run-20261122-101530-k3v9`, India time."""
    letters = "23456789abcdefghjkmnpqrstuvwxyz"
    return f"run-{now.astimezone(INDIA):%Y%m%d-%H%M%S}-" + "".join(secrets.choice(letters) for _ in range(4))


def run_ids_before(moment: datetime) -> Document:
    """The condition on the ids of the runs that were begun before that moment."""
    return {"$lt": f"run-{moment.astimezone(INDIA):%Y%m%d-%H%M%S}"}


def keys_of(run: str) -> Document:
    """The filter of the documents whose `_id` begins with the run's id and a slash."""
    return {"_id": {"$gt": f"{run}/", "$lt": f"{run}0"}}


_AS_OF_NOW: Document = {
    "$set": {
        "alive": {"$gt": ["$lease.until", "$$NOW"]},
        "since": {"$divide": [{"$subtract": ["$$NOW", {"$ifNull": ["$began.at", "$$NOW"]}]}, 1000]},
    }
}


async def load_run(database: Database, run: str) -> Run:
    """The stored run.

    Raises NotFound where there is none.
    """
    with told():
        cursor = await database[RUNS].aggregate([{"$match": {"_id": run}}, _AS_OF_NOW], maxTimeMS=READ_LIMIT_MS)
        found = await cursor.to_list()
    if not found:
        raise NotFound("unknown-run", f"There is no run {run!r}. `backfill list` names the runs that there are.")
    return Run.model_validate(found[0])


def lane_key(run: str, work: Work, number: int) -> str:
    """The `_id` of a lane."""
    return f"{run}/{work}/{number}"


async def load_lanes(database: Database, run: str, work: Work) -> list[Lane]:
    """The checkpoints of a run's lanes for that work, none before it began."""
    with told():
        found = await database[LANES].find(keys_of(f"{run}/{work}")).sort("_id").to_list()
    return [Lane.model_validate(document) for document in found]


async def show_run(database: Database, operator: Operator, run: str) -> RunView:
    """A run with what it has done so far."""
    operator.require("viewer", "look at runs")
    return shown_to(operator, await view(database, await load_run(database, run)))


async def list_runs(database: Database, operator: Operator, limit: int = 20) -> tuple[RunView, ...]:
    """The newest runs first."""
    operator.require("viewer", "look at runs")
    newest: list[Document] = [{"$sort": {"_id": -1}}, {"$limit": limit}, _AS_OF_NOW]
    with told():
        found = await (await database[RUNS].aggregate(newest, maxTimeMS=READ_LIMIT_MS)).to_list()
    return tuple([shown_to(operator, await view(database, Run.model_validate(document))) for document in found])


async def view(database: Database, run: Run) -> RunView:
    """The view of a stored run."""
    done = Totals.of(await load_lanes(database, run.id, "commit"))
    back = Totals()
    if run.reversal:
        back = Totals.of(await load_lanes(database, run.id, "rollback"))
    rate = left = None
    if run.alive and run.began and run.since > 0:
        rows = back.rows if run.state == "rolling-back" else done.rows
        rate = max(0, rows - run.began.rows) / run.since
        left = (run.planned - rows) / rate if rate else None
    return RunView(
        run=run.id, backfill=run.backfill, state=run.present_state, created_at=run.created_at,
        created_by=run.created_by, planned=run.planned, applied=done.applied, drifted=done.drifted,
        failed=done.failed, amount_paise=done.amount_paise, verified=run.verified,
        seconds=round(run.seconds + (run.since if run.alive else 0), 3), digest=run.digest, options=run.options,
        plan=Plan(run.id, run.backfill, run.digest, run.options, run.created_at, run.summary),
        alive=run.alive, wanted=run.wanted, paused=run.paused or run.state == "paused", rate=rate, seconds_left=left,
        restored=back.applied, kept=back.kept, restored_paise=back.amount_paise,
        approval=run.approval, reversal=run.reversal,
    )  # fmt: skip


async def left_alone(database: Database, run: str, outcomes: Sequence[Left]) -> set[int]:
    """The numbers of the rows that a run left alone with one of these outcomes, all of them."""
    matching = {**keys_of(run), "outcome": {"$in": list(outcomes)}}
    with told():
        return {each["number"] async for each in database[EXCEPTIONS].find(matching, {"number": 1})}


async def list_exceptions(database: Database, operator: Operator, run: str) -> tuple[RunException, ...]:
    """The records that a run left alone, up to 200 of them."""
    operator.require("viewer", "look at runs")
    with told():
        found = await database[EXCEPTIONS].find(keys_of(run)).limit(200).to_list()
        changed = await changed_since(database, run, [each for each in found if each["outcome"] == "kept"])
    return shown_to(operator, tuple(
        RunException(each["record"], each["outcome"], each["reason"], changed.get(each.get("number", -1)))
        for each in found
    ))  # fmt: skip
