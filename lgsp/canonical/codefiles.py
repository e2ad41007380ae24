"""Reads code tables: one CSV file for each table, the shipped folder first, then the province's own."""

from __future__ import annotations

import csv
import io
import itertools
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from importlib.metadata import entry_points
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

from lgsp.canonical.base import nfc
from lgsp.canonical.codecheck import faults
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.errors import ConfigError

FIRST_COLUMNS = ("code", "valid_from", "valid_to", "document")


def parse_csv(table: str, text: str, *, file: str = "") -> list[CodeRow]:
    """The rows of one table, in the order of the file.

    Text is brought to NFC and stripped. Raises ``ConfigError`` with one problem for each mistake, naming file, line
    and column: a missing column, a cell too many, an empty code, a day that does not exist, an end before its start,
    two rows of one code that hold on the same day.
    """
    return _Reader(table, file or f"{table}.csv").read(text)


def load_folder(folder: Path) -> list[CodeRow]:
    """The rows of all ``*.csv`` in a folder; the mistakes of all files are reported at once."""
    if not folder.is_dir():
        raise ConfigError(f"code tables: folder {folder} does not exist: create it, or correct codes.folder")
    rows: list[CodeRow] = []
    problems: list[str] = []
    for path in sorted(folder.glob("*.csv")):
        try:
            rows.extend(parse_csv(path.stem, path.read_bytes().decode("utf-8-sig"), file=str(path)))
        except UnicodeDecodeError as error:
            line = error.object[: error.start].count(b"\n") + 1
            problems.append(f"{path} line {line}: is not UTF-8: save the file as CSV UTF-8")
        except OSError as error:
            problems.append(f"{path}: cannot be read ({error.strerror}): check the file's rights")
        except ConfigError as error:
            problems.extend(error.problems)
    if problems:
        raise ConfigError(problems)
    return rows


def packaged_folders() -> list[Path]:
    """The folders that installed packages name in the entry point group ``lgsp.codes``; nothing is imported."""
    folders = []
    for entry in sorted(entry_points(group="lgsp.codes"), key=lambda e: e.name):
        top, *rest = entry.value.split(".")
        spec = find_spec(top)  # of the top package only: for a dotted name find_spec would import its parents
        places = [Path(place, *rest) for place in (spec.submodule_search_locations or ())] if spec else []
        found = next((place for place in places if place.is_dir()), None)
        if found is None:
            raise ConfigError(f"code tables {entry.name} ({entry.value}) are not installed: install the package again")
        folders.append(found)
    if not folders:
        raise ConfigError("no code tables are installed (entry point group lgsp.codes): install the package again")
    return folders


def seen_files(local: Path | None = None) -> frozenset[tuple[str, int, int]]:
    """Every code file with its time and size: the same as before means that nothing need be read."""
    folders = [*packaged_folders(), *([local] if local is not None else [])]
    found = []
    for folder in folders:
        for file in folder.glob("*.csv"):
            known = file.stat()
            found.append((str(file), known.st_mtime_ns, known.st_size))
    return frozenset(found)


def load_all(local: Path | None = None) -> CodeTables:
    """The shipped tables with the rows of the province's folder over them; ``ConfigError`` if they cannot be used."""
    shipped = [row for folder in packaged_folders() for row in load_folder(folder)]
    tables = CodeTables(overlay(shipped, load_folder(local)) if local else shipped)
    if problems := faults(tables):
        raise ConfigError(problems)
    return tables


def overlay(shipped: Iterable[CodeRow], local: Iterable[CodeRow]) -> list[CodeRow]:
    """Both, where a code's local rows rule from the first day of the earliest of them.

    So a local row without ``valid_from`` replaces what was shipped for its code (and can end it), and one with
    ``valid_from`` leaves the days before as they were.
    """
    local = list(local)
    starts: dict[tuple[str, str], date] = {}
    for row in local:
        key = (row.table, row.code)
        starts[key] = min(row.valid_from, starts.get(key, date.max))
    kept = []
    for row in shipped:
        start = starts.get((row.table, row.code))
        if start is None or row.valid_to < start:
            kept.append(row)
        elif row.valid_from < start:
            kept.append(replace(row, valid_to=start - timedelta(days=1)))
    return [*kept, *local]


