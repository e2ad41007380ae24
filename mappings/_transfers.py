"""References that live through a bank: how one is made, and how it is found again in the text of a credit.

Banks turn such a text into capitals, strip its marks and points, put spaces and words of their own into it and cut it.
So a reference is short, begins with two letters that none of its others can be, and ends with a check letter: one that
was mistyped, cut or half overwritten is no reference at all, rather than another citizen's.
"""

from __future__ import annotations

import re
import unicodedata

LETTERS = "0123456789ABCDEFGHJKLMNPRSTUVXY"
"""Thirty-one, a prime: the check letter finds every wrong letter and every two that changed places. No I and O, which
are written for 1 and 0; no Q, W, Z, which begin a reference or stay free for it."""
PREFIX = "ZQ"
LENGTH = 11
_FOUND = re.compile(f"(?={PREFIX}([0-9A-Z]{{{LENGTH - len(PREFIX)}}}))")
_SAME = str.maketrans("OI", "01")


def checked(letters: str) -> str:
    """The whole reference of these eight letters."""
    total = sum(weight * LETTERS.index(letter) for weight, letter in enumerate(letters, 2))
    return f"{PREFIX}{letters}{LETTERS[total % len(LETTERS)]}"


def found(text: str) -> list[str]:
    """Every right reference in the text, in order, each once."""
    apart = unicodedata.normalize("NFKD", text).upper()
    dense = "".join(c for c in apart if c.isascii() and c.isalnum())
    right: dict[str, None] = {}
    for match in _FOUND.finditer(dense):
        letters = match.group(1).translate(_SAME)
        if all(letter in LETTERS for letter in letters) and checked(letters[:-1]) == PREFIX + letters:
            right[PREFIX + letters] = None
    return list(right)


def one(text: str) -> str:
    """The only reference that the text holds; empty where it holds none or several: nobody guesses."""
    references = found(text)
    return references[0] if len(references) == 1 else ""
