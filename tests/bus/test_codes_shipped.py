"""The tables that are shipped: complete, total where they must be, and consistent with one another."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from datetime import date
from pathlib import Path

import pytest

from lgsp.canonical.codefiles import FIRST_COLUMNS, load_all, packaged_folders
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.fee import FeeKind, FeeTime
from lgsp.canonical.status import Status
from lgsp.canonical.units import current

DAY = date(2026, 10, 8)
FILES = sorted(path for folder in packaged_folders() for path in folder.glob("*.csv"))


@pytest.fixture(scope="module")
def tables() -> CodeTables:
    return load_all()


@pytest.mark.parametrize(
    ("table", "count"),
    [("procedures", 3170), ("organisations", 202), ("provinces", 34), ("province_lineage", 63), ("banks", 58)],
)
def test_the_tables_are_whole(tables: CodeTables, table: str, count: int) -> None:
    assert len(tables.rows(table)) == count


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_file_is_plain_dated_and_documented(path: Path) -> None:
    raw = path.read_bytes()
    text = raw.decode()
    assert b"\r" not in raw
    assert unicodedata.is_normalized("NFC", text)
    assert tuple(text.splitlines()[0].split(",")[:4]) == FIRST_COLUMNS
    sources = (path.parent / "SOURCES.md").read_text(encoding="utf-8")
    assert f"`{path.stem}`" in sources, "SOURCES.md says where each table comes from"


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_every_source_named_in_a_row_is_explained(path: Path, tables: CodeTables) -> None:
    explained = set(re.findall(r"^\| ([A-Z]\d+) \|", (path.parent / "SOURCES.md").read_text(encoding="utf-8"), re.M))
    used = {name for row in tables.rows(path.stem) for name in re.split(r"[+ ]", row["source"]) if name}
    assert used <= explained


@pytest.mark.parametrize("table", ["status_npsp", "status_npsp_answer"])
def test_every_status_can_be_told_to_the_portal(tables: CodeTables, table: str) -> None:
    assert {row.code for row in tables.rows(table, DAY)} == set(Status)


def test_the_portals_statuses_are_one_to_ten_in_order(tables: CodeTables) -> None:
    numbers = [tables.need("status_npsp", status, DAY, field="TrangThaiHoSo")["national"] for status in Status]
    assert numbers == [str(number) for number in range(1, 11)]


def test_no_status_of_the_second_vocabulary_is_flattened(tables: CodeTables) -> None:
    told = {row.code: tables.need("status_npsp", row["status"], DAY, field="f") for row in tables.rows("status_tandan")}
    assert {code: row["national"] for code, row in told.items()} == {str(n): str(n) for n in range(1, 11)}


@pytest.mark.parametrize("word", ["pausing", "collecting", "handover", "correcting", "cancelling"])
def test_words_without_a_known_meaning_have_no_row(tables: CodeTables, word: str) -> None:
    assert tables.find("status_onestop", word, DAY) is None


@pytest.mark.parametrize("word", ["interoperating", "posting"])
def test_words_that_are_not_told_are_said_to_be_ignored(tables: CodeTables, word: str) -> None:
    assert tables.need("status_onestop", word, DAY, field="f")["status"] == "ignore"


def test_kinds_and_times_of_fees_are_total(tables: CodeTables) -> None:
    assert {row.code: row["national"] for row in tables.rows("fee_kinds")} == {FeeKind.FEE: "1", FeeKind.CHARGE: "2"}
    assert {row.code for row in tables.rows("fee_times")} == set(FeeTime)


def test_every_organisation_code_leads_to_one_in_use(tables: CodeTables) -> None:
    dead_ends = {"000.00.14.H20"}  # a department that was dissolved; who took it over is not recorded
    for row in tables.rows("organisations"):
        if row.code not in dead_ends:
            found = current(row.code, DAY, tables)
            assert found.holds_on(DAY), row.code
            assert found["scheme"] == "qd20" or not found["successor"], row.code


def test_thirty_four_provinces_have_a_code_in_use(tables: CodeTables) -> None:
    provinces = [row for row in tables.rows("organisations", DAY) if re.fullmatch(r"H\d\d", row.code)]
    assert len(provinces) == 34


def test_every_old_province_went_into_a_new_one(tables: CodeTables) -> None:
    new = {row.code: row["name_vi"] for row in tables.rows("provinces", DAY)}
    lineage = tables.rows("province_lineage", DAY)
    assert {row["new_code"] for row in lineage} == set(new)
    assert all(row["new_name"] == new[row["new_code"]] for row in lineage)
    assert Counter(row["relation"] for row in lineage) == {"same": 34, "merged": 29}


def test_procedure_codes_keep_their_zeros(tables: CodeTables) -> None:
    assert all(re.fullmatch(r"\d\.\d{6}", row.code) for row in tables.rows("procedures"))
    assert tables.find("procedures", "2.000815", DAY) is not None
