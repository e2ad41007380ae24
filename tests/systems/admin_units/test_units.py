"""The catalogue of units: both SOAP versions, eras, and what the tables hold afterwards."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import date
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.admin_units import connector as units
from connectors.admin_units.connector import AdminUnits, AdminUnitsSettings
from connectors.admin_units.wire import Catalogue, ListBelow, ListProvinces, Unit
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.events import CodesTold
from lgsp.canonical.units import commune
from lgsp.clock import FixedClock
from lgsp.errors import BadAnswer, MappingError
from lgsp.ledger.codes import merged
from lgsp.spi.mapping import Context
from mappings.admin_units import catalogue
from mocks.admin_units import make
from tests.support.ledgers import NINE
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
TODAY = date(2026, 10, 8)
MERGER = date(2025, 7, 1)
SAMPLES = Path(units.__file__).parent / "contract" / "samples"


@asynccontextmanager
async def asking(**own: Any) -> AsyncIterator[tuple[AdminUnits, FixedClock, Any]]:
    clock = FixedClock(NINE)
    mock = make()
    settings = AdminUnitsSettings.model_validate({"access": {"address": "http://units.test/admin_units"}, **own})
    async with wired(httpx.ASGITransport(mock), clock=clock) as (wire, _):
        yield AdminUnits(settings, wire), clock, mock


@pytest.mark.parametrize("version", ["1.1", "1.2"])
async def test_units_as_of_a_day_in_both_versions(version: str) -> None:
    async with asking(soap={"version": version}) as (remote, _, __):
        then = await remote.list_provinces(ListProvinces(as_of=date(2025, 6, 30)), "k")
        now = await remote.list_provinces(ListProvinces(as_of=MERGER), "k")
        gone = await remote.list_districts(ListBelow(as_of=MERGER), "k")
    names = {u.MaTinh: u.TenTinh for u in then.units}, {u.MaTinh: u.TenTinh for u in now.units}
    assert (names[0]["15"], names[1]["15"]) == ("Tỉnh Yên Bái", "Tỉnh Lào Cai")
    assert gone.units == ()


async def test_the_sample_as_it_is_read() -> None:
    body = (SAMPLES / "provinces.answer.xml").read_bytes()
    answer = httpx.Response(200, content=body, headers={"content-type": "application/soap+xml; charset=utf-8"})
    settings = AdminUnitsSettings.model_validate({"access": {"address": "http://u.test"}, "soap": {"version": "1.2"}})
    async with wired(httpx.MockTransport(lambda _: answer)) as (wire, _):
        found = await AdminUnits(settings, wire).list_provinces(ListProvinces(as_of=TODAY), "k")
    assert found.units == (
        Unit(MaTinh="01", TenTinh="Thành phố Hà Nội", LoaiHinh="Thành phố Trung ương"),
        Unit(MaTinh="15", TenTinh="Tỉnh Lào Cai", LoaiHinh="Tỉnh"),
    )


async def test_an_empty_catalogue_is_not_believed() -> None:
    async with asking() as (remote, _, mock):
        mock.communes.clear()
        with pytest.raises(BadAnswer, match="no unit at all"):
            await remote.list_communes(ListBelow(as_of=TODAY), "k")
        assert (await remote.list_communes(ListBelow(as_of=TODAY, province="52"), "k")).units == ()


async def walked(remote: AdminUnits, cursor: str) -> tuple[list[Catalogue], str]:
    items: list[Catalogue] = []
    for _ in range(10):
        page = await remote.catalogue(cursor)
        items += [item for item in page.received.items if isinstance(item, Catalogue)]
        cursor = page.cursor
        if not page.more:
            break
    return items, cursor


async def test_the_past_is_read_once_and_the_present_once_a_day() -> None:
    async with asking() as (remote, clock, _):
        first, cursor = await walked(remote, "")
        again, same = await walked(remote, cursor)
        clock.turn(86_400)
        next_day, _ = await walked(remote, cursor)
    assert [(i.level, i.as_of, i.era_from, i.era_to) for i in first] == [
        ("provinces", date(2025, 6, 30), None, date(2025, 6, 30)),
        ("communes", date(2025, 6, 30), None, date(2025, 6, 30)),
        ("provinces", TODAY, MERGER, None),
        ("communes", TODAY, MERGER, None),
    ]
    assert (again, same) == ([], cursor)
    assert [(i.level, i.as_of) for i in next_day] == [
        ("provinces", date(2026, 10, 9)), ("communes", date(2026, 10, 9)),
    ]  # fmt: skip


def told(codes: dict[str, str], day: date, first: date | None = MERGER, last: date | None = None) -> CodesTold:
    rows = tuple({"code": code, "name": name} for code, name in codes.items())
    return CodesTold(table="units_communes", document="x", as_of=day, era_from=first, era_to=last, rows=rows)


def shown(rows: list[CodeRow]) -> set[tuple[str, str, str, str]]:
    def day(value: date) -> str:
        return "" if value in (date.min, date.max) else value.isoformat()

    return {(r.code, r["name"], day(r.valid_from), day(r.valid_to)) for r in rows}


def test_what_a_table_holds_after_each_telling() -> None:
    rows: list[CodeRow] = []
    rows = merged(rows, told({"1": "cũ", "2": "B"}, date(2025, 6, 30), None, date(2025, 6, 30)))
    rows = merged(rows, told({"1": "mới", "3": "C"}, TODAY))
    assert shown(rows) == {
        ("1", "cũ", "", "2025-06-30"), ("2", "B", "", "2025-06-30"),
        ("1", "mới", "2025-07-01", ""), ("3", "C", "2025-07-01", ""),
    }  # fmt: skip
    assert merged(rows, told({"1": "mới", "3": "C"}, date(2026, 10, 9))) == rows
    assert merged(rows, told({"9": "?"}, date(2025, 6, 30), None, date(2025, 6, 30))) == rows, "the past is settled"
    later = merged(rows, told({"1": "đổi tên", "4": "D"}, date(2027, 1, 1)))
    assert shown(later) - shown(rows) == {
        ("1", "mới", "2025-07-01", "2026-12-31"), ("1", "đổi tên", "2027-01-01", ""),
        ("3", "C", "2025-07-01", "2026-12-31"), ("4", "D", "2027-01-01", ""),
    }  # fmt: skip
    corrected = merged(later, told({"1": "đổi tên", "5": "E"}, date(2027, 1, 1)))
    assert ("4", "D", "2027-01-01", "") not in shown(corrected), "told and taken back on one day"


CONTEXT = Context(codes=CodeTables(), settings=None, today=TODAY, received_at=NINE)


def unit(code: str, name: str = "Phường Mẫu") -> Unit:
    return Unit(MaTinh="52", TenTinh="Tỉnh Gia Lai", MaPhuongXa=code, TenPhuongXa=name)


def test_the_same_content_is_the_same_event_whenever_it_is_told() -> None:
    item = Catalogue(level="communes", as_of=TODAY, era_from=MERGER, units=(unit("21550"), unit("23563")))
    [one] = catalogue(item, CONTEXT)
    [other] = catalogue(item.model_copy(update={"as_of": date(2026, 10, 9), "units": item.units[::-1]}), CONTEXT)
    [changed] = catalogue(item.model_copy(update={"units": (unit("21550", "Phường Khác"), unit("23563"))}), CONTEXT)
    assert one.source_id == other.source_id != changed.source_id
    assert isinstance(one.body, CodesTold)
    assert one.body.rows[0] == {"code": "21550", "name": "Phường Mẫu", "kind": "", "province": "52", "district": ""}
    assert json.loads(one.model_dump_json())["type"] == "codes.told"


def test_one_code_for_two_units_is_refused() -> None:
    item = Catalogue(level="communes", as_of=TODAY, units=(unit("21550"), unit("21550", "Phường Khác")))
    with pytest.raises(MappingError, match="MaPhuongXa: code 21550 stands in two rows"):
        catalogue(item, CONTEXT)


def row(table: str, code: str, first: date, last: date, **values: str) -> CodeRow:
    return CodeRow(table, code, first, last, "", values)


TABLES = CodeTables([
    row("units_communes", "21550", date.min, date(2025, 6, 30), name="Phường Trần Phú"),
    row("units_communes", "23563", MERGER, date.max, name="Phường Diên Hồng"),
    row("units_communes", "21553", date.min, date(2025, 6, 30), name="Phường Lý Thường Kiệt"),
    row("commune_lineage", "21550", MERGER, date.max, new_code="21583"),
])  # fmt: skip


def test_what_became_of_a_commune() -> None:
    before = date(2025, 1, 2)
    assert commune("21550", TODAY, TABLES, told_on=before) == "21583"
    assert commune("21550", date(2025, 2, 1), TABLES, told_on=before) == "21550"
    assert commune("23563", TODAY, TABLES, told_on=TODAY) == "23563"
    with pytest.raises(MappingError, match="commune_lineage"):
        commune("21553", TODAY, TABLES, told_on=before)
    with pytest.raises(MappingError, match="units_communes"):
        commune("99999", TODAY, TABLES, told_on=before)
