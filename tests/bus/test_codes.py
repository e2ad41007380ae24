"""Reading code tables: mistakes are named by file, line and column; the province's rows rule from their first day."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from lgsp.canonical.codefiles import load_all, load_folder, overlay, packaged_folders, parse_csv
from lgsp.canonical.codes import CodeTables
from lgsp.errors import ConfigError, MappingError

HEAD = "code,valid_from,valid_to,document,status\n"


def rows_of(text: str) -> CodeTables:
    return CodeTables(parse_csv("status_onestop", HEAD + text))


def test_a_row_is_read_whole() -> None:
    (row,) = parse_csv("t", "code,valid_from,valid_to,document,name_vi\n 01 ,2025-07-01,,QĐ 19/2025/QĐ-TTg,Hà Nội\n")
    assert (row.table, row.code, row["name_vi"]) == ("t", "01", "Hà Nội")
    assert (row.valid_from, row.valid_to, row.document) == (date(2025, 7, 1), date.max, "QĐ 19/2025/QĐ-TTg")
    assert row["unknown"] == ""


def test_text_is_brought_to_nfc_and_a_byte_order_mark_is_taken() -> None:
    (row,) = parse_csv("t", "\ufeffcode,valid_from,valid_to,document,name_vi\n1,,,,Ti\u00ea\u0301ng\n")
    assert row["name_vi"] == "Ti\u1ebfng"


def test_quoted_cells_and_short_and_blank_lines() -> None:
    rows = parse_csv("t", 'code,valid_from,valid_to,document,a,b\n1,,,,"x, y"\n\n,,,,,\n"2",,,,"p\nq",r\n')
    assert [(r.code, r["a"], r["b"]) for r in rows] == [("1", "x, y", ""), ("2", "p\nq", "r")]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        pytest.param("code,valid_from\n", "t.csv line 1: must begin with the columns", id="columns missing"),
        pytest.param("", "t.csv line 1: must begin with the columns", id="empty file"),
        pytest.param("code;valid_from;valid_to;document\n", "save it with ','", id="semicolons"),
        pytest.param(HEAD.strip() + ",status\n", "t.csv line 1, column status: stands twice", id="column twice"),
        pytest.param(HEAD + ",,,,new\n", "t.csv line 2, column code: is empty", id="no code"),
        pytest.param(
            HEAD + "a,2026-02-30,,,new\n", "line 2, column valid_from: '2026-02-30' is not a day", id="no day"
        ),
        pytest.param(HEAD + "a,,1/7/2025,,new\n", "line 2, column valid_to: '1/7/2025' is not a day", id="other form"),
        pytest.param(
            HEAD + "a,2026-01-02,2026-01-01,,x\n", "line 2, column valid_to: 2026-01-01 lies before", id="order"
        ),
        pytest.param(HEAD + "a,,,,x,y\n", "line 2: has 6 cells, the header 5", id="a cell too many"),
        pytest.param(HEAD + 'a,,,,"x\n', "is not CSV", id="quote left open"),
        pytest.param(
            HEAD + "a,,,,x\nb,,,,x\na,2026-01-01,,,y\n", "line 4, column code: 'a' also stands in line 2", id="twice"
        ),
    ],
)
def test_a_mistake_names_file_line_and_column(text: str, problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_csv("t", text)
    assert len(caught.value.problems) == 1
    assert problem in caught.value.problems[0]


def test_all_mistakes_of_all_files_are_told_at_once(tmp_path: Path) -> None:
    (tmp_path / "one.csv").write_text(HEAD + "a,x,,,\nb,,y,,\n", encoding="utf-8")
    (tmp_path / "two.csv").write_bytes((HEAD + "c,,,,Hà").encode("utf-16-le"))
    (tmp_path / "notes.txt").write_text("not a table", encoding="utf-8")
    with pytest.raises(ConfigError) as caught:
        load_folder(tmp_path)
    text = str(caught.value)
    assert len(caught.value.problems) == 3
    assert "one.csv line 2" in text
    assert "one.csv line 3" in text
    assert "two.csv" in text


def test_bytes_that_are_not_utf8_are_named(tmp_path: Path) -> None:
    (tmp_path / "old.csv").write_bytes(HEAD.encode() + b"a,,,,\xd0\xc3\n")
    with pytest.raises(ConfigError, match=r"old\.csv line 2: is not UTF-8"):
        load_folder(tmp_path)


def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing does not exist.*codes\.folder"):
        load_folder(tmp_path / "missing")


def test_a_code_is_read_as_of_a_day() -> None:
    tables = rows_of("a,,2026-06-30,,old\na,2026-07-01,,,new\n")
    assert tables.need("status_onestop", "a", date(2026, 6, 30), field="f")["status"] == "old"
    assert tables.need("status_onestop", "a", date(2026, 7, 1), field="f")["status"] == "new"


def test_a_missing_code_says_which_table_lacks_it() -> None:
    with pytest.raises(MappingError, match="code 'pausing' is not in table status_onestop: add the row") as caught:
        rows_of("a,,,,new\n").need("status_onestop", "pausing", date(2026, 1, 1), field="TrangThaiHoSo")
    assert caught.value.cause == "code:status_onestop:pausing"


def test_a_local_row_replaces_and_can_end_a_shipped_one() -> None:
    shipped = parse_csv("status_onestop", HEAD + "a,,,,received\nb,,,,stopped\n")
    tables = CodeTables(overlay(shipped, parse_csv("status_onestop", HEAD + "a,,2026-12-31,,received\n")))
    assert tables.find("status_onestop", "a", date(2026, 12, 31)) is not None
    assert tables.find("status_onestop", "a", date(2027, 1, 1)) is None
    assert tables.find("status_onestop", "b", date(2027, 1, 1)) is not None


def test_a_later_local_row_leaves_the_days_before_as_they_were() -> None:
    shipped = parse_csv("status_onestop", HEAD + "a,,,,received\n")
    tables = CodeTables(overlay(shipped, parse_csv("status_onestop", HEAD + "a,2027-01-01,2027-12-31,,stopped\n")))
    found = {year: tables.find("status_onestop", "a", date(year, 6, 1)) for year in (2026, 2027, 2028)}
    assert [row and row["status"] for row in found.values()] == ["received", "stopped", None]


def test_a_local_folder_adds_what_a_vendor_has_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "status_onestop.csv").write_text(HEAD + "pausing,,,,stopped\nwaiting,,,,ignore\n", encoding="utf-8")
    tables, day = load_all(tmp_path), date(2026, 10, 8)
    assert tables.need("status_onestop", "pausing", day, field="f")["status"] == "stopped"
    assert tables.need("status_onestop", "waiting", day, field="f")["status"] == "ignore"
    assert tables.need("status_onestop", "done", day, field="f")["status"] == "returned"


@pytest.mark.parametrize(
    ("table", "text", "problem"),
    [
        ("status_onestop", HEAD + "pausing,,,,stoped\n", "status is 'stoped': write one of"),
        ("holidays", "code,valid_from,valid_to,document,kind\n24/11/2026,,,,off\n", "not a day"),
        ("holidays", "code,valid_from,valid_to,document,kind\n2026-11-25,,,,nghỉ\n", "write one of off, work"),
        ("local_procedures", "code,valid_from,valid_to,document,national\nA1,,,,\n", "national is empty"),
        ("working_time", "code,valid_from,valid_to,document,value\noffice_hours:H1,,,,7-5\n", "office hours '7-5'"),
    ],
)
def test_a_wrong_value_is_found_when_loading(tmp_path: Path, table: str, text: str, problem: str) -> None:
    (tmp_path / f"{table}.csv").write_text(text, encoding="utf-8")
    with pytest.raises(ConfigError, match=f"code table {table}") as caught:
        load_all(tmp_path)
    assert problem in caught.value.problems[0]
    assert len(caught.value.problems) == 1


def test_the_packaged_folder_is_found_by_entry_point() -> None:
    assert any((folder / "procedures.csv").is_file() for folder in packaged_folders())
