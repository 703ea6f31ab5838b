"""A dialog that asks why, with more to say than fits."""

from collections.abc import Callable

import pytest
from textual.app import App
from textual.screen import Screen
from textual.widgets import Button, Input

from screens.deliveries.many import ConfirmMany
from screens.widgets.notice import Notice
from screens.widgets.question import Question
from screens.widgets.reason import ReasonDialog


async def test_however_much_is_said_the_reason_and_the_answers_stay_in_sight_and_the_keys_work() -> None:
    app: App[None] = App()
    given: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        dialog = ReasonDialog("Take back", "\n".join(map(str, range(60))), deed="Take back", explains="")
        await app.push_screen(dialog, given.append)
        await pilot.press("ctrl+s")
        for part in ("#reason", "#refusal", "#keep", "#confirm"):
            assert dialog.region.contains_region(dialog.query_one(part).region), part
            assert dialog.query_one(part).region.area
        assert dialog.query_one("#confirm", Button).disabled
        await pilot.press("pagedown")
        await pilot.pause()
        assert dialog.query_one(".dialog-words").scroll_y > 0
        await pilot.press("x")
        assert dialog.query_one("#refusal", Notice).said == ""
        await pilot.press("ctrl+s")
    assert given == ["x"]


DIALOGS = {
    "a reason": lambda: ReasonDialog("Take back", "It becomes what it was.", deed="Take back", explains=""),
    "many": lambda: ConfirmMany("Confirm", [], 2),
}


@pytest.mark.parametrize("dialog", DIALOGS.values(), ids=DIALOGS.keys())
async def test_escape_asks_before_it_drops_what_was_typed(dialog: Callable[[], Screen[object]]) -> None:
    app: App[None] = App()
    given: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        await app.push_screen(dialog(), given.append)
        await pilot.press("escape")
        assert given == [None], "nothing was typed"
        opened = dialog()
        await app.push_screen(opened, given.append)
        await pilot.press("w", "h", "y", "escape")
        assert isinstance(app.screen, Question)
        await pilot.press("ctrl+s", "escape")
        assert app.screen is opened
        assert opened.query_one("#reason Input", Input).value == "why"
        await pilot.press("escape", "tab", "enter")
        await pilot.pause()
        assert given == [None, None]


async def test_a_reason_that_was_given_before_is_there_and_can_be_left() -> None:
    app: App[None] = App()
    given: list[object] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (["escape"], ["ctrl+s"]):
            await app.push_screen(
                ReasonDialog("Take back", "", deed="Take back", explains="", typed="why"), given.append
            )
            await pilot.press(*keys)
    assert given == [None, "why"]


async def test_what_is_typed_replaces_a_reason_that_is_there_whatever_has_the_focus() -> None:
    app: App[None] = App()
    given: list[str | None] = []
    async with app.run_test(size=(80, 24)) as pilot:
        for keys in (["n", "o"], ["shift+tab", "n", "o"]):
            dialog = ReasonDialog("Take back", "", deed="Take back", explains="", typed="why")
            await app.push_screen(dialog, given.append)
            await pilot.press(*keys)
            await pilot.press("ctrl+s")
    assert given == ["no", "no"]
