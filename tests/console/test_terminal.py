"""Text whose width terminals do not agree on stays in its columns on each of them."""

import re
import unicodedata
from collections.abc import Callable

import pytest
from rich.cells import cell_len

from console.terminal import placed

NAMES = ["అనూష చౌదరి", "रमेश कुमार", "நித்யா", "👨‍👩‍👧", "é", "👍🏽", "☂️", "Asha"]
_STEP = re.compile(r"\x1b\[(\d+);(\d+)H|\x1b\[(\d+)C|\x1b(7)|\x1b(8)|\x1b\[[\d;]*m|(.)", re.DOTALL)


def narrow(character: str) -> int:
    """A terminal on which signs take no column of their own, nor anything joined or beyond the plain letters."""
    return int(unicodedata.category(character) not in ("Mn", "Mc", "Me", "Cf", "Sk"))


def wide(character: str) -> int:
    """One on which vowel signs take one, and every emoji two, joined or not."""
    return 2 if character > "\U0001f000" else int(unicodedata.category(character) not in ("Mn", "Me", "Cf"))


def shown(output: str, width: Callable[[str], int], before: str) -> dict[int, str]:
    """What stands in each column of one line that held something else before."""
    cells, at, kept = dict(enumerate(before)), 0, 0
    for row, column, forward, save, back, character in _STEP.findall(output):
        if row:
            at = int(column) - 1
        elif save:
            kept = at
        elif back:
            at = kept
        elif forward:
            at += int(forward)
        elif character and (taken := width(character)):
            cells |= dict.fromkeys(range(at, at + taken), "") | {at: character}
            at += taken
    return cells


@pytest.mark.parametrize("width", [narrow, wide])
@pytest.mark.parametrize("name", NAMES)
def test_what_follows_a_name_stands_where_it_is_reckoned_to(name: str, width: Callable[[str], int]) -> None:
    padding = " " * (20 - cell_len(name))
    cells = shown(placed(f"\x1b[1;1H\x1b[1;38;2;1;2;3m{name}{padding}\x1b[0m₹129.60│"), width, before="#" * 40)
    assert "".join(cells[column] for column in range(20, 28)) == "₹129.60│"
    assert "#" not in [cells[column] for column in range(28)]
    taking_columns = [character for character in name if width(character)]
    assert taking_columns == [cells[column] for column in range(20) if cells[column] not in ("", " ")] or " " in name


@pytest.mark.parametrize("width", [narrow, wide])
@pytest.mark.parametrize("name", NAMES)
def test_cells_of_one_row_in_one_colour_stand_in_their_columns(name: str, width: Callable[[str], int]) -> None:
    padding = " " * (20 - cell_len(name))
    cells = shown(placed(f"\x1b[1;1H{name}{padding}98450 12345  Jayanagar\x1b[m│"), width, before="#" * 50)
    assert "".join(cells[column] for column in range(20, 43)) == "98450 12345  Jayanagar│"


def test_text_without_room_keeps_its_letters() -> None:
    assert placed("\x1b[mఅనూష\x1b[7m \x1b[m") == "\x1b[mఅనూష\x1b[7m \x1b[m"


def test_without_such_text_the_output_is_as_it_was() -> None:
    output = "\x1b[1;1H\x1b[1mOrders\x1b[0m ₹1,234.00 · naïve ─── │▌ Ελλάδα\x1b]8;;http://x\x1b\\\r\n"
    assert placed(output) == output
    assert placed(output + "అ").startswith(output)
