"""What the bus itself expects of some tables' columns, so that a typing mistake is found when tables are loaded."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from types import MappingProxyType

from lgsp.canonical.calendar import OfficeHours
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.fee import FeeKind, FeeTime
from lgsp.canonical.party import PartyKind
from lgsp.canonical.status import Status

IGNORE = "ignore"
"""In a status table: nothing is told."""

STATUSES = frozenset(Status)
CLASSES = frozenset({"ok", "final", "retry", "refresh", "ask"})


def _one_of(column: str, allowed: frozenset[str]) -> Callable[[CodeRow], str]:
    def check(row: CodeRow) -> str:
        value = row.code if column == "code" else row[column]
        return "" if value in allowed else f"{column} is {value!r}: write one of {', '.join(sorted(allowed))}"

    return check


def _filled(column: str) -> Callable[[CodeRow], str]:
    return lambda row: "" if row[column] else f"{column} is empty: fill it in"


def _day(row: CodeRow) -> str:
    try:
        date.fromisoformat(row.code)
    except ValueError:
        return "the code is not a day: write it as 2026-11-24"
    return ""


def _hours(row: CodeRow) -> str:
    if row.code.partition(":")[0] != "office_hours":
        return ""
    try:
        OfficeHours.parse(row["value"])
    except ValueError as error:
        return str(error)
    return ""


_CHECKS: Mapping[str, tuple[Callable[[CodeRow], str], ...]] = MappingProxyType(
    {
        "holidays": (_day, _one_of("kind", frozenset({"off", "work"}))),
        "working_time": (_filled("value"), _hours),
        "local_procedures": (_filled("national"), _one_of("default_variant", frozenset({"", "yes"}))),
        "organisations": (_one_of("scheme", frozenset({"qd20", "qcvn102"})),),
        "province_lineage": (_filled("new_code"),),
        "status_onestop": (_one_of("status", STATUSES | {IGNORE}),),
        "status_tandan": (_one_of("status", STATUSES | {IGNORE}),),
        "status_npsp": (_one_of("code", STATUSES), _filled("national")),
        "status_npsp_answer": (_one_of("code", STATUSES), _filled("national")),
        "status_dvclt": (_one_of("code", STATUSES), _filled("national")),
        "applicant_kinds_g1": (_one_of("code", frozenset(PartyKind)), _filled("national")),
        "applicant_kinds_g2": (_one_of("code", frozenset(PartyKind)), _filled("national")),
        "fee_kinds": (_one_of("code", frozenset(FeeKind)), _filled("national")),
        "fee_times": (_one_of("code", frozenset(FeeTime)), _filled("national")),
        "npsp_errors": (_one_of("class", CLASSES),),
        "message_patterns": (_one_of("class", CLASSES),),
    }
)


def faults(tables: CodeTables) -> list[str]:
    """What is wrong with the tables, one line each, naming table and code; empty: nothing."""
    return [
        f"code table {table}, code {row.code!r}: {fault}"
        for table, checks in _CHECKS.items()
        for row in tables.rows(table)
        for check in checks
        if (fault := check(row))
    ]
