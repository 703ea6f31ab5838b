"""Questions through a lost connection: what runs goes on, what was left open is asked again, a deed never is."""

import asyncio

from screens.place import OpenPlace, Place
from services.errors import Unreachable
from tests.screens.conftest import Company, opened, settle

LOST = Unreachable("connection-lost", "The connection to the database was lost.")


async def test_a_healed_connection_leaves_running_work_alone(company: Company) -> None:
    begun, gate, ended = [], asyncio.Event(), []

    async def work() -> str:
        begun.append(1)
        await gate.wait()
        ended.append(1)
        return "home"

    async with opened(company.app()) as pilot:
        place = pilot.app.screen
        assert isinstance(place, Place)
        place.ask("deed", work, OpenPlace, repeat=False)
        place.ask("look", work, OpenPlace)
        await pilot.pause()
        place.connection_healed()
        await pilot.pause()
        gate.set()
        await settle(pilot)
    assert (len(begun), len(ended)) == (2, 2)


async def test_what_the_lost_connection_left_open_is_asked_again_but_no_deed(company: Company) -> None:
    asked: list[str] = []

    def failing_once(name: str) -> object:
        async def work() -> str:
            asked.append(name)
            if asked.count(name) == 1:
                raise LOST
            return "home"

        return work

    async with opened(company.app()) as pilot:
        place = pilot.app.screen
        assert isinstance(place, Place)
        place.ask("deed", failing_once("deed"), OpenPlace, repeat=False)  # type: ignore[arg-type]
        place.ask("look", failing_once("look"), OpenPlace)  # type: ignore[arg-type]
        await settle(pilot)
        place.connection_healed()
        await settle(pilot)
    assert sorted(asked) == ["deed", "look", "look"]
