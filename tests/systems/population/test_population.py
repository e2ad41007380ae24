"""The population database's own ways: identity, names, the two services, and what is told of a person."""

from __future__ import annotations

import base64
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.population import connector as registry
from connectors.population.connector import Population, PopulationSettings, signature
from connectors.population.wire import LookUpPerson, People, Verified, VerifyPerson
from lgsp.canonical.check import Check, Finding
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.events import CheckTold, DossierAccepted, Event
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.errors import AccessRefused, BadAnswer, CallError, MappingError, OutcomeUnknown, Rejected
from lgsp.spi.mapping import Context
from mappings.population import MAPPINGS, look_up, looked_up, plain_name, unreached, verified, verify
from tests.support.ledgers import NINE, dossier
from tests.wire.kit import wired

pytestmark = pytest.mark.anyio
SAMPLES = Path(registry.__file__).parent / "contract" / "samples"
OWN: dict[str, Any] = {
    "style": "xroad",
    "access": {
        "address": "http://server.test:8080",
        "xroad": {"client": "VN:GOV:000.00.00.H21:lgsp", "provider": "VN/GOV/000.00.00.G01/dancu"},
    },
    "username": "dvc_demo", "secret": "demo-secret", "service_code": "H21-TP110", "officer": "canbo01",
}  # fmt: skip
ASK = LookUpPerson(SoDinhDanh="038199000123", HoVaTen="NGUYENTHIVIDU", NgayThangNam="19990214")


