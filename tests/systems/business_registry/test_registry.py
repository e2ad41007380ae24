"""The business registry's own ways: two services, careless answers, and what is told of a company."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.business_registry import connector as registry
from connectors.business_registry.connector import BusinessRegistry, BusinessRegistrySettings
from connectors.business_registry.wire import Company, FindCompany, Found
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.events import CheckTold, DossierAccepted, Event
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.errors import BadAnswer, CallError, MappingError, Rejected
from lgsp.spi.mapping import Context
from mappings.business_registry import MAPPINGS, company_found, find_company, plain_name, unreached
from tests.support.ledgers import NINE, dossier
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
SAMPLES = Path(registry.__file__).parent / "contract" / "samples"


@asynccontextmanager
async def asking(
    answer: httpx.Response, service: str = "ngsp"
) -> AsyncIterator[tuple[BusinessRegistry, list[httpx.Request]]]:
    asked: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    settings = BusinessRegistrySettings.model_validate(
        {"service": service, "access": {"address": "http://registry.test/api"}}
    )
    async with wired(httpx.MockTransport(remote)) as (wire, _):
        yield BusinessRegistry(settings, wire), asked


def sample(name: str) -> httpx.Response:
    return httpx.Response(200, content=(SAMPLES / name).read_bytes(), headers={"content-type": "application/json"})


async def test_the_published_sample_field_by_field() -> None:
    async with asking(sample("ngsp.found.json")) as (remote, asked):
        found = await remote.find_company(FindCompany(code="2600123455"), "k")
    assert str(asked[0].url) == "http://registry.test/api/apiCSDLDKDN/1.0/chiTietDoanhNghiep?msdn=2600123455"
    assert found.company == Company(
        code="2600123455", name="CÔNG TY TNHH VÍ DỤ", short_name="VIDU", foreign_name="VIDU CO LTD", status_code="1",
        kind="Công ty TNHH một thành viên", representatives=("NGUYỄN VĂN A", "TRẦN THỊ B"),
        address="12 Đường Mẫu, Phú Thọ", founded="14/02/2019",
    )  # fmt: skip


async def test_a_household_in_arrays_and_numbers() -> None:
    async with asking(sample("dkkd.household.json"), "dkkd") as (remote, asked):
        found = await remote.find_company(FindCompany(kind="household", code="038199000123"), "k")
    assert str(asked[0].url).endswith("/apiDKKD/HoKinhDoanh/chiTietHoKinhDoanh?mst=038199000123")
    assert found.company == Company(
        code="38199000123", name="HỘ KINH DOANH MẪU", status_code="3", status="Tạm ngừng kinh doanh",
        representatives=("NGUYỄN VĂN MẪU",), address="12, Đường Mẫu, Gia Lai", founded="02/07/2025",
    )  # fmt: skip


MAIN = {"ENTERPRISE_GDT_CODE": 100109106, "NAME": "A"}
ANSWERS: list[tuple[str, str, Any, type[CallError] | None]] = [
    ("none-by-its-words", "ngsp", {"Status": "0", "Message": "Không tìm thấy doanh nghiệp"}, None),
    ("none-status-as-number", "ngsp", {"Status": 0, "Message": "Doanh nghiệp KHÔNG TỒN TẠI"}, None),
    ("refused", "ngsp", {"Status": "0", "Message": "Tham số không hợp lệ"}, Rejected),
    ("no-word", "ngsp", {"Status": "0"}, BadAnswer),
    ("success-of-nothing", "ngsp", {"Status": "1", "Message": ""}, BadAnswer),
    ("no-status", "ngsp", {"Data": {"MainInformation": MAIN}}, BadAnswer),
    ("null", "dkkd", {"GetEntCert": None}, None),
    ("empty-list", "dkkd", {"GetEntCert": []}, None),
    ("another-root", "dkkd", {"HHCert": None}, BadAnswer),
    ("a-list", "dkkd", [], BadAnswer),
    ("a-row-without-a-name", "dkkd", {"GetEntCert": [{"MaSoDoanhNghiep": 1}]}, BadAnswer),
]


@pytest.mark.parametrize(("service", "body", "error"), [a[1:] for a in ANSWERS], ids=[a[0] for a in ANSWERS])
async def test_what_an_answer_means(service: str, body: Any, error: type[CallError] | None) -> None:
    async with asking(httpx.Response(200, json=body), service) as (remote, _):
        if error is None:
            assert (await remote.find_company(FindCompany(code="0100109106"), "k")).company is None
            return
        with pytest.raises(error):
            await remote.find_company(FindCompany(code="0100109106"), "k")


@pytest.mark.parametrize(
    "body", [{"Status": "1", "MainInformation": MAIN}, {"Status": "1", "Data": {"MainInformation": [MAIN]}}]
)
async def test_the_content_at_the_top_level_or_in_a_list(body: Any) -> None:
    async with asking(httpx.Response(200, json=body)) as (remote, _):
        found = await remote.find_company(FindCompany(code="0100109106"), "k")
    assert found.company is not None
    assert found.company.code == "100109106"


def accepted(name: str = "Công ty TNHH Mẫu", number: str = "0100109106", kind: PartyKind = PartyKind.BUSINESS) -> Event:
    identifier = Identifier(kind=IdentifierKind.TAX_CODE, number=number)
    told = dossier(applicant=Party(kind=kind, name=name, identifiers=(identifier,)))
    return Event(
        type="dossier.accepted", source="bus", source_id="a1", dossier="K", occurred_at=NINE,
        body=DossierAccepted(dossier=told),
    )  # fmt: skip


CONTEXT = Context(
    codes=CodeTables(), settings=BusinessRegistrySettings(), today=NINE.date(),
    received_at=datetime(2026, 10, 8, 3, 0, tzinfo=UTC), delivery=7,
)  # fmt: skip


def check(event: Event, company: Company | None) -> Check:
    [told] = company_found(event, Found(company=company), CONTEXT)
    assert isinstance(told.body, CheckTold)
    assert (told.source, told.source_id, told.dossier) == ("business_registry", "check:a1", "K")
    return told.body.check


def company(name: str, code: str = "0100109106", **more: Any) -> Company:
    return Company(code=code, name=name, **more)


FINDINGS: list[tuple[str, Event, Company | None, Finding, tuple[str, ...], str]] = [
    ("agrees", accepted(), company("CÔNG TY TNHH MẪU"), Finding.VERIFIED, (), ""),
    ("in-full", accepted(), company("Công ty Trách nhiệm hữu hạn Mẫu"), Finding.VERIFIED, (), ""),
    ("by-its-short-name", accepted("MAUCO"), company("X", short_name="Mauco"), Finding.VERIFIED, (), ""),
    ("zeros-lost", accepted(), company("CÔNG TY TNHH MẪU", "100109106"), Finding.VERIFIED, (), ""),
    ("another-name", accepted(), company("CÔNG TY TNHH MẬU"), Finding.MISMATCH, ("name",), ""),
    ("another-number", accepted(), company("CÔNG TY TNHH MẪU", "2600123455"), Finding.MISMATCH, ("number",), ""),
    ("not-there", accepted(), None, Finding.NOT_FOUND, (), ""),
    ("dissolved", accepted(), company("CÔNG TY TNHH MẪU", status_code="4", status="Đã giải thể"), Finding.VERIFIED, (),
     "status at the registry: Đã giải thể"),
    ("active", accepted(), company("CÔNG TY TNHH MẪU", status_code="1"), Finding.VERIFIED, (), ""),
    ("branch", accepted("Chi nhánh Mẫu", "0100109106-001"), company("CÔNG TY TNHH MẪU"), Finding.VERIFIED, (),
     "a branch: its own name is not compared"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "told", "finding", "fields", "note"), [f[1:] for f in FINDINGS], ids=[f[0] for f in FINDINGS]
)
def test_what_is_told_of_a_company(
    event: Event, told: Company | None, finding: Finding, fields: tuple[str, ...], note: str
) -> None:
    found = check(event, told)
    assert (found.finding, found.fields, found.note) == (finding, fields, note)
    assert found.proof == "delivery 7"


def test_who_is_looked_up_and_where() -> None:
    [route] = MAPPINGS.routes
    assert route.when is not None
    assert route.when(accepted(), None)
    assert not route.when(accepted(kind=PartyKind.CITIZEN), None)
    assert find_company(accepted(number="0100109106-001"), CONTEXT) == FindCompany(kind="enterprise", code="0100109106")
    household = accepted(number="038199000123", kind=PartyKind.HOUSEHOLD)
    assert find_company(household, CONTEXT) == FindCompany(kind="household", code="038199000123")
    assert route.spans(BusinessRegistrySettings(check_deadline=60.0)) == (60.0, 0.0)


@pytest.mark.parametrize("number", ["2600123456", "123", "038199000123"])
def test_what_is_no_company_s_number_is_not_sent(number: str) -> None:
    with pytest.raises(MappingError, match="msdn: the applicant"):
        find_company(accepted(number=number), CONTEXT)


def test_a_registry_that_was_down_is_told_with_the_proof() -> None:
    [told] = unreached(accepted(), replace(CONTEXT, delivery=12))
    assert isinstance(told.body, CheckTold)
    assert (told.body.check.finding, told.body.check.proof) == (Finding.UNREACHED, "delivery 12")


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Công ty Cổ phần Dịch vụ A", "CÔNG TY CP DV A"),
        ("Công ty TNHH Một Thành Viên B-C", "công ty trách nhiệm hữu hạn MTV  B C"),
        ("Hợp tác xã Đ", "HTX Đ"),
    ],
)
def test_names_that_mean_the_same(one: str, other: str) -> None:
    assert plain_name(one) == plain_name(other)


def test_names_that_differ_by_a_mark_differ() -> None:
    assert plain_name("Công ty Mẫu") != plain_name("Công ty Mậu")
