"""Events: what happened, in canonical terms, in one envelope."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, SkipValidation, model_validator
from pydantic_core import from_json

from lgsp.canonical.base import Canonical, Code, Dong, Moment, Text
from lgsp.canonical.check import Check
from lgsp.canonical.documents import Document
from lgsp.canonical.dossier import Dossier, Step
from lgsp.canonical.fee import Fee, PaidThrough
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction, Shipment, ShipmentState


class DossierReported(Canonical):
    """``dossier.reported``: a source told the state of a dossier; it may be partial, late, or older than known."""

    dossier: Dossier


class DossierChanged(Canonical):
    """``dossier.changed``: what the bus holds true of a dossier changed; the whole state, for full-state pushes."""

    dossier: Dossier


class DossierFiled(Canonical):
    """``dossier.filed``: a citizen filed a dossier at the national portal; the one-stop system has it not yet."""

    dossier: Dossier
    form: Mapping[str, Any] = {}
    """The procedure's own form, as the portal gave it."""


class DossierRegistered(Canonical):
    """``dossier.registered``: a system gave the dossier a code of its own."""

    system: Code
    code: Code


class DossierAnswered(Canonical):
    """``dossier.answered``: the one-stop system's word on a dossier that was filed at the portal."""

    national_code: Code
    local_code: Code
    tech_id: Text = ""
    dossier: Dossier
    note: Text = ""


class StepTaken(Canonical):
    """``step.taken``: an officer did something on a dossier."""

    step: Step


class PaymentReported(Canonical):
    """``payment.reported``: a fee of a dossier was paid."""

    fees: tuple[Fee, ...] = ()
    amount: Dong
    through: PaidThrough
    paid_at: Moment | None = None
    reference: Text = ""


class ActionRequested(Canonical):
    """``action.requested``: what the citizen asks for at the portal on a dossier (supplement, withdraw, correct)."""

    code: Code
    note: Text = ""
    person: Text = ""
    documents: tuple[Document, ...] = ()


class ResultIssued(Canonical):
    """``result.issued``: another system issued a result of the dossier, for the one-stop system to hold."""

    document: Document


class RatingsSummed(Canonical):
    """``ratings.summed``: a month's ratings of one procedure, as percentages."""

    month: Annotated[str, Field(pattern=r"^\d{4}-\d{2}$")]
    procedure_code: Text = ""
    question: Text
    voters: int = Field(ge=0)
    very_satisfied: int = Field(ge=0, le=100)
    satisfied: int = Field(ge=0, le=100)
    dissatisfied: int = Field(ge=0, le=100)
    unit_code: Text
    unit_name: Text
    comments: Text = ""


class QuestionAsked(Canonical):
    """``question.asked``: a citizen's question at the portal for this province."""

    id: Code
    content: Text
    field_code: Text = ""
    unit_code: Text = ""
    unit_name: Text = ""
    asker_name: Text = ""
    asker_email: Text = ""
    asker_phone: Text = ""
    procedure_code: Text = ""


class QuestionAnswered(Canonical):
    """``question.answered``: the province's answer."""

    id: Code
    unit_code: Text
    officer: Text
    position: Text = ""
    answered_at: Moment
    content: Text


class DossierAccepted(Canonical):
    """``dossier.accepted``: the dossier was received; told once, for whoever checks or prepares something."""

    dossier: Dossier


class CheckTold(Canonical):
    """``check.told``: a registry answered on the applicant, or could not be asked in time."""

    check: Check


class FeeRequested(Canonical):
    """``fee.requested``: the dossier's fees are to be paid at the platform that the province chose."""

    dossier: Dossier
    amount: Dong
    attempt: int = Field(ge=1)
    """The first is 1; a platform's reference is made of the dossier and this."""


class PaymentCreated(Canonical):
    """``payment.created``: the platform waits for the citizen."""

    payment: Payment


