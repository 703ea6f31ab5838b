"""Runners as a process, to be killed: `python -m tests.faults.runner URI DB RUN WORK BATCH LEASE [STARTS]`.

WORK is commit, resume or rollback; STARTS of them are started at once. Says `connected`, waits for a line, then says
a line for each batch that landed, and how each start ended: `ended STATE` or `refused CODE`.
"""

import asyncio
import sys

from services.backfills.commit import commit, resume
from services.backfills.pace import Pace
from services.backfills.rollback import rollback
from services.backfills.runner import Progress
from services.backfills.runs import RunView, load_run
from services.clock import utc_now
from services.database import Database, connect
from services.errors import ConsoleError
from services.operators.operator import Operator

OPERATOR = Operator("olga", ("ops",))


def tell(progress: Progress) -> None:
    print("landed", progress.applied, flush=True)


async def work(database: Database, run: str, kind: str, pace: Pace) -> RunView:
    if kind == "commit":
        digest = (await load_run(database, run)).digest
        return await commit(database, OPERATOR, utc_now, run, digest, pace=pace, progress=tell)
    if kind == "resume":
        return await resume(database, OPERATOR, utc_now, run, pace=pace, progress=tell)
    return await rollback(database, OPERATOR, utc_now, run, "billed too early", pace=pace, progress=tell)


async def main(uri: str, name: str, run: str, kind: str, batch: str, lease: str, starts: str = "1") -> None:
    database, pace = await connect(uri, name), Pace(int(batch), float(lease))
    print("connected", flush=True)
    if not sys.stdin.readline():
        return
    started = (work(database, run, kind, pace) for _ in range(int(starts)))
    for outcome in await asyncio.gather(*started, return_exceptions=True):
        if isinstance(outcome, RunView):
            print("ended", outcome.state, flush=True)
        elif isinstance(outcome, ConsoleError):
            print("refused", outcome.code, flush=True)
        else:
            raise outcome
    await database.client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
