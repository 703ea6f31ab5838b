"""Rows of dialogs keep their right border, however wide a terminal draws a name."""

from rich.cells import cell_len
from rich.text import Text
from textual.app import App, ComposeResult

from screens.tones import tone_styles
from screens.widgets.chooser import Chosen
from screens.widgets.fitted import Fitted
from screens.widgets.quantity import QuantityLine
from screens.widths import excess

NAME = "లక్ష్మీ నారాయణ పాలు మరియు పెరుగు"


class Form(App[None]):
    """The rows that hold a name."""

    def compose(self) -> ComposeResult:
        self.console.push_theme(tone_styles(self.get_css_variables()))
        yield QuantityLine("8a0698d5-c131-4329-aa4b-dbe4e616e8bf", NAME, "2", Text("of 2 l"))
        yield QuantityLine("8a0698d5-c131-4329-aa4b-dbe4e616e8bf", "Milk", "2", Text("of 2 l"))
        yield Chosen("Delivered by", id="person", explains="", empty="nobody")


async def test_a_name_is_cut_for_the_widest_drawing_and_the_id_leaves_a_gap_before_the_quantity() -> None:
    async with Form().run_test(size=(60, 24)) as pilot:
        pilot.app.query_one(Chosen).put("p", Text(f"{NAME} {NAME}"))
        await pilot.pause()
        for row in pilot.app.query(Fitted):
            words = row.render().plain
            assert words.endswith("…")
            assert 10 < cell_len(words) + excess(words) <= row.content_size.width
        names = [row for row in pilot.app.query(Fitted) if row.has_class("item-name")]
        assert [row.region.width - row.content_size.width for row in names] == [1, 1]
        await pilot.resize_terminal(100, 24)
        await pilot.pause()
        assert names[1].render().plain == "Milk  8a0698d5-c131-4329-aa4b-dbe4e616e8bf"
