"""Values met in fields, to be found again in free text."""

from __future__ import annotations

import re
import unicodedata
from collections import OrderedDict

from lgsp.recording.kinds import Kind

_MOST = 200_000
_NUMBER = re.compile(r"[0-9A-Za-z][0-9A-Za-z.-]{4,}[0-9A-Za-z]")
_WORDS = re.compile(r"[^\W\d_]+(?:[ \t]+[^\W\d_]+){1,7}")
_NAMES = (Kind.NAME, Kind.OFFICER)


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().split())


class Known:
    """What each value met so far gave way to; the oldest are forgotten when there are very many."""

    def __init__(self) -> None:
        self._numbers: OrderedDict[str, str] = OrderedDict()
        self._names: OrderedDict[str, str] = OrderedDict()

    def __len__(self) -> int:
        return len(self._numbers) + len(self._names)

    def learn(self, kind: Kind, value: str, instead: str) -> None:
        """Remember a value that is distinctive enough to be looked for: six characters with a digit, or a name of
        two words."""
        if kind in _NAMES and " " in value:
            _keep(self._names, _plain(value), instead)
        elif len(value) >= 6 and any(map(str.isdigit, value)) and _NUMBER.fullmatch(value):
            _keep(self._numbers, value, instead)

    def replaced(self, text: str) -> str:
        """The text with known values replaced."""
        if self._numbers and any(map(str.isdigit, text)):
            text = _NUMBER.sub(lambda match: self._numbers.get(match[0], match[0]), text)
        if self._names and " " in text:
            text = _WORDS.sub(lambda match: self._named(match[0]), text)
        return text

    def _named(self, words: str) -> str:
        parts = re.split(r"([ \t]+)", words)
        count = (len(parts) + 1) // 2
        for length in range(count, 1, -1):
            for start in range(count - length + 1):
                piece = "".join(parts[2 * start : 2 * (start + length) - 1])
                instead = self._names.get(_plain(piece))
                if instead is not None:
                    before, after = "".join(parts[: 2 * start]), "".join(parts[2 * (start + length) - 1 :])
                    return self.replaced_words(before) + instead + self.replaced_words(after)
        return words

    def replaced_words(self, text: str) -> str:
        return _WORDS.sub(lambda match: self._named(match[0]), text)


def _keep(where: OrderedDict[str, str], value: str, instead: str) -> None:
    where[value] = instead
    where.move_to_end(value)
    if len(where) > _MOST:
        where.popitem(last=False)