@asynccontextmanager
async def asking(answer: httpx.Response, **own: Any) -> AsyncIterator[tuple[Population, list[httpx.Request]]]:
    asked: list[httpx.Request] = []

    def remote(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return answer

    settings = PopulationSettings.model_validate({**OWN, **own})
    async with wired(httpx.MockTransport(remote), style="xroad") as (wire, _):
        yield Population(settings, wire), asked


def sample(name: str, status: int = 200) -> httpx.Response:
    return httpx.Response(
        status, content=(SAMPLES / name).read_bytes(), headers={"content-type": "text/xml; charset=utf-8"}
    )


def test_the_published_vector_of_the_hash() -> None:
    found = signature("/XacThucThongTinCongDan", "dvc_demo", "1735689600000", "demo-secret")
    assert found == "981c9c9d4da1bb0341109e8a19791c36c9e3f1236bbb2ea85f33feb15f23e94f"


async def test_a_question_is_written_as_in_the_sample_and_signed() -> None:
    async with asking(sample("look_up.answer.xml")) as (remote, asked):
        people = await remote.look_up(ASK, "key-0001")
    [call] = asked
    assert str(call.url) == "http://server.test:8080/r1/VN/GOV/000.00.00.G01/dancu/TraCuuThongTinCongDan"
    assert call.headers["x-road-client"] == "VN/GOV/000.00.00.H21/lgsp"
    assert call.headers["content-type"] == "application/xml; charset=utf-8"
    assert call.headers["soapaction"] == '""'
    timestamp = call.headers["timestamp"]
    assert re.fullmatch(r"[0-9]{13}", timestamp)
    user, _, hashed = base64.b64decode(call.headers["authorization"].removeprefix("Basic ")).decode().partition(":")
    assert (user, hashed) == (
        "dvc_demo", signature("/TraCuuThongTinCongDan", "dvc_demo", timestamp, "demo-secret"),
    )  # fmt: skip
    order = re.findall(r"<(?:\w+:)?(\w+)>", call.content.decode())
    wanted = re.findall(r"<(?:\w+:)?(\w+)>", (SAMPLES / "look_up.request.xml").read_text(encoding="utf-8"))
    assert [name for name in order if name != "Envelope"] == [n for n in wanted if n not in ("Envelope",)]
    assert people.asked_as in call.content.decode()
    [person] = people.CongDan
    assert (person.SoDinhDanh, person.HoVaTen.whole) == ("038199000123", "Nguyễn Thị Ví Dụ")


async def test_every_call_has_a_number_of_its_own() -> None:
    async with asking(sample("verify.answer.xml"), service="verify") as (remote, asked):
        numbers = {
            (await remote.verify(VerifyPerson(SoDinhDanh="038199000123", HoVaTen="A"), "same-key")).asked_as
            for _ in range(3)
        }
    assert len(numbers) == 3
    assert all("/XacThucThongTinCongDan" in str(call.url) for call in asked)


async def test_seconds_where_the_gateway_wants_them() -> None:
    async with asking(sample("verify.answer.xml"), timestamp="seconds") as (remote, asked):
        await remote.verify(VerifyPerson(SoCMND="012345678", HoVaTen="A"), "k")
    assert re.fullmatch(r"[0-9]{10}", asked[0].headers["timestamp"])


def fault(text: str) -> httpx.Response:
    body = (
        '<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><s:Fault><faultcode>s:Client</faultcode>'
        f"<faultstring>{text}</faultstring></s:Fault></s:Body></s:Envelope>"
    )
    return httpx.Response(500, text=body, headers={"content-type": "text/xml"})


BUS = {"type": "Server.ServerProxy.AccessDenied", "message": "x", "detail": "y"}
FAULTS: list[tuple[str, httpx.Response, type[CallError], str]] = [
    ("not-licensed", fault("004 chưa cấp phép"), Rejected, "service_code"),
    ("officer", fault("005 cán bộ"), AccessRefused, "systems.population.officer"),
    ("other", fault("x"), Rejected, "SOAP fault"),
    ("bus", httpx.Response(500, json=BUS, headers={"X-Road-Error": BUS["type"]}), AccessRefused, "AccessDenied"),
    ("page", httpx.Response(200, html="<html/>"), BadAnswer, "HTTP 200"),
    ("gateway", httpx.Response(502, html="<html/>"), OutcomeUnknown, "HTTP 502"),
]


@pytest.mark.parametrize(("answer", "error", "words"), [f[1:] for f in FAULTS], ids=[f[0] for f in FAULTS])
async def test_what_goes_wrong(answer: httpx.Response, error: type[CallError], words: str) -> None:
    async with asking(answer) as (remote, _):
        with pytest.raises(error, match=words):
            await remote.look_up(ASK, "k")


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("Nguyễn Thị Đào", "NGUYENTHIDAO"),
        ("đặng văn Ước", "DANGVANUOC"),
        ("Y Bhĭn Niê Kdăm", "YBHINNIEKDAM"),
        ("O'Brien-Lê", "OBRIENLE"),
        ("Nguyễn", "NGUYEN"),
        ("李", ""),
    ],
)
def test_names(name: str, plain: str) -> None:
    assert plain_name(name) == plain


def accepted(
    number: str = "038199000123", kind: IdentifierKind = IdentifierKind.PERSONAL_ID, name: str = "Nguyễn Thị Ví Dụ",
    party: PartyKind = PartyKind.CITIZEN,
) -> Event:  # fmt: skip
    told = dossier(applicant=Party(kind=party, name=name, identifiers=(Identifier(kind=kind, number=number),)))
    return Event(type="dossier.accepted", source="bus", source_id="a1", dossier="K", occurred_at=NINE,
                 body=DossierAccepted(dossier=told))  # fmt: skip


CONTEXT = Context(codes=CodeTables(), settings=PopulationSettings.model_validate(OWN), today=NINE.date(), delivery=7)


def people(*persons: dict[str, Any]) -> People:
    return People.model_validate({"CongDan": persons, "asked_as": "lgsp-1"})


def person(number: str = "038199000123", name: str = "NGUYỄN THỊ VÍ DỤ", **more: Any) -> dict[str, Any]:
    return {"SoDinhDanh": number, "HoVaTen": {"Ten": name}, **more}


def told(events: Any) -> Check:
    [event] = events
    assert isinstance(event.body, CheckTold)
    assert (event.source, event.source_id, event.dossier) == ("population", "check:a1", "K")
    check: Check = event.body.check
    return check


