"""Finds citizens' data that is in the clear, in recordings and in any other file: a gate before a folder is shared."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from pathlib import Path

from lgsp.recording.files import SUFFIX, read_lines
from lgsp.recording.kinds import Kind
from lgsp.recording.pseudonym import is_pseudonym
from lgsp.recording.recording import Bus, Recording
from lgsp.recording.redact import header, texts_in
from lgsp.recording.walk import Walker
from lgsp.wire.exchange_format import BadRecording

_SILENT = (Kind.BIRTH, Kind.ADDRESS)
"""A replaced date or address looks like any other: the others tell whether a file was redacted."""
_LARGEST = 256 * 1024 * 1024
_SKIPPED = frozenset({".git", ".venv", "__pycache__", "node_modules"})


@dataclass(frozen=True, slots=True)
class Leak:
    """One value in the clear. The value itself is told only as far as it helps to find it."""

    file: str
    line: int
    where: str
    """Part of the exchange; empty in other files."""
    kind: Kind
    hint: str
    """Its first letters and its length."""


def scan(path: Path, *, all_kinds: bool = False) -> Iterator[Leak]:
    """The leaks of a file, or of all files of a folder. ``all_kinds``: dates of birth and addresses of recordings that
    nobody redacted, too."""
    files = [path] if path.is_file() else sorted(f for f in path.rglob("*") if f.is_file())
    for file in files:
        if _SKIPPED.isdisjoint(file.parts):
            yield from _recordings(file, all_kinds) if file.suffix == SUFFIX else _other(file)


def _hint(value: str) -> str:
    return f"{value[:3]}*** ({len(value)})"


def _looking(found: list[tuple[Kind, str]], kinds: Callable[[Kind], bool], ours: Set[str] = frozenset()) -> Walker:
    def look(kind: Kind, value: str) -> str:
        bare = value.strip()
        if bare and bare not in ours and kinds(kind) and not set(bare) <= set("*-.0") and not is_pseudonym(kind, bare):
            found.append((kind, bare))
        return value

    return Walker(look, bytes_too=False)


def _recordings(file: Path, all_kinds: bool) -> Iterator[Leak]:
    ours: set[str] = set()
    try:
        for number, line in enumerate(read_lines(file), 1):
            if isinstance(line, Recording):
                yield from _recording(file, number, line, all_kinds, ours)
            elif isinstance(line, Bus):  # the province's own accounts and offices, which stay where they stand
                ours.update(texts_in([line.systems, line.province]))
    except BadRecording:  # something else of this name: its text is looked through instead
        yield from _other(file)


def _recording(file: Path, number: int, line: Recording, all_kinds: bool, ours: Set[str]) -> Iterator[Leak]:
    def kinds(kind: Kind) -> bool:
        return kind not in _SILENT or (all_kinds and not line.redacted)

    parts: list[tuple[str, Callable[[Walker], object]]] = [
        ("request.url", lambda w: w.url(line.opened.url)),
        ("request.headers", lambda w: [w.value(v, k) for k, v in line.opened.headers.items()]),
        ("request.body", lambda w: w.body(line.opened.body, header(line.opened.headers, "content-type"))),
        ("dossier", lambda w: w.free(line.opened.dossier, alone=True)),
    ]
    if (closed := line.closed) is not None:
        parts += [
            ("response.headers", lambda w: [w.value(v, k) for k, v in closed.headers.items()]),
            ("response.body", lambda w: w.body(closed.body, header(closed.headers, "content-type"))),
            ("response.error", lambda w: w.free(closed.error)),
        ]
    for where, look in parts:
        found: list[tuple[Kind, str]] = []
        look(_looking(found, kinds, ours))
        for kind, value in found:
            yield Leak(str(file), number, where, kind, _hint(value))


def _other(file: Path) -> Iterator[Leak]:
    """Whole where it is a document, line by line for the place where a value stands."""
    if file.stat().st_size > _LARGEST:
        raise BadRecording(str(file), f"has more than {_LARGEST} bytes: split it")
    data = file.read_bytes()
    found: list[tuple[Kind, str]] = []
    _looking(found, lambda kind: kind not in _SILENT).body(data)
    for kind, value in found:
        raw = value.encode()
        at = data.find(raw)
        yield Leak(str(file), data.count(b"\n", 0, at) + 1 if at >= 0 else 0, "", kind, _hint(value))
