"""Files of recordings: JSON lines, one exchange each; written whole or not at all."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile

from lgsp.recording.recording import Line, line_from_json, line_to_json
from lgsp.wire.exchange_format import BadRecording

SUFFIX = ".jsonl"
MOST = 256 * 1024 * 1024
"""Most bytes of one line: a body of the largest size in base64, and room."""


def dumps(line: Line) -> str:
    """One line, without its line break."""
    return json.dumps(line_to_json(line), ensure_ascii=False, separators=(",", ":"))


def read_lines(file: Path) -> Iterator[Line]:
    """The lines of a file, one after the other; ``BadRecording`` names file, line and field."""
    try:
        with file.open("rb") as source:
            number = 0
            while raw := source.readline(MOST + 1):
                number += 1
                if len(raw) > MOST:
                    raise BadRecording(f"{file}:{number}", f"a line of more than {MOST} bytes")
                if raw.strip():
                    yield _line(file, number, raw)
    except OSError as error:
        raise BadRecording(str(file), f"cannot be read ({error.strerror})") from None


def _line(file: Path, number: int, raw: bytes) -> Line:
    try:
        return line_from_json(json.loads(raw))
    except BadRecording as bad:
        raise BadRecording(f"{file}:{number}: {bad.where}", bad.reason) from None
    except (ValueError, RecursionError):
        raise BadRecording(f"{file}:{number}", "no JSON: a recording has one JSON object a line") from None


def files_of(path: Path) -> list[Path]:
    """The recordings that a path means: a file, or all of a folder, its own folders included."""
    if path.is_dir():
        found = sorted(path.rglob(f"*{SUFFIX}"))
        if not found:
            raise BadRecording(str(path), f"no *{SUFFIX} in this folder")
        return found
    if not path.exists():
        raise BadRecording(str(path), "no such file or folder")
    return [path]


def write_lines(file: Path, lines: Iterable[Line]) -> int:
    """Write a file in the place of the one that may be there; how many lines it has. Nobody else can read it."""
    count = 0
    with NamedTemporaryFile("w", dir=file.parent, prefix=f".{file.name}.", encoding="utf-8", delete=False) as out:
        try:
            for line in lines:
                out.write(dumps(line) + "\n")
                count += 1
            out.flush()
            os.fsync(out.fileno())
        except BaseException:
            with suppress(OSError):
                os.unlink(out.name)
            raise
    os.replace(out.name, file)
    return count
