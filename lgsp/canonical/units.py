"""Which code stands for an agency, a province or a procedure on a given day. Codes are looked up, never cut apart."""

from __future__ import annotations

from datetime import date

from lgsp.canonical.base import nfc
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.errors import MappingError

ORGANISATIONS = "organisations"
OLD_SHAPE = "qcvn102"
"""``000.00.00.H49`` (QCVN 102:2016). The level-first shape ``H49`` of QĐ 20/2020/QĐ-TTg is the one in use."""


def current(code: str, on: date, tables: CodeTables, *, field: str = "organisation") -> CodeRow:
    """The agency that stands for this code on a day: aliases of the old shape and closed codes are followed.

    A code older or newer than the day is not moved back: a code that does not hold yet stands for itself, so that
    history stays readable. Raises ``MappingError`` for an unknown code and for a closed one without a successor.
    """
    seen: list[str] = []
    while True:
        if code in seen:
            raise MappingError(
                field,
                f"organisation codes {' -> '.join([*seen, code])} lead in a circle: correct their successors",
                table=ORGANISATIONS,
                code=seen[0],
            )
        seen.append(code)
        row = tables.find(ORGANISATIONS, code, on)
        if row is None:
            row = _out_of_time(code, on, tables, field)
            if row.valid_from > on:
                return row
        elif row["scheme"] != OLD_SHAPE or not row["successor"]:
            return row
        code = row["successor"]


def _out_of_time(code: str, on: date, tables: CodeTables, field: str) -> CodeRow:
    known = tables.history(ORGANISATIONS, code)
    ended = [row for row in known if row.valid_to < on]
    if not ended:
        coming = min(known, key=lambda row: row.valid_from, default=None)
        return coming or tables.need(ORGANISATIONS, code, on, field=field)
    last = max(ended, key=lambda row: row.valid_to)
    if not last["successor"]:
        raise MappingError(
            field,
            f"organisation code {code!r} ended on {last.valid_to:%d/%m/%Y} and its row names no successor: "
            f"add a row to table {ORGANISATIONS} that does, then release",
            table=ORGANISATIONS,
            code=code,
        )
    return last


def same_agency(one: str, other: str, on: date, tables: CodeTables) -> bool:
    """Whether two codes, of any shape and age, stand for the same agency on a day."""
    return one == other or current(one, on, tables).code == current(other, on, tables).code


def province(code: str, name: str, on: date, tables: CodeTables, *, field: str = "province") -> str:
    """The two-digit code of a province on a day, from a code that may be older (QĐ 19/2025/QĐ-TTg).

    Seven codes changed their name on 1/7/2025 (52 was Bình Định and is Gia Lai), so the name, if given, must fit the
    code before or after that day. ``MappingError``: unknown, a name that does not fit, or several meanings.
    """
    known = tables.find("provinces", code, on)
    wanted = _plain(name)
    if known is not None and wanted and _plain(known["name_vi"]) == wanted:
        return code
    lines = [row for row in tables.rows("province_lineage", on) if row.code.partition(":")[0] == code]
    if wanted:
        lines = [row for row in lines if _plain(row.code.partition(":")[2]) == wanted]
    meanings = {row["new_code"] for row in lines} | ({code} if known is not None and not wanted else set())
    if len(meanings) == 1:
        return meanings.pop()
    if not wanted and meanings:
        reason = f"province code {code!r} has several meanings: the source must give the name as well"
        raise MappingError(field, reason, table="province_lineage", code=code)
    if not tables.rows("provinces", on):
        # Before the first row of the table every code stands for itself: it was the code of its day.
        return code
    key = f"{code}:{name}" if name else code
    raise MappingError(
        field, f"province {key!r} is not in table province_lineage: add the row, then release",
        table="province_lineage", code=key,
    )  # fmt: skip


COMMUNES = "units_communes"
PROVINCES = "units_provinces"
"""Tables that ``admin_units`` tells; they are not shipped."""


def commune(code: str, on: date, tables: CodeTables, *, told_on: date, field: str = "commune") -> str:
    """The code of a commune on a day, from a code that was in use on ``told_on``.

    Codes were used again for other units in July 2025, so that a code means nothing without its day. Where the unit is
    no more, table ``commune_lineage`` (``old code, from its first day -> new_code``) says what became of it;
    ``MappingError`` names it where it has no row.
    """
    then = tables.need(COMMUNES, code, told_on, field=field)
    if then.holds_on(on):
        return code
    moved = tables.find("commune_lineage", code, on)
    if moved is not None and moved["new_code"]:
        return moved["new_code"]
    raise MappingError(
        field,
        f"commune {code!r} ({then['name']}) is no more: add what became of it to table commune_lineage, then release",
        table="commune_lineage",
        code=code,
    )


def _plain(name: str) -> str:
    name = " ".join(nfc(name).casefold().split())
    for kind in ("thành phố ", "tỉnh ", "tp. ", "tp "):
        name = name.removeprefix(kind)
    return name


def national_procedure(code: str, on: date, tables: CodeTables, *, field: str = "procedure") -> str:
    """The national code of a procedure, from a local or a national one. Several local codes may have the same."""
    row = tables.find("local_procedures", code, on)
    if row is not None and row["national"]:
        return row["national"]
    if row is not None or tables.find("procedures", code, on) is None:
        raise MappingError(
            field,
            f"procedure {code!r} is neither national (procedures) nor given one in table local_procedures: "
            "add the row there, then release",
            table="local_procedures",
            code=code,
        )
    return code


def local_procedure(code: str, on: date, tables: CodeTables, *, field: str = "procedure") -> str:
    """The province's own code for a national procedure.

    Of several variants the one marked ``default_variant`` is meant; none marked raises ``MappingError``, because
    picking one would be a guess. Without any variant the province uses the national code itself.
    """
    variants = [row for row in tables.rows("local_procedures", on) if row["national"] == code]
    marked = [row for row in variants if row["default_variant"] == "yes"]
    if not variants:
        return code
    if len(variants) == 1 or len(marked) == 1:
        return (marked or variants)[0].code
    raise MappingError(
        field,
        f"procedure {code!r} has {len(variants)} local variants and {len(marked)} marked default_variant=yes in table "
        "local_procedures: mark exactly one, then release",
        table="local_procedures",
        code=code,
    )
