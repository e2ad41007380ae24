"""Events: what happened, in canonical terms, in one envelope."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Annotated, Any

from pydantic import Field, SkipValidation, model_validator
from pydantic_core import from_json

from lgsp.canonical.base import Canonical, Code, Dong, Moment, Text
from lgsp.canonical.documents import Document
from lgsp.canonical.dossier import Dossier, Step
from lgsp.canonical.fee import Fee, PaidThrough


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
