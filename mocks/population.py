"""The population database behind an X-Road security server: SOAP on REST paths, below ``/population/r1``.

It knows who ``POST /_mock/population/people`` made known. A question must be signed (header Timestamp and Basic hash),
carry a number that was not used before, and name the officer and the service that were agreed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, fields
from hmac import compare_digest
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.soap import Message, Soap

_PATH = re.compile(r"/population/r1/VN/GOV/[^/]+/[^/]+/(TraCuuThongTinCongDan|XacThucThongTinCongDan)(?:/[^/]+)?")
_PEOPLE = "http://www.mic.gov.vn/dancu/1.0"


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/population/settings`` can change."""

    username: str = "lgsp"
    secret: str = "secret"
    officer: str = "canbo01"
    service: str = "H21-TP110"
    client: str = "VN/GOV/000.00.00.H21/lgsp"


@dataclass(slots=True)
class Person:
    number: str
    name: str
    old_number: str = ""
    born: str = "19880302"
    male: bool = True


class Population(Mock):
    name = "population"
    contract = Path(__file__).parents[1] / "connectors" / "population" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        self.soap = Soap(self.contract, versions=("1.1",), media=("application/xml",))
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.people: dict[str, Person] = {}
        self.questions: dict[str, dict[str, str]] = {}
        """What was asked, by MaYeuCau: the service, the officer; never who was meant."""
        self._expired: set[str] = set()

    def operation(self, call: Call) -> str:
        match = _PATH.fullmatch(call.path)
        if match is None:
            return "unknown"
        return "look_up" if match[1] == "TraCuuThongTinCongDan" else "verify"

    def handle(self, call: Call, operation: str) -> Answer:
        if call.headers.get("x-road-client") != self.options.client:
            return self._bus(500, "Server.ServerProxy.AccessDenied", operation)
        if operation == "unknown":
            return self._bus(500, "Server.ServerProxy.UnknownService", operation)
        if call.method != "POST":
            return self._bus(400, "Client.BadRequest", operation)
        if problem := self._unsigned(call, operation):
            self.note(operation, "refused", [problem])
            return self.soap.envelope("1.1", _fault("Client.Authentication", problem), status=500)
        message = self.soap.judged(call)
        wanted = "TraCuuThongTinCongDanRequest" if operation == "look_up" else "XacThucThongTinCongDanRequest"
        if message.name != wanted:
            raise Breach(message.name, [f"body: {wanted} is asked for at this path"])
        number = message.text("MaYeuCau")
        if number in self.questions:
            raise Breach(message.name, ["MaYeuCau: was used before"])
        if message.text("MaCanBo") != self.options.officer:
            return self.soap.fault("1.1", "Client", "005 officer not permitted")
        if operation == "look_up" and message.text("MaDVC") != self.options.service:
            return self.soap.fault("1.1", "Client", "004 procedure not licensed for this unit")
        self.questions[number] = {
            "service": message.text("MaDVC") or message.text("MaDichVu"),
            "scenario": message.text("MaTichHop"),
            "officer": message.text("MaCanBo"),
        }
        return self._look_up(message) if operation == "look_up" else self._verify(message)

    def _unsigned(self, call: Call, operation: str) -> str:
        """What is wrong with the caller's identity; empty: nothing."""
        timestamp = call.headers.get("timestamp", "")
        scheme, _, value = call.headers.get("authorization", "").partition(" ")
        try:
            user, _, given = base64.b64decode(value, validate=True).decode().partition(":")
        except (ValueError, binascii.Error):
            return "Authorization: not Basic"
        if scheme.lower() != "basic" or user != self.options.username:
            return "Authorization: unknown user"
        if not re.fullmatch(r"[0-9]{13}", timestamp):
            return "Timestamp: must be milliseconds"
        path = "/TraCuuThongTinCongDan" if operation == "look_up" else "/XacThucThongTinCongDan"
        whole = path + self.options.username + timestamp + self.options.secret
        right = hashlib.sha256(whole.encode()).hexdigest()
        if not compare_digest(right.encode(), given.encode()):
            return "Authorization: the hash is wrong"
        return ""

    def _named(self, message: Message) -> Person | None:
        number = message.text("SoDinhDanh")
        if number:
            return self.people.get(number)
        return next((p for p in self.people.values() if p.old_number == message.text("SoCMND")), None)

    def _look_up(self, message: Message) -> Answer:
        found = self._named(message)
        if found is None:
            return self.soap.answer(message, f'<c:CongdanCollection xmlns:c="{_PEOPLE}" SoCongDan="0"/>')
        old = f"<c:SoCMND>{found.old_number}</c:SoCMND>" if found.old_number else ""
        return self.soap.answer(
            message,
            f'<c:CongdanCollection xmlns:c="{_PEOPLE}" SoCongDan="1"><c:CongDan>'
            f"<c:SoDinhDanh>{found.number}</c:SoDinhDanh>{old}"
            f"<c:HoVaTen><c:Ten>{escape(found.name)}</c:Ten></c:HoVaTen>"
            f"<c:GioiTinh>{1 if found.male else 2}</c:GioiTinh><c:DanToc>01</c:DanToc><c:TonGiao>00</c:TonGiao>"
            f"<c:NgayThangNamSinh><c:NgayThangNam>{found.born}</c:NgayThangNam></c:NgayThangNamSinh>"
            "<c:ThuongTru><c:MaTinhThanh>52</c:MaTinhThanh><c:QuocGia>VN</c:QuocGia></c:ThuongTru>"
            "<c:Cha><c:HoVaTen>NGUYỄN VĂN CHA</c:HoVaTen></c:Cha>"
            "</c:CongDan></c:CongdanCollection>",
        )

    def _verify(self, message: Message) -> Answer:
        found = self._named(message)
        there = found is not None and _plain(found.name) == message.text("HoVaTen")
        return self.soap.answer(
            message,
            '<d:KetQuaXacThucResponse xmlns:d="http://dancuquocgia.bca">'
            f"<d:TonTai>{str(there).lower()}</d:TonTai></d:KetQuaXacThucResponse>",
        )

    def _bus(self, status: int, kind: str, operation: str) -> Answer:
        self.note(operation, "refused", [kind])
        told = {
            "type": kind,
            "message": "the security server refuses",
            "detail": "0d6c1f0e-0000-4000-8000-000000000000",
        }
        return Answer(told, status=status, headers={"X-Road-Error": kind})

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self.soap.refused(call, error)

    def breach(self, call: Call, error: Breach) -> Answer:
        return self.soap.refused(call, error)

    def control_routes(self) -> list[BaseRoute]:
        async def people(request: Request) -> Any:
            """One person or a list, by their fields."""
            body = await given(request)
            known = {f.name for f in fields(Person)}
            for one in body if isinstance(body, list) else [body]:
                if unknown := sorted(set(one) - known):
                    raise ValueError(f"unknown: {', '.join(unknown)} (known: {', '.join(sorted(known))})")
                made = Person(**one)
                self.people[made.number] = made
            return {"people": len(self.people)}

        async def asked(_: Request) -> Any:
            """The questions, by their numbers: service, scenario, officer."""
            return {"questions": self.questions}

        return [
            *super().control_routes(),
            route(self, "people", "POST", people),
            route(self, "questions", "GET", asked),
        ]

    def state(self) -> dict[str, Any]:
        return {"people": len(self.people)}


def _plain(name: str) -> str:
    """The registry's own way of writing a name; a table of letters, unlike ours."""
    table = {
        "A": "AÀÁẢÃẠĂẰẮẲẴẶÂẦẤẨẪẬ", "D": "DĐ", "E": "EÈÉẺẼẸÊỀẾỂỄỆ", "I": "IÌÍỈĨỊ", "O": "OÒÓỎÕỌÔỒỐỔỖỘƠỜỚỞỠỢ",
        "U": "UÙÚỦŨỤƯỪỨỬỮỰ", "Y": "YỲÝỶỸỴ",
    }  # fmt: skip
    plain = {letter: base for base, letters in table.items() for letter in letters}
    return "".join(plain.get(c, c) for c in name.upper() if plain.get(c, c).isascii() and plain.get(c, c).isalpha())


def _fault(code: str, text: str) -> str:
    return (
        '<f:Fault xmlns:f="http://schemas.xmlsoap.org/soap/envelope/">'
        f"<faultcode>f:{code}</faultcode><faultstring>{escape(text)}</faultstring></f:Fault>"
    )


def make(*, seed: int = 0, clock: Clock | None = None) -> Population:
    return Population(seed=seed, clock=clock)
