"""A bank's statement as CSV, read by the columns that its settings name. A line that cannot be read stops the file."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from connectors.bank_transfer.settings import StatementFormat
from connectors.bank_transfer.wire import StatementLine
from lgsp.clock import VIETNAM
from lgsp.spi.inbound import InboundFile, InboundInvalid, Received

_HEADING_WITHIN = 40
"""Lines of addresses and sums that banks write above the heading."""


def statement(content: bytes, settings: Any, variant: str) -> Received:
    """The credits of the file; ``InboundInvalid`` names line and column of what cannot be read."""
    form = settings.statements.get(variant or "default")
    if form is None:
        known = ", ".join(sorted(settings.statements))
        raise InboundInvalid("", f"systems.bank_transfer.statements has no {variant!r}; it has {known}")
    rows = csv.reader(io.StringIO(_text(content, form), newline=""), delimiter=form.delimiter, strict=True)
    columns = _columns(rows, form)
    alike: Counter[tuple[object, ...]] = Counter()
    found = []
    try:
        for row in rows:
            if rows.line_num > settings.max_lines:
                raise InboundInvalid("", f"the statement has more than {settings.max_lines} lines: split it")
            credit = _credit(row, columns, form, rows.line_num)
            if credit is None:
                continue
            at, amount, transaction, text = credit
            twin = (at, amount, transaction, text)
            found.append(
                StatementLine(
                    bank=variant, account=settings.account, at=at, amount=amount, transaction=transaction, text=text,
                    line=rows.line_num, twin=alike[twin],
                )
            )  # fmt: skip
            alike[twin] += 1
    except csv.Error as error:
        raise InboundInvalid(f"line {rows.line_num}", f"is no CSV: {error}") from None
    return Received("statement", tuple(found))


def _text(content: bytes, form: StatementFormat) -> str:
    encoding = "utf-8-sig" if content.startswith(b"\xef\xbb\xbf") else form.encoding
    try:
        return content.decode(encoding)
    except UnicodeDecodeError:
        raise InboundInvalid("", f"the statement is no {form.encoding} text: set its encoding") from None


def _columns(rows: Iterator[list[str]], form: StatementFormat) -> dict[str, int]:
    """Where each column stands, from the first line that has all of them."""
    wanted = {"date": form.date, "credit": form.credit, "text": form.text}
    if form.transaction:
        wanted["transaction"] = form.transaction
    missing = list(wanted.values())
    for _, row in zip(range(_HEADING_WITHIN), rows, strict=False):
        heads = [_squeezed(head) for head in row]
        lacking = [name for name in wanted.values() if _squeezed(name) not in heads]
        if not lacking:
            return {key: heads.index(_squeezed(name)) for key, name in wanted.items()}
        if len(lacking) < len(missing):
            missing = lacking
    raise InboundInvalid("heading", f"no line has the columns {', '.join(missing)}")


def _credit(
    row: list[str], columns: dict[str, int], form: StatementFormat, line: int
) -> tuple[str, int, str, str] | None:
    """Time, dong, transaction and text; None for a line that tells of no credit (a debit, a sum, an empty one)."""
    cells = {key: row[place].strip() if place < len(row) else "" for key, place in columns.items()}
    if not cells["credit"] or not cells["date"]:
        return None
    amount = _dong(cells["credit"], form, line)
    if amount == 0:
        return None
    return _time(cells["date"], form, line).isoformat(), amount, cells.get("transaction", ""), cells["text"]


def _dong(cell: str, form: StatementFormat, line: int) -> int:
    """``1,234,000.00``, ``+50.000``, ``50000 VND``: whole dong, never guessed."""
    digits = cell.upper().removesuffix("VND").removesuffix("Đ").strip().removeprefix("+")
    decimal = "." if form.thousands != "." else ","
    whole, _, part = digits.partition(decimal)
    groups = whole.split(form.thousands) if form.thousands else [whole]
    shaped = len(groups) == 1 or (1 <= len(groups[0]) <= 3 and all(len(g) == 3 for g in groups[1:]))
    plain = "".join(groups)
    if not shaped or not (plain.isascii() and plain.isdigit()) or len(plain) > 15 or part.strip("0"):
        raise InboundInvalid(f"line {line}, column {form.credit}", "is no amount of whole dong as the settings say")
    return int(plain)


def _time(cell: str, form: StatementFormat, line: int) -> datetime:
    for shape in form.date_formats:
        try:
            return datetime.strptime(cell, shape).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
    raise InboundInvalid(f"line {line}, column {form.date}", "is no date as date_formats say")


def _squeezed(text: str) -> str:
    return " ".join(text.replace("\ufeff", "").split()).casefold()


FILES = (InboundFile("statement", statement, "a bank's statement as CSV"),)