class Witness(StrEnum):
    """How the bus knows what became of a payment."""

    CALLBACK = "callback"  # the platform called us, signed
    QUERY = "query"  # we asked
    STATEMENT = "statement"  # a bank's credit notice or statement line
    PERSON = "person"  # an officer matched it


class PaymentTold(Canonical):
    """``payment.told``: somebody says what became of an attempt. Whether it is believed, the fold decides.

    The envelope's ``dossier`` stays empty: the ledger finds it by ``(platform, reference)``.
    """

    platform: Code
    reference: Text = ""
    """Ours; empty where a credit names none that could be read."""
    state: PaymentState
    amount: Dong
    witness: Witness
    transaction: Text = ""
    bank: Text = ""
    paid_at: Moment | None = None
    code: Text = ""
    """The platform's own code of the outcome."""
    refund: Text = ""
    """Our id of the refund, where it tells of one; ``amount`` is then what is refunded."""
    text: Text = ""
    """Of a credit: what its sender wrote, for a person to match by."""


class PaymentConfirmed(Canonical):
    """``payment.confirmed``: the money is there, of the right amount, for the right reference; told once an attempt."""

    payment: Payment
    dossier: Dossier


class PaymentFailed(Canonical):
    """``payment.failed``: an attempt ended without money."""

    payment: Payment
    code: Text = ""


class Doubt(StrEnum):
    """Why a person must look at money."""

    UNKNOWN_REFERENCE = "unknown_reference"
    WRONG_AMOUNT = "wrong_amount"
    TWICE = "twice"
    AFTER_END = "after_end"  # paid for a dossier that was withdrawn, refused or stopped


class PaymentDoubted(Canonical):
    """``payment.doubted``: money, or word of it, that fits no open fee. A work item until a person decides."""

    told: PaymentTold
    doubt: Doubt
    payment: Payment | None = None
    """The attempt that it names, as it stood; None: it names none of ours."""


class RefundRequested(Canonical):
    """``refund.requested``: an officer decided that an attempt's money goes back."""

    payment: Payment
    amount: Dong
    refund: Code
    """Our id of the refund, stored before any call."""
    by: Code
    reason: Text = ""


class PaymentRefunded(Canonical):
    """``payment.refunded``: the platform says that the money went back; told once a refund."""

    payment: Payment


class ReceiptIssued(Canonical):
    """``receipt.issued``: the platform's receipt of a payment (biên lai điện tử)."""

    platform: Code
    reference: Code
    document: Document


class ShipmentRequested(Canonical):
    """``shipment.requested``: a parcel is to be ordered at the carrier that the province chose."""

    dossier: Dossier
    direction: Direction


class ShipmentOrdered(Canonical):
    """``shipment.ordered``: the carrier took the order."""

    shipment: Shipment


class ShipmentMoved(Canonical):
    """``shipment.moved``: the carrier tells where a parcel is.

    The envelope's ``dossier`` stays empty: the ledger finds it by ``(carrier, order)``.
    """

    carrier: Code
    order: Code
    state: ShipmentState
    waybill: Text = ""
    code: Text = ""
    note: Text = ""
    at: Moment


class ShipmentDelivered(Canonical):
    """``shipment.delivered``: a parcel reached its receiver; told once a shipment."""

    shipment: Shipment
    dossier: Dossier


class CodesTold(Canonical):
    """``codes.told``: a system that keeps a catalogue told a whole code table as it stands on a day.

    An era is a span in which codes keep their meaning: after a merger the same code may name another unit. Rows of one
    era never touch those of another.
    """

    table: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$")]
    document: Text
    as_of: date
    era_from: date | None = None
    """First day of the era; None: as far back as the catalogue goes."""
    era_to: date | None = None
    """Its last day; None: it lasts."""
    rows: tuple[Mapping[str, str], ...]
    """Columns by name: ``code`` and the table's own."""


class MessageRefused(Canonical):
    """``message.refused``: a polled item that cannot be told as an event; kept whole for a person."""

    reception: Code
    reason: Text
    item: str
    """As the source gave it, JSON."""


