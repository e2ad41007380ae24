"""Codes of agencies, provinces and procedures, as of a day."""

from __future__ import annotations

from datetime import date

import pytest

from lgsp.canonical.codefiles import load_all, parse_csv
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.units import current, local_procedure, national_procedure, province, same_agency
from lgsp.errors import MappingError

BEFORE, AFTER = date(2025, 6, 30), date(2025, 7, 1)
ORG = "code,valid_from,valid_to,document,scheme,name_vi,successor\n"
LOCAL = "code,valid_from,valid_to,document,national,default_variant\n"


@pytest.fixture(scope="module")
def tables() -> CodeTables:
    return load_all()


@pytest.mark.parametrize(
    ("code", "on", "found"),
    [
        pytest.param("H21", AFTER, "H21", id="in use"),
        pytest.param("000.00.00.H21", AFTER, "H21", id="old shape"),
        pytest.param("H08", BEFORE, "H08", id="last day before the merger"),
        pytest.param("H08", AFTER, "H21", id="first day after the merger"),
        pytest.param("000.00.00.H08", BEFORE, "H08", id="old shape before the merger"),
        pytest.param("000.00.00.H08", AFTER, "H21", id="old shape, then closed"),
        pytest.param("000.00.00.G13", AFTER, "G10", id="a ministry that was merged"),
        pytest.param("H21", date(2015, 1, 1), "H21", id="older than its table"),
        pytest.param("000.00.18.G12", AFTER, "000.00.18.G12", id="old shape without a new one"),
    ],
)
def test_the_code_in_use_on_a_day(tables: CodeTables, code: str, on: date, found: str) -> None:
    assert current(code, on, tables).code == found


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        pytest.param("H21.14", "not in table organisations", id="a unit of the province without a row"),
        pytest.param("000.00.14.H20", "names no successor", id="closed, and nobody knows into what"),
    ],
)
def test_an_unknown_or_dead_code_parks_with_its_table(tables: CodeTables, code: str, reason: str) -> None:
    with pytest.raises(MappingError, match=reason) as caught:
        current(code, AFTER, tables, field="MaDonVi")
    assert (caught.value.field, caught.value.table, caught.value.code) == ("MaDonVi", "organisations", code)


def test_successors_in_a_circle_end_in_an_error() -> None:
    text = ORG + "A,,2025-06-30,,qd20,,B\nB,,2025-06-30,,qd20,,A\n"
    with pytest.raises(MappingError, match="A -> B -> A lead in a circle"):
        current("A", AFTER, CodeTables(parse_csv("organisations", text)))


def test_a_local_row_brings_in_a_unit() -> None:
    text = ORG + "H21.14,,,,qd20,Sở Xây dựng,\n000.00.14.H21,,,,qcvn102,Sở Xây dựng,H21.14\n"
    tables = CodeTables(parse_csv("organisations", text))
    assert current("000.00.14.H21", AFTER, tables)["name_vi"] == "Sở Xây dựng"
    assert same_agency("000.00.14.H21", "H21.14", AFTER, tables)


def test_the_same_agency_by_different_codes(tables: CodeTables) -> None:
    assert same_agency("000.00.00.H21", "H08", AFTER, tables)
    assert not same_agency("H21", "H08", BEFORE, tables)


@pytest.mark.parametrize(
    ("code", "name", "on", "found"),
    [
        pytest.param("52", "Gia Lai", AFTER, "52", id="new name"),
        pytest.param("52", "Tỉnh Bình Định", AFTER, "52", id="old name of the same code"),
        pytest.param("64", "Gia Lai", AFTER, "52", id="old code of a kept name"),
        pytest.param("30", "", AFTER, "31", id="merged, no name given"),
        pytest.param("46", "Thừa Thiên Huế", AFTER, "46", id="renamed"),
        pytest.param("77", "BÀ RỊA - VŨNG TÀU", AFTER, "79", id="capitals"),
        pytest.param("64", "Gia Lai", BEFORE, "64", id="before the merger"),
    ],
)
def test_a_province_code_of_any_age(tables: CodeTables, code: str, name: str, on: date, found: str) -> None:
    assert province(code, name, on, tables) == found


@pytest.mark.parametrize(("code", "name"), [("03", ""), ("52", "Cà Mau"), ("64", "Bình Định")])
def test_a_province_that_does_not_exist_or_has_another_name(tables: CodeTables, code: str, name: str) -> None:
    with pytest.raises(MappingError, match="table province_lineage"):
        province(code, name, AFTER, tables)


def test_a_code_with_two_meanings_needs_the_name() -> None:
    text = "code,valid_from,valid_to,document,new_code,new_name\n52:A,,,,01,X\n52:B,,,,02,Y\n"
    tables = CodeTables(parse_csv("province_lineage", text))
    assert province("52", "B", AFTER, tables) == "02"
    with pytest.raises(MappingError, match="several meanings"):
        province("52", "", AFTER, tables)


def test_several_local_procedures_are_one_national_one(tables: CodeTables) -> None:
    local = parse_csv("local_procedures", LOCAL + "A1,,,,1.000010,\nA2,,,,1.000010,yes\nB1,,,,2.000815,\n")
    both = CodeTables([*(r for name in tables.names for r in tables.rows(name)), *local])
    assert {national_procedure(code, AFTER, both) for code in ("A1", "A2", "1.000010")} == {"1.000010"}
    assert local_procedure("1.000010", AFTER, both) == "A2"
    assert local_procedure("2.000815", AFTER, both) == "B1"
    assert local_procedure("1.000005", AFTER, both) == "1.000005"


def test_an_unknown_procedure_parks_with_its_table(tables: CodeTables) -> None:
    with pytest.raises(MappingError, match="add the row there") as caught:
        national_procedure("1.000948.H38", AFTER, tables, field="MaTTHC")
    assert caught.value.cause == "code:local_procedures:1.000948.H38"


def test_variants_without_a_default_are_not_guessed() -> None:
    tables = CodeTables(parse_csv("local_procedures", LOCAL + "A1,,,,1.000948,\nA2,,,,1.000948,\n"))
    with pytest.raises(MappingError, match="2 local variants and 0 marked"):
        local_procedure("1.000948", AFTER, tables)
