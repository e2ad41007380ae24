"""What is replayed: recordings in the order in which they happened, and how each dossier ended."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from lgsp.recording.files import files_of, read_lines
from lgsp.recording.recording import Bus, Ending, Line, Recording
from lgsp.wire.exchange_format import BadRecording


@dataclass(frozen=True, slots=True)
class Script:
    """All that a replay is made from."""

    bus: Bus
    recordings: tuple[Recording, ...]
    endings: Mapping[str, Ending]

    @property
    def whole(self) -> bool:
        """Whether it tells how dossiers ended."""
        return bool(self.endings)


def happened(one: Recording) -> int:
    """When it took effect: a call of ours when it left, a call from outside when the bus committed it."""
    if one.opened.direction == "out":
        return one.opened.opened_at
    return one.taken_at or (one.closed.closed_at if one.closed is not None else one.opened.opened_at)


def read_script(paths: Iterable[Path], *, since: int = 0, until: int = 0) -> Script:
    """The recordings of files and folders, each exchange once; ``BadRecording`` where there is none, or no bus."""
    return script_of((line for path in paths for file in files_of(path) for line in read_lines(file)), since, until)


def script_of(lines: Iterable[Line], since: int = 0, until: int = 0) -> Script:
    """As ``read_script``, of lines at hand. ``since`` and ``until``: microseconds; 0: no limit."""
    buses: list[Bus] = []
    endings: dict[str, Ending] = {}
    found: dict[int, Recording] = {}
    cut = False
    for line in lines:
        match line:
            case Bus():
                buses.append(line)
            case Ending():
                endings[line.dossier] = line
            case Recording():
                if (since and line.opened.opened_at < since) or (until and line.opened.opened_at >= until):
                    cut = True
                else:
                    found[line.opened.id] = line
    if not found:
        raise BadRecording("the whole", "no exchange in it" + (" at that time" if cut else ""))
    if not buses:
        raise BadRecording("bus", "no line tells the bus's settings: write the recordings with `lgsp export`")
    systems = {name: own for bus in buses for name, own in bus.systems.items()}
    last = buses[-1]
    restarts = tuple(sorted({at for bus in buses for at in bus.restarts}))
    ordered = sorted(found.values(), key=lambda one: (happened(one), one.place, one.opened.id))
    told = Bus(last.province, systems, last.codes, last.base_url, restarts)
    return Script(told, tuple(ordered), {} if cut else endings)
