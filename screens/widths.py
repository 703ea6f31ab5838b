"""How many columns text takes: terminals do not agree on vowel signs and joined emoji."""

from __future__ import annotations

import unicodedata

from rich.cells import cell_len


def excess(words: str) -> int:
    """The columns that some terminals draw beyond those that are reckoned with."""
    if words.isascii():
        return 0
    apart = sum(1 if unicodedata.category(character) == "Mc" else cell_len(character) for character in words)
    return max(0, apart - cell_len(words))