Body = (
    DossierReported
    | DossierChanged
    | DossierFiled
    | DossierRegistered
    | DossierAnswered
    | StepTaken
    | PaymentReported
    | ActionRequested
    | ResultIssued
    | RatingsSummed
    | QuestionAsked
    | QuestionAnswered
    | DossierAccepted
    | CheckTold
    | FeeRequested
    | PaymentCreated
    | PaymentTold
    | PaymentConfirmed
    | PaymentFailed
    | PaymentDoubted
    | RefundRequested
    | PaymentRefunded
    | ReceiptIssued
    | ShipmentRequested
    | ShipmentOrdered
    | ShipmentMoved
    | ShipmentDelivered
    | CodesTold
    | MessageRefused
)

BODIES: Mapping[str, type[Body]] = MappingProxyType(
    {
        "dossier.reported": DossierReported,
        "dossier.changed": DossierChanged,
        "dossier.filed": DossierFiled,
        "dossier.registered": DossierRegistered,
        "dossier.answered": DossierAnswered,
        "step.taken": StepTaken,
        "payment.reported": PaymentReported,
        "action.requested": ActionRequested,
        "result.issued": ResultIssued,
        "ratings.summed": RatingsSummed,
        "question.asked": QuestionAsked,
        "question.answered": QuestionAnswered,
        "dossier.accepted": DossierAccepted,
        "check.told": CheckTold,
        "fee.requested": FeeRequested,
        "payment.created": PaymentCreated,
        "payment.told": PaymentTold,
        "payment.confirmed": PaymentConfirmed,
        "payment.failed": PaymentFailed,
        "payment.doubted": PaymentDoubted,
        "refund.requested": RefundRequested,
        "payment.refunded": PaymentRefunded,
        "receipt.issued": ReceiptIssued,
        "shipment.requested": ShipmentRequested,
        "shipment.ordered": ShipmentOrdered,
        "shipment.moved": ShipmentMoved,
        "shipment.delivered": ShipmentDelivered,
        "codes.told": CodesTold,
        "message.refused": MessageRefused,
    }
)
"""Every event type with the model of its body."""


class Event(Canonical):
    """The envelope: what happened, to which dossier, who says so.

    ``(source, source_id)`` names the event once and for all: the same pair is the same event, however often told.
    ``dossier`` is the bus's key of the dossier (order key); empty for events that concern none.
    """

    type: Code
    source: Code
    source_id: Code
    dossier: Text = ""
    occurred_at: Moment
    body: SkipValidation[Body]  # checked by type below, not by trying every model

    @classmethod
    def stored(cls, payload: bytes) -> Event:
        """An event as the ledger keeps it: its body is checked against its type's own model, and nothing twice."""
        raw = from_json(payload)
        model = BODIES[raw["type"]]
        return cls.model_construct(
            type=raw["type"],
            source=raw["source"],
            source_id=raw["source_id"],
            dossier=raw.get("dossier", ""),
            occurred_at=datetime.fromisoformat(raw["occurred_at"]).astimezone(UTC),
            body=model.model_validate(raw["body"]),
        )

    @model_validator(mode="before")
    @classmethod
    def _body_by_type(cls, data: Any) -> Any:
        if isinstance(data, dict) and isinstance(data.get("body"), dict):
            model = BODIES.get(str(data.get("type")))
            if model is None:
                raise ValueError(f"unknown event type {data.get('type')!r}: one of {', '.join(BODIES)}")
            data = {**data, "body": model.model_validate(data["body"])}
        return data

    @model_validator(mode="after")
    def _type_fits(self) -> Event:
        if BODIES.get(self.type) is not type(self.body):
            raise ValueError(f"an event {self.type!r} cannot carry a {type(self.body).__name__}")
        return self

    @property
    def order_key(self) -> str:
        """What must stay in order: the dossier, or the event by itself."""
        return self.dossier or f"{self.source}:{self.source_id}"