LOOKED: list[tuple[str, Event, People, Finding, tuple[str, ...]]] = [
    ("agrees", accepted(), people(person()), Finding.VERIFIED, ()),
    ("name-in-parts", accepted(), people(person() | {"HoVaTen": {"Ho": "Nguyễn", "ChuDem": "Thị Ví", "Ten": "Dụ"}}),
     Finding.VERIFIED, ()),
    ("nobody", accepted(), people(), Finding.NOT_FOUND, ()),
    ("another-name", accepted(), people(person(name="Trần Văn A")), Finding.MISMATCH, ("name",)),
    ("another-number", accepted(), people(person("038199000124")), Finding.MISMATCH, ("number",)),
    ("all-else", accepted(), people(person("038199000124", "Trần Văn A")), Finding.MISMATCH, ("number", "name")),
    ("one-of-two", accepted(), people(person(name="Trần Văn A"), person()), Finding.VERIFIED, ()),
    ("by-the-old-number", accepted("012345678", IdentifierKind.CMND), people(person(SoCMND="012345678")),
     Finding.VERIFIED, ()),
    ("no-data-is-no-difference", accepted("012345678", IdentifierKind.CMND),
     people({"SoDinhDanh": "0", "SoCMND": "00", "HoVaTen": {"Ten": "Nguyễn Thị Ví Dụ"}}), Finding.VERIFIED, ()),
]  # fmt: skip


@pytest.mark.parametrize(
    ("event", "answer", "finding", "fields"), [row[1:] for row in LOOKED], ids=[row[0] for row in LOOKED]
)
def test_what_is_told_of_a_person(event: Event, answer: People, finding: Finding, fields: tuple[str, ...]) -> None:
    check = told(looked_up(event, answer, CONTEXT))
    assert (check.finding, check.fields, check.proof) == (finding, fields, "lgsp-1")
    assert (check.officer, check.purpose) == ("canbo01", "TraCuuThongTinCongDan H21-TP110 037")


@pytest.mark.parametrize(("there", "finding"), [(True, Finding.VERIFIED), (False, Finding.NOT_FOUND)])
def test_what_a_verification_tells(there: bool, finding: Finding) -> None:
    assert told(verified(accepted(), Verified(TonTai=there, asked_as="n"), CONTEXT)).finding is finding


def test_a_registry_that_was_down_is_told_with_the_proof() -> None:
    check = told(unreached(accepted(), CONTEXT))
    assert (check.finding, check.proof) == (Finding.UNREACHED, "delivery 7")


@pytest.mark.parametrize(
    ("event", "service", "applies"),
    [
        (accepted(), "look_up", True),
        (accepted(), "verify", True),
        (accepted(party=PartyKind.BUSINESS), "look_up", False),
        (accepted(kind=IdentifierKind.PASSPORT, number="B1234567"), "look_up", False),
        (accepted(kind=IdentifierKind.UNSTATED), "look_up", False),  # never guessed from its length
    ],
)
def test_who_is_asked_about_and_by_which_service(event: Event, service: str, applies: bool) -> None:
    own = PopulationSettings.model_validate({**OWN, "service": service})
    chosen = [r.operation for r in MAPPINGS.routes if r.when is not None and r.when(event, own)]
    assert chosen == ([service] if applies else [])


def test_requests() -> None:
    assert look_up(accepted(), CONTEXT) == LookUpPerson(SoDinhDanh="038199000123", HoVaTen="NGUYENTHIVIDU")
    old = accepted("012345678", IdentifierKind.CMND)
    assert verify(old, CONTEXT) == VerifyPerson(SoCMND="012345678", HoVaTen="NGUYENTHIVIDU")


@pytest.mark.parametrize(
    ("event", "field"),
    [
        (accepted("038199"), "SoDinhDanh"),
        (accepted("001299000001"), "SoDinhDanh"),  # born in 2099
        (accepted("1234", IdentifierKind.CMND), "SoCMND"),
        (accepted(name="李"), "HoVaTen"),
    ],
)
def test_what_is_not_sent_says_why(event: Event, field: str) -> None:
    with pytest.raises(MappingError, match=f"^{field}: "):
        look_up(event, CONTEXT)
