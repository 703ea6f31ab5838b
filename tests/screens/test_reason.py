"""A dialog that asks why, with more to say than fits."""

from textual.app import App
from textual.widgets import Button

from screens.widgets.notice import Notice
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