class _Reader:
    def __init__(self, table: str, file: str) -> None:
        self._table, self._file = table, file
        self._problems: list[str] = []

    def read(self, text: str) -> list[CodeRow]:
        lines = csv.reader(io.StringIO(nfc(text.removeprefix("\ufeff")), newline=""), strict=True)
        rows: list[CodeRow] = []
        places: dict[str, list[tuple[CodeRow, int]]] = {}
        try:
            header = [name.strip() for name in next(lines, [])]
            if self._header(header):
                others = header[len(FIRST_COLUMNS) :]
                for cells in lines:
                    row = self._row(lines.line_num, others, cells)
                    if row is not None:
                        rows.append(row)
                        places.setdefault(row.code, []).append((row, lines.line_num))
        except csv.Error as error:
            self._wrong(lines.line_num, "", f"is not CSV ({error}): quote cells that hold commas or quotes")
        for found in places.values():
            if len(found) > 1:
                self._overlaps(found)
        if self._problems:
            raise ConfigError(self._problems)
        return rows

    def _wrong(self, line: int, column: str, what: str) -> None:
        where = f", column {column}" if column else ""
        self._problems.append(f"{self._file} line {line}{where}: {what}")

    def _header(self, header: list[str]) -> bool:
        if tuple(header[: len(FIRST_COLUMNS)]) != FIRST_COLUMNS:
            semicolon = "; the file is separated by ';', save it with ','" if ";" in ",".join(header) else ""
            self._wrong(1, "", f"must begin with the columns {','.join(FIRST_COLUMNS)}{semicolon}")
            return False
        for name in sorted({n for n in header if header.count(n) > 1 or not n}):
            self._wrong(1, name or "without a name", "stands twice or is empty: give each column its own name")
        return not self._problems

    def _row(self, line: int, others: list[str], cells: list[str]) -> CodeRow | None:
        cells = [cell.strip() for cell in cells]
        if not any(cells):
            return None  # a blank line, as spreadsheets leave at the end
        width = len(FIRST_COLUMNS) + len(others)
        if len(cells) > width:
            self._wrong(line, "", f"has {len(cells)} cells, the header {width}: quote the cell that holds a comma")
            return None
        code, first, last, document, *rest = cells + [""] * (width - len(cells))
        if not code:
            self._wrong(line, "code", "is empty: write the code")
            return None
        valid_from = self._day(line, "valid_from", first, date.min)
        valid_to = self._day(line, "valid_to", last, date.max)
        if valid_from is None or valid_to is None:
            return None
        if valid_from > valid_to:
            self._wrong(line, "valid_to", f"{last} lies before valid_from {first}: correct one of them")
            return None
        values = MappingProxyType(dict(zip(others, rest, strict=True)))
        return CodeRow(self._table, code, valid_from, valid_to, document, values)

    def _day(self, line: int, column: str, text: str, empty: date) -> date | None:
        if not text:
            return empty
        try:
            return date.fromisoformat(text)
        except ValueError:
            self._wrong(line, column, f"{text!r} is not a day: write it as 2026-07-01, or leave it empty")
            return None

    def _overlaps(self, found: list[tuple[CodeRow, int]]) -> None:
        found = sorted(found, key=lambda pair: (pair[0].valid_from, pair[1]))
        for (before, one), (after, other) in itertools.pairwise(found):
            if after.valid_from <= before.valid_to:
                self._wrong(
                    max(one, other),
                    "code",
                    f"{after.code!r} also stands in line {min(one, other)} for the same days: "
                    "end one with valid_to before the other begins",
                )
