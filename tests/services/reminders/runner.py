"""A sender as a process of its own, to be killed: `python -m tests.services.reminders.runner URI DB PROVIDER_URL`."""

import asyncio
import sys

from services.clock import utc_now
from services.database import connect
from services.operators.operator import Operator
from services.reminders.providers.whatsapp import WhatsAppCloud
from services.reminders.sender import send
from tests.services.reminders.conftest import ALL_DAY


async def main(uri: str, name: str, url: str) -> None:
    database = await connect(uri, name)
    provider = WhatsAppCloud(url, "v23.0", "555", "s3cret-token", {})
    await send(database, Operator("olga", ("ops",)), utc_now, provider, limits=ALL_DAY)


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
