"""What the tests of the national portal share: tables, settings, dossiers, judges, and a portal of canned answers."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Any

import httpx
from jsonschema import Draft202012Validator
from pydantic import SecretStr

import connectors.npsp
import mappings.codes
from connectors.npsp.connector import Npsp
from connectors.npsp.settings import NpspSettings
from lgsp.canonical.codefiles import load_folder
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.documents import Document, FileRef
from lgsp.canonical.dossier import Channel, Dossier, Procedure, Unit
from lgsp.canonical.events import Body, Event
from lgsp.canonical.fee import Fee, FeeKind, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.clock import VIETNAM, FixedClock
from lgsp.spi.mapping import Context
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, NoJournal, Opened
from lgsp.wire.grants import MemoryGrants

CONTRACT = Path(next(iter(connectors.npsp.__path__))) / "contract"
MADE_UP = [
    CodeRow("procedures", "1.009974", values={"name_vi": "Cấp giấy phép xây dựng mới"}),
    CodeRow("local_procedures", "1.009974.H99", values={"national": "1.009974"}),
    CodeRow("local_procedures", "1.009974.000.00.14.H99", values={"national": "1.009974"}),
    CodeRow("organisations", "H99", values={"scheme": "qd20", "name_vi": "UBND tỉnh Mẫu"}),
    CodeRow(
        "organisations", "000.00.00.H99", values={"scheme": "qcvn102", "name_vi": "UBND tỉnh Mẫu", "successor": "H99"}
    ),
    CodeRow(
        "organisations",
        "H98",
        valid_to=date(2025, 6, 30),
        values={"scheme": "qd20", "name_vi": "Cũ", "successor": "H99"},
    ),
]


@lru_cache
def tables() -> CodeTables:
    """The shipped tables and an invented province."""
    return CodeTables([*load_folder(Path(next(iter(mappings.codes.__path__)))), *MADE_UP])


def settings(**changes: Any) -> NpspSettings:
    values: dict[str, Any] = {
        "address": "http://security.example:8080",
        "username": "lgsp.h99",
        "password": SecretStr("mat-khau-thu"),
        "unit": "000.00.00.H99",
    }
    return NpspSettings.model_validate(values | changes)


def context(**changes: Any) -> Context:
    plain = Context(
        codes=tables(),
        settings=settings(),
        today=date(2024, 6, 12),
        link=lambda file: file.url or (f"https://lgsp.h99.example/tep/{file.id}" if file.id else ""),
        received_at=datetime(2024, 6, 14, 3, 0, tzinfo=UTC),
    )
    return replace(plain, **changes)


def local(year: int, month: int, day: int, hour: int = 0, minute: int = 0) -> datetime:
    """A time in Viet Nam."""
    return datetime(year, month, day, hour, minute, tzinfo=VIETNAM)


def dossier(**changes: Any) -> Dossier:
    """The dossier that the sample of DongBoHoSoMC tells, in canonical terms, written by hand."""
    plain = Dossier(
        code="H99.14-240612-0007",
        procedure=Procedure(code="1.009974.H99", field_code="G17-XD03", field_name="Hoạt động xây dựng"),
        applicant=Party(
            kind=PartyKind.CITIZEN,
            name="Nguyễn Văn Mẫu",
            identifiers=(Identifier(kind=IdentifierKind.PERSONAL_ID, number="099088000123"),),
            phone="0900000001",
            tech_id="3d0c1f52-8a5e-4a77-9b1c-0e7f4d2a6b10",
            vneid_verified=True,
        ),
        competent_unit=Unit(code="H99.14", name="Sở Xây dựng"),
        channel=Channel.ONLINE,
        summary="Xin cấp phép xây dựng nhà ở riêng lẻ",
        status=Status.RECEIVED,
        submitted_at=local(2024, 6, 12, 8, 15),
        accepted_at=local(2024, 6, 12, 9, 30),
        due_at=local(2024, 7, 3, 17, 0),
        documents=(
            Document(
                id="88121",
                name="Đơn đề nghị",
                file=FileRef(id="9b1d", name="don.pdf"),
                part_code="000.00.00.G17-KQ000123",
                digitised=True,
            ),
        ),
        fees=(Fee(name="Lệ phí cấp phép", kind=FeeKind.CHARGE, amount=Decimal(75000)),),
        paid_through=PaidThrough.NATIONAL_PORTAL,
        population_checked=True,
    )
    return plain.with_(**changes)


def event(kind: str, body: Body, at: datetime | None = None, source: str = "bus") -> Event:
    return Event(
        type=kind,
        source=source,
        source_id="1",
        dossier="H99.14-240612-0007",
        occurred_at=at or local(2024, 6, 12, 9, 31),
        body=body,
    )


def sample(name: str) -> Any:
    return json.loads((CONTRACT / "samples" / f"{name}.json").read_text(encoding="utf-8"))


@lru_cache
def judge(name: str) -> Draft202012Validator:
    """The published schema of this name."""
    return Draft202012Validator(json.loads((CONTRACT / f"{name}.schema.json").read_text(encoding="utf-8")))


Answers = Callable[[str, Mapping[str, Any]], httpx.Response | dict[str, Any]]


class Portal:
    """A portal of canned answers: ``answer(service, body)`` gives each, and what was asked is remembered."""

    def __init__(self, answer: Answers, **changes: Any) -> None:
        self.asked: list[tuple[str, Any]] = []
        self.requests: list[httpx.Request] = []
        self.logins = 0
        self._answer = answer
        self.files: dict[str, bytes] = {}
        """The file store."""
        self.clock = FixedClock()
        self.journal = Journal()
        self.settings = settings(**changes)
        self.wire = Wire(
            "npsp",
            self.settings,
            sink=self.journal,
            grants=MemoryGrants(self.clock.monotonic),
            clock=self.clock,
            transport=httpx.MockTransport(self._handle),
            files=self.files.__getitem__,
        )
        self.npsp = Npsp(self.settings, self.wire)

    def _handle(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        body = json.loads(request.content) if request.content else {}
        if isinstance(body, dict) and set(body) == {"username", "password"}:
            self.logins += 1
            return httpx.Response(200, json={"error_code": "0", "message": "", "session": f"phien-{self.logins}"})
        service = body.get("service", "") if isinstance(body, dict) else ""
        self.asked.append((service or request.url.path, body))
        answer = self._answer(service or request.url.path, body)
        return answer if isinstance(answer, httpx.Response) else httpx.Response(200, json=answer)

    def services(self) -> list[str]:
        return [service for service, _ in self.asked]


class Journal(NoJournal):
    """Keeps the bytes that would be journalled."""

    def __init__(self) -> None:
        self.bytes: list[bytes] = []

    async def open(self, exchange: Opened) -> None:
        self.bytes.append(repr((exchange.url, dict(exchange.headers))).encode() + exchange.body)

    def close(self, exchange: Closed) -> None:
        self.bytes.append(repr(dict(exchange.headers)).encode() + exchange.body)
