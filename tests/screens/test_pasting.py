"""What is pasted into an input of one line: all of it, or nothing and a sentence."""

import pytest
from textual import events
from textual.app import App, ComposeResult
from textual.widgets import Button

from screens.widgets.field import Field, Line
from screens.widgets.reason import ReasonDialog


class Form(App[None]):
    """One input with words in it."""

    def compose(self) -> ComposeResult:
        yield Field("Notes", id="notes", explains="", value="ring once", max_length=2_000)


def told(app: App[None]) -> list[str]:
    return [each.message for each in app._notifications]


async def test_lines_and_controls_become_one_line_where_the_cursor_is() -> None:
    async with Form().run_test() as pilot:
        line = pilot.app.query_one(Line)
        line.focus()
        pilot.app.post_message(events.Paste("; then\x0c call\r\ntwice\x1b\n"))
        await pilot.pause()
        assert (line.value, told(pilot.app)) == ("ring once; then  call twice", [])


@pytest.mark.parametrize(("selected", "there"), [(False, "9 are there and the pasted text has"), (True, "the pasted")])
async def test_what_does_not_fit_is_refused_whole_and_what_was_there_stays(*, selected: bool, there: str) -> None:
    async with Form().run_test() as pilot:
        line = pilot.app.query_one(Line)
        line.focus()
        if selected:
            line.action_select_all()
        pilot.app.post_message(events.Paste("x" * (10_000 if selected else 1_992)))
        await pilot.pause()
        (words,) = told(pilot.app)
        assert words.startswith(f"At most 2,000 characters fit; {there}")
        assert words.endswith("Nothing was pasted.")
        assert line.value == "ring once"
        line.action_end()
        pilot.app.copy_to_clipboard(" more" * 400)
        line.action_paste()
        await pilot.pause()
        assert (line.value, len(told(pilot.app))) == ("ring once", 2)


async def test_a_reason_is_pasted_while_a_button_has_the_focus() -> None:
    async with Form().run_test() as pilot:
        dialog = ReasonDialog("Cancel", "It is cancelled.", deed="Cancel it", explains="")
        await pilot.app.push_screen(dialog)
        await pilot.pause()
        assert isinstance(dialog.focused, Button)
        pilot.app.post_message(events.Paste("she\ncalled"))
        await pilot.pause()
        assert dialog.query_one("#reason", Field).value == "she called"


async def test_a_burst_of_keys_is_the_reason_with_its_spaces_while_the_focus_is_on_its_way() -> None:
    async with Form().run_test() as pilot:
        dialog = ReasonDialog("Cancel", "It is cancelled.", deed="Cancel it", explains="")
        await pilot.app.push_screen(dialog)
        await pilot.pause()
        words = " customer asked, who is away for a week"
        for letter in words:
            pilot.app.post_message(events.Key("space" if letter == " " else letter, letter))
        await pilot.pause()
        assert dialog.query_one("#reason", Field).value == words.strip()
