import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.text import one_line, visible, visible_lines

ANY_TEXT = st.text(st.characters(exclude_categories=()))


@given(ANY_TEXT)
def test_no_character_that_a_terminal_acts_on_survives(text: str) -> None:
    for character in visible(text):
        assert unicodedata.category(character) not in {"Cc", "Cs", "Zl", "Zp"}
        assert unicodedata.bidirectional(character) not in {
            "LRE",
            "RLE",
            "LRO",
            "RLO",
            "PDF",
            "LRI",
            "RLI",
            "FSI",
            "PDI",
        }


@given(ANY_TEXT)
def test_only_line_breaks_stay_in_long_text(text: str) -> None:
    assert all(line == visible(line) for line in visible_lines(text).split("\n"))


@given(ANY_TEXT)
def test_what_was_made_visible_stays_as_it_is(text: str) -> None:
    assert visible(visible(text)) == visible(text)


@given(st.text("abc అమ్మ अम्मा 🥛[/]=+-@", max_size=40))
def test_ordinary_text_in_any_script_is_untouched(text: str) -> None:
    assert visible(text) == text


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("\x1b[31mred", "␛[31mred"),
        ("a\nb", "a⏎b"),
        ("a\rb\tc", "a␍b␉c"),
        ("\x7f", "␡"),
        ("\x9b2J", "‹009B›2J"),
        ("a\u202eb", "a‹202E›b"),
        ("\u200b\ufeff", "‹200B›‹FEFF›"),
        ("\ud800", "‹D800›"),
        (None, ""),
        (12.5, "12.5"),
        ("అ\u200cమ్మ", "అ\u200cమ్మ"),
    ],
)
def test_each_unsafe_character_has_its_mark(text: object, shown: str) -> None:
    assert visible(text) == shown


def test_a_limit_cuts_with_an_ellipsis() -> None:
    assert visible("abcdef", limit=4) == "abc…"
    assert visible("abcd", limit=4) == "abcd"
    assert visible_lines("a\nbcdef", limit=4) == "a\nb…"


def test_line_breaks_of_any_system_are_lines() -> None:
    assert visible_lines("a\r\nb\nc\x1b") == "a\nb\nc␛"


@pytest.mark.parametrize(
    ("pasted", "kept"),
    [
        ("12, 4th Cross\r\nBengaluru\n", "12, 4th Cross Bengaluru"),
        ("one\ttwo\u2028three\x85four", "one two three four"),
        ("ring\x1b[31m twice\x07\x0c", "ring[31m twice "),
        (" లక్ష్మి\u200c 🥛", " లక్ష్మి\u200c 🥛"),
    ],
)
def test_what_is_pasted_is_kept_on_one_line(pasted: str, kept: str) -> None:
    assert one_line(pasted) == kept
