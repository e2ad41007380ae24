"""A file of recordings that grows while exchanges are made: each line is whole, and readable by its owner only."""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType

from lgsp.recording.files import dumps
from lgsp.recording.recording import Line


class Appending:
    """Writes lines behind those that are there already."""

    def __init__(self, file: Path) -> None:
        self._out = os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "w", encoding="utf-8")
        self.count = 0

    def write(self, line: Line) -> None:
        """One line, on the disk's way when this returns."""
        self._out.write(dumps(line) + "\n")
        self._out.flush()
        self.count += 1

    def __enter__(self) -> Appending:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._out.close()
