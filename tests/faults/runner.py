"""A runner as a process of its own, to be killed: `python -m tests.faults.runner URI DB RUN DIGEST BATCH LEASE`.

Prints a line for each batch that landed. Commits a planned run, resumes a begun one.
"""

import asyncio
import sys

from services.backfills.commit import Pace, Progress, commit, resume
from services.backfills.runs import load_run
from services.clock import utc_now
from services.database import connect
from services.operators.operator import Operator


def tell(progress: Progress) -> None:
    print(progress.applied, flush=True)


async def main(uri: str, name: str, run: str, digest: str, batch: str, lease: str) -> None:
    database = await connect(uri, name)
    operator, pace = Operator("olga", ("ops",)), Pace(int(batch), float(lease))
    print("connected", flush=True)
    if (await load_run(database, run)).state == "planned":
        await commit(database, operator, utc_now, run, digest, pace=pace, progress=tell)
    else:
        await resume(database, operator, utc_now, run, pace=pace, progress=tell)
    await database.client.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
