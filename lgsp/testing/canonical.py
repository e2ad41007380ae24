"""Canonical events as sources tell them: mostly sensible, sometimes partial, odd or wrong."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, TypeVar

from hypothesis import strategies as st

from lgsp.canonical.check import Check, Finding
from lgsp.canonical.documents import Document, FileRef, SupplementRound
from lgsp.canonical.dossier import Channel, Dossier, LocalStatus, Origin, Procedure, ReturnChannel, Step, Unit
from lgsp.canonical.events import (
    BODIES,
    ActionRequested,
    Body,
    CheckTold,
    CodesTold,
    DossierAccepted,
    DossierAnswered,
    DossierChanged,
    DossierFiled,
    DossierRegistered,
    DossierReported,
    Doubt,
    Event,
    FeeRequested,
    MessageRefused,
    PaymentConfirmed,
    PaymentCreated,
    PaymentDoubted,
    PaymentFailed,
    PaymentRefunded,
    PaymentReported,
    PaymentTold,
    QuestionAnswered,
    QuestionAsked,
    RatingsSummed,
    ReceiptIssued,
    RefundRequested,
    ResultIssued,
    ShipmentDelivered,
    ShipmentMoved,
    ShipmentOrdered,
    ShipmentRequested,
    StepTaken,
    Witness,
)
from lgsp.canonical.fee import Fee, FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState
from lgsp.canonical.status import Status

T = TypeVar("T")
START = datetime(2026, 10, 5, 1, 0, tzinfo=UTC)
NAMES = ["Nguyễn Văn Mẫu", "Công ty TNHH Mẫu", "A", "Trần Thị <Mẫu> & Con", "Ơ" * 60, "người\u00a0lạ", "🙂"]
TEXTS = ["", "Xin cấp phép", "Dòng một\nDòng hai", '"<&>', "ờ" * 999, "ờ" * 1001, "x" * 4001, "\u200b", "\t"]
CODES = ["H21.14-261008-0001", "G09.20-261007-0031", "G01.99-261008-000001", "000.00.14.H21-261008-0001", "HS1", "Đ-1"]
PROCEDURES = ["2.000033", "1.009974", "1.000005", "2.000033.H21", "9.999999", "TT-1"]
UNITS = ["H21.14", "000.00.00.H21", "000.00.14.H21", "H99", "", "SCT"]
NUMBERS = [
    "052088001234",
    "012345678",
    "5900000001",
    "5900000001-001",
    "000000001",
    "111111111111",
    "B1234567",
    "x",
    "0100109106",
]
PLATFORMS = ["npsp_payment", "vnpay", "bank_transfer"]
CARRIERS = ["vnpost", "viettel_post"]
ORDERS = ["H21.14-261008-0001", "O1", "x"]
AMOUNTS = [Decimal(n) for n in (0, 1, 75_000, 10**14)]


class Teller:
    """Draws one value after another; hypothesis decides, and shrinks towards the first of each list."""

    def __init__(self, draw: Callable[[Any], Any]) -> None:
        self._draw = draw

    def number(self, most: int) -> int:
        return int(self._draw(st.integers(0, most)))

    def one(self, options: Sequence[T]) -> T:
        return options[self.number(len(options) - 1)]

    def usual(self, value: T, options: Sequence[T]) -> T:
        """The value nine times in ten, else one of the odd ones."""
        return value if self.number(9) < 9 else self.one(options)

    def some(self, make: Callable[[], T], most: int) -> tuple[T, ...]:
        return tuple(make() for _ in range(self.number(most)))

    def maybe(self, make: Callable[[], T]) -> T | None:
        return make() if self.number(1) else None

    def text(self) -> str:
        return self.one(TEXTS)

    def flag(self) -> bool:
        return bool(self.number(1))

    def moment(self) -> datetime:
        minutes = self.number(20 * 24 * 60)
        return START + timedelta(minutes=minutes, microseconds=minutes % 7)

    def party(self) -> Party:
        person = Identifier(kind=IdentifierKind.PERSONAL_ID, number="052088001234")
        company = Identifier(kind=IdentifierKind.TAX_CODE, number="0100109106")
        sound = (self.one([person, person, company]),)
        odd = self.some(lambda: Identifier(kind=self.one(list(IdentifierKind)), number=self.one(NUMBERS)), 2)
        return Party(
            kind=self.one([PartyKind.CITIZEN, *PartyKind]),
            name=self.one(NAMES),
            identifiers=self.usual(sound, [odd]),
            address=self.text(),
            phone=self.one(["", "0900000001", "không có"]),
            email=self.one(["", "mau@example.vn"]),
            tech_id=self.one(["", "3d0c1f52-8a5e-4a77-9b1c-0e7f4d2a6b10", "052088001234"]),
            vneid_verified=self.one([None, True, False]),
        )

    def procedure(self) -> Procedure:
        named = self.flag()
        return Procedure(
            code=self.usual(self.one(PROCEDURES[:3]), PROCEDURES),
            name=self.usual("Thông báo khuyến mại", TEXTS),
            field_code="G17-XD03" if named else "",
            field_name="Hoạt động xây dựng" if named else "",
        )

    def unit(self) -> Unit:
        return Unit(code=self.usual("H21.14", UNITS), name=self.usual("Sở Công Thương", TEXTS))

    def file(self) -> FileRef:
        return FileRef(
            id=self.one(["f1", "", "f2"]),
            name=self.usual("don.pdf", TEXTS),
            sha256=self.one(["", "ab" * 32]),
            url=self.one(["https://files.example/1", ""]),
        )

    def document(self) -> Document:
        return Document(
            id=self.usual(self.one(["a1", "a2", "a3"]), TEXTS),
            name=self.usual("Đơn đề nghị", TEXTS),
            file=self.maybe(self.file),
            part_code=self.one(["", "000.00.00.G17-KQ000123"]),
            result_code=self.one(["", "KQ.G15.000031"]),
            deleted=self.flag(),
            digitised=self.flag(),
            reused=self.flag(),
            copies=self.number(3),
        )

    def result(self) -> Document:
        """A document that normally has a file somewhere."""
        file = self.file().model_copy(update={"url": "https://files.example/1"})
        return self.document().model_copy(update={"file": self.usual(file, [None])})

    def fee(self) -> Fee:
        return Fee.model_validate(
            {
                "name": self.usual("Lệ phí", TEXTS),
                "code": self.one(["", "2"]),
                "kind": self.one(list(FeeKind)),
                "amount": self.one(AMOUNTS),
                "when": self.one(list(FeeTime)),
                "paid": self.one(list(PaidThrough)),
            }
        )

    def round(self) -> SupplementRound:
        return SupplementRound(
            id=self.one(["1", "2", "s-3"]),
            requested_by=self.one(NAMES),
            content=self.text(),
            requested_at=self.moment(),
            received_at=self.maybe(self.moment),
            documents=self.some(self.document, 1),
            due_before=self.maybe(self.moment),
            due_after=self.maybe(self.moment),
        )

    def local_status(self) -> LocalStatus:
        return LocalStatus(
            system=self.one(["onestop", "npsp"]),
            status=self.one(["new", "processing", "posting", "chưa-biết"]),
            sub_status=self.one(["", "paying"]),
        )

    def dates(self) -> dict[str, datetime | None]:
        """Most dossiers have their dates in the order of life; the others test the rules that refuse them."""
        names = ("submitted_at", "accepted_at", "finished_at", "returned_at", "refused_at")
        if self.number(9) == 9:
            return {name: self.maybe(self.moment) for name in (*names, "competent_received_at", "due_at")}
        at = self.moment()
        told: dict[str, datetime | None] = {name: at + timedelta(hours=n) for n, name in enumerate(names)}
        for name in names[2:]:
            if self.flag():
                told[name] = None
        return {**told, "due_at": at + timedelta(days=7)}

    def dossier(self) -> Dossier:
        return Dossier.model_validate(
            {
                "code": self.one(CODES),
                "origin": self.one(list(Origin)),
                "national_code": self.one(["", "G09.20-261007-0031", "G01.99-261008-000001"]),
                "procedure": self.procedure(),
                "applicant": self.party(),
                "submitter": self.maybe(self.party),
                "receiving_unit": self.unit(),
                "competent_unit": self.unit(),
                "channel": self.usual(self.one(list(Channel)), [None]),
                "return_channel": self.one(list(ReturnChannel)),
                "summary": self.usual("Thông báo khuyến mại", TEXTS),
                "note": self.usual("", TEXTS),
                "status": self.one([*Status, None, None, None]),
                "local_status": self.usual(None, [self.local_status()]),
                **self.dates(),
                "documents": self.some(self.document, 2),
                "results": self.some(self.document, 1),
                "fees": self.some(self.fee, 2),
                "supplements": tuple({r.id: r for r in self.some(self.round, 2)}.values()),
                "paid_through": self.one(list(PaidThrough)),
                "population_checked": self.flag(),
            }
        )

    def step(self) -> Step:
        return Step(
            id=self.one(["s1", "action-5001"]),
            dossier=self.one(CODES),
            officer=self.usual("Trần Thị Mẫu", NAMES),
            position=self.text(),
            department=self.text(),
            content=self.usual("Thẩm định", NAMES),
            at=self.moment(),
            status=self.usual(self.one(list(Status)), [None]),
            local_status=self.usual(None, [self.local_status()]),
            due_at=self.maybe(self.moment),
        )

    def check(self) -> Check:
        return Check(
            registry=self.one(["population", "business_registry"]),
            finding=self.one(list(Finding)),
            fields=self.one([(), ("name",), ("name", "number")]),
            asked_at=self.moment(),
            proof=self.one(["", "delivery 7"]),
            note=self.text(),
        )

    def payment(self) -> Payment:
        return Payment(
            platform=self.one(PLATFORMS),
            reference=self.one(["R1", "HS260701000101"]),
            amount=self.one(AMOUNTS),
            state=self.one(list(PaymentState)),
            created_at=self.moment(),
            url=self.one(["", "https://pay.example/1"]),
            transaction=self.one(["", "14400001"]),
            bank=self.one(["", "NCB"]),
            paid_at=self.maybe(self.moment),
            refund=self.one(["", "RF1"]),
        )

    def payment_word(self) -> dict[str, Any]:
        return {
            "platform": self.one(PLATFORMS),
            "reference": self.one(["", "R1", "HS260701000101"]),
            "state": self.one(list(PaymentState)),
            "amount": self.one(AMOUNTS),
            "witness": self.one(list(Witness)),
            "transaction": self.one(["", "14400001"]),
            "text": self.text(),
        }

    def fee_request(self) -> dict[str, Any]:
        dossier = self.dossier()
        if self.number(9) < 7:  # what an officer asks for is normally open
            fee = self.fee().model_copy(update={"paid": PaidThrough.NOT_PAID, "amount": self.one(AMOUNTS[1:])})
            dossier = dossier.with_(fees=(fee,))
        return {"dossier": dossier, "amount": self.usual(dossier.to_pay, AMOUNTS), "attempt": 1 + self.number(4)}

    def doubt(self) -> dict[str, Any]:
        payment = self.usual(self.payment(), [None])
        word = self.payment_word()
        if payment is not None:
            word |= {"platform": payment.platform, "reference": payment.reference}
            word["witness"] = self.usual(Witness.CALLBACK, list(Witness))
        return {"told": PaymentTold.model_validate(word), "doubt": self.one(list(Doubt)), "payment": payment}

    def shipment(self) -> Shipment:
        return Shipment(
            carrier=self.one(CARRIERS),
            order=self.one(ORDERS),
            direction=self.one(list(Direction)),
            state=self.one(list(ShipmentState)),
            at=self.moment(),
            waybill=self.one(["", "EA123456789VN"]),
        )

    def body(self, kind: str) -> Body:
        told: dict[type[Any], Callable[[], dict[str, Any]]] = {
            # A plain one-stop system tells no status: half of the reports are such.
            DossierReported: lambda: {
                "dossier": self.dossier().with_(status=None, local_status=None) if self.flag() else self.dossier()
            },
            DossierChanged: lambda: {"dossier": self.dossier()},
            DossierFiled: lambda: {
                "dossier": self.dossier(),
                "form": self.one([{}, {"a": {"b": ["1", None]}}, {"Tên": "Mẫu"}]),
            },
            DossierRegistered: lambda: {"system": self.one(["onestop", "npsp"]), "code": self.one(CODES)},
            DossierAnswered: lambda: {
                "national_code": self.one(CODES[1:]),
                "local_code": self.one(CODES),
                "tech_id": self.text(),
                "dossier": self.dossier(),
                "note": self.text(),
            },
            StepTaken: lambda: {"step": self.step()},
            PaymentReported: lambda: {
                "fees": self.some(self.fee, 1),
                "amount": self.one(AMOUNTS),
                "through": self.one(list(PaidThrough)),
                "paid_at": self.maybe(self.moment),
                "reference": self.text(),
            },
            ActionRequested: lambda: {
                "code": self.one(["supplement", "withdraw", "8000"]),
                "note": self.text(),
                "person": self.text(),
                "documents": self.some(self.document, 1),
            },
            ResultIssued: lambda: {"document": self.result()},
            RatingsSummed: lambda: {
                "month": self.one(["2026-09", "2026-12", "2026-13"]),
                "procedure_code": self.one(["2.000033", "", *PROCEDURES]),
                "question": self.text(),
                "voters": self.number(10**7),
                **{name: self.number(100) for name in ("very_satisfied", "satisfied", "dissatisfied")},
                "unit_code": self.one(UNITS),
                "unit_name": self.usual("UBND tỉnh", TEXTS),
                "comments": self.text(),
            },
            QuestionAsked: lambda: {
                "id": self.one(["HD-1", "1"]),
                "content": self.usual("Hỏi về thủ tục", TEXTS),
                "field_code": self.text(),
                "unit_code": self.one(UNITS),
                "unit_name": self.usual("UBND tỉnh", TEXTS),
                "asker_name": self.one(NAMES),
            },
            QuestionAnswered: lambda: {
                "id": self.one(["HD-1", "1"]),
                "unit_code": self.one(UNITS),
                "officer": self.one(NAMES),
                "position": self.text(),
                "answered_at": self.moment(),
                "content": self.usual("Trả lời", TEXTS),
            },
            DossierAccepted: lambda: {"dossier": self.dossier()},
            CheckTold: lambda: {"check": self.check()},
            FeeRequested: self.fee_request,
            PaymentCreated: lambda: {"payment": self.payment()},
            PaymentTold: lambda: self.payment_word(),
            PaymentConfirmed: lambda: {"payment": self.payment(), "dossier": self.dossier()},
            PaymentFailed: lambda: {"payment": self.payment(), "code": self.one(["", "24", "99"])},
            PaymentDoubted: self.doubt,
            RefundRequested: lambda: {
                "payment": self.payment(),
                "amount": self.usual(self.one(AMOUNTS[1:3]), AMOUNTS),
                "refund": "RF1",
                "by": "canbo01",
                "reason": self.text(),
            },
            PaymentRefunded: lambda: {"payment": self.payment()},
            ReceiptIssued: lambda: {
                "platform": self.one(PLATFORMS),
                "reference": "R1",
                "document": self.result(),
            },
            ShipmentRequested: lambda: {"dossier": self.dossier(), "direction": self.one(list(Direction))},
            ShipmentOrdered: lambda: {"shipment": self.shipment()},
            ShipmentMoved: lambda: {
                "carrier": self.one(CARRIERS),
                "order": self.one(ORDERS),
                "state": self.one(list(ShipmentState)),
                "waybill": self.one(["", "EA123456789VN"]),
                "at": self.moment(),
            },
            ShipmentDelivered: lambda: {"shipment": self.shipment(), "dossier": self.dossier()},
            CodesTold: lambda: {
                "table": "units",
                "document": "QĐ 19/2025/QĐ-TTg",
                "as_of": START.date(),
                "rows": ({"code": "52", "name": "Gia Lai"},),
            },
            MessageRefused: lambda: {"reception": "x", "reason": self.text(), "item": "{}"},
        }
        model = BODIES[kind]
        return model.model_validate(told[model]())


@st.composite
def events(draw: Any, kind: str) -> Event:
    """Events of one type."""
    teller = Teller(draw)
    return Event(
        type=kind,
        source=teller.one(["onestop", "bus", "npsp"]),
        source_id=teller.one(["e1", "e2", "sync-0123456789abcdef"]),
        dossier=teller.usual(teller.one(CODES), [""]),
        occurred_at=teller.moment(),
        body=teller.body(kind),
    )


@st.composite
def dossiers(draw: Any) -> Dossier:
    """Dossiers in any state."""
    return Teller(draw).dossier()
