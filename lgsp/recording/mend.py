"""Redacts a file of recordings where it lies."""

from __future__ import annotations

from pathlib import Path

from lgsp.recording.export import redactor_of
from lgsp.recording.files import dumps, read_lines, write_lines
from lgsp.recording.recording import Bus, Line, Recording
from lgsp.recording.redact import texts_in
from lgsp.spi.registry import Registry


def mend(file: Path, key: bytes, registry: Registry, *, write: bool) -> tuple[int, int]:
    """How many exchanges changed, and how many there are. ``write=False`` changes nothing."""
    before = list(read_lines(file))
    buses = [line for line in before if isinstance(line, Bus)]
    ours = [text for bus in buses for text in texts_in([bus.systems, bus.province])]
    systems = {name: own for bus in buses for name, own in bus.systems.items()}
    redactor = redactor_of(registry, key, ours, systems)
    after: list[Line] = [redactor.recording(one) if isinstance(one, Recording) else one for one in before]
    # What a later exchange told of may stand in the texts of an earlier one: the second look knows all.
    after = [redactor.recording(one) if isinstance(one, Recording) else one for one in after]
    changed = sum(dumps(a) != dumps(b) for a, b in zip(after, before, strict=True))
    if write and changed:
        write_lines(file, after)
    return changed, sum(isinstance(one, Recording) for one in before)
