"""What F1 tells, and which keys are offered to somebody who may only look."""

from textual.pilot import Pilot
from textual.widgets._footer import FooterKey

from screens.help import _keys
from screens.history.screen import HistoryScreen
from screens.place import Place
from screens.statement.screen import StatementScreen
from services.operators.operator import Operator
from tests.screens.conftest import Company, opened, painted, press

VERA = Operator("vera", ("viewer",))


def told(pilot: Pilot[None]) -> dict[str, str]:
    """The keys that F1 would tell, each with its words."""
    screen = pilot.app.screen
    assert isinstance(screen, Place)
    keys = _keys(screen)
    assert len(dict(keys)) == len(keys)
    return dict(keys)


async def test_each_key_is_told_once_and_under_its_own_name(company: Company) -> None:
    async with opened(company.app()) as pilot:
        await press(pilot, "f4")
        keys = told(pilot)
        assert keys["[ ]"] == "The day before, the day after."
        assert "]" not in keys
        assert "not" in keys["n"].lower()
        assert "as such" not in keys["n"]
        assert keys["Ctrl+R"] == "Read the list again, as it is now."
        await press(pilot, "f3", "escape", "b")
        assert isinstance(pilot.app.screen, StatementScreen)
        keys = told(pilot)
        assert keys["["] == "The month before."
        assert not {"/", "slash"} & keys.keys(), "there is nothing to search"
        await press(pilot, "escape", "h")
        assert isinstance(pilot.app.screen, HistoryScreen)
        assert not {"/", "slash"} & told(pilot).keys()


async def test_a_viewer_is_offered_no_key_that_only_leads_to_writing(company: Company) -> None:
    async with opened(company.app(VERA)) as pilot:
        await press(pilot, "f4")
        greyed = {key.key for key in pilot.app.screen.query(FooterKey) if key.has_class("-disabled")}
        assert {"space", "a", "c", "n"} <= greyed
        assert "o" not in greyed
        await press(pilot, "space")
        assert "It needs the role support" in painted(pilot)
        assert "●" not in painted(pilot)
        await press(pilot, "f3", "escape", "right_square_bracket")
        assert "Customer id" in painted(pilot)
        assert "p corrects it" not in painted(pilot)
    async with opened(company.app()) as pilot:
        await press(pilot, "f3", "escape", "right_square_bracket")
        assert "p corrects it, P takes that back" in painted(pilot)
