"""Which steps tell again what was told already: the same step, pushed without its number and polled with it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from lgsp.canonical.dossier import Step

_SECOND = timedelta(seconds=1)


def repeats(steps: Sequence[Step]) -> list[bool]:
    """For the steps of one dossier, in the order in which they were told: whether each is one that was told before.

    A step that its source numbered and one that it did not are the same if officer, content and time agree. Each is
    the same as one other at most, and two of a kind never are: an officer may do the same twice in a second.
    """
    alone: list[Step] = []
    found = []
    for step in steps:
        twin = next((i for i, other in enumerate(alone) if same(other, step)), None)
        if twin is None:
            alone.append(step)
        else:
            del alone[twin]
        found.append(twin is not None)
    return found


def same(one: Step, other: Step) -> bool:
    """Whether two steps of a dossier, told in two ways, are one."""
    return (
        one.unnumbered is not other.unnumbered
        and _plain(one.officer) == _plain(other.officer)
        and _plain(one.content) == _plain(other.content)
        and _together(one, other)
    )


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _together(one: Step, other: Step) -> bool:
    """To the second, which a database rounds up or down; to the minute, where one of them tells no more."""
    if abs(one.at - other.at) <= _SECOND:
        return True
    if not any(step.at.second == step.at.microsecond == 0 for step in (one, other)):
        return False
    return one.at.replace(second=0, microsecond=0) == other.at.replace(second=0, microsecond=0)
