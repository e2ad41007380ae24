"""The one-stop system's words and the bus's: what it reports in, what is sent to it."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from types import MappingProxyType
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from connectors.onestop.wire import (
    ActionRecord,
    AddResult,
    Attachment,
    ChangedDossier,
    CreateDossier,
    DocumentTrace,
    DossierRecord,
    FetchDossier,
    PaymentRecord,
    ReportAction,
    ReportPayment,
    SentFile,
    SyncDocument,
)
from lgsp.canonical.documents import Document, FileRef, SupplementRound
from lgsp.canonical.dossier import (
    Channel,
    Dossier,
    LocalStatus,
    Origin,
    Procedure,
    ReturnChannel,
    Step,
    Unit,
)
from lgsp.canonical.events import (
    ActionRequested,
    DossierFiled,
    DossierRegistered,
    DossierReported,
    Event,
    PaymentReported,
    ResultIssued,
    StepTaken,
)
from lgsp.canonical.fee import Fee, FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.clock import VIETNAM
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context, Mappings, OperationMapping, Reception, Route

ONESTOP = "onestop"
PORTAL = "npsp"
_FROM_PORTAL = 5  # systemId
_ROLLED_BACK = 2  # state of an action
_NAMESPACE = uuid.UUID("5c3c6d7e-5d0b-5f0a-9d7b-6f1f3f1f7a10")
Built = TypeVar("Built", bound=BaseModel)

# --- reading ---------------------------------------------------------------------------------------------------------

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})T(\d{2}):(\d{2}):(\d{2})(?:\.(\d{1,6}))?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def moment(field: str, text: str) -> datetime | None:
    """``yyyy-MM-dd'T'HH:mm:ss.SSSZ``; local time where no zone stands. Year 0000 is how OpenCPS says "not known"."""
    if not text or text.startswith("0000-00-00"):
        return None
    found = _ISO.fullmatch(text.strip())
    if found is None:
        raise MappingError(field, "must be a time written yyyy-MM-ddTHH:mm:ss.SSS+0700")
    *_, fraction, zone = found.groups()
    year, month, day, hour, minute, second = (int(part) for part in found.groups()[:6])
    micro = int((fraction or "0").ljust(6, "0"))
    try:
        bare = datetime(year, month, day, hour, minute, second, micro)  # noqa: DTZ001 - the zone is set below
        if zone is None:
            aware = bare.replace(tzinfo=VIETNAM)
        else:
            aware = datetime.fromisoformat(f"{bare.isoformat()}{'+00:00' if zone == 'Z' else zone}")
        if not 1900 <= aware.year <= 2200:
            raise ValueError
        return aware.astimezone(UTC)
    except (ValueError, OverflowError):
        raise MappingError(field, "is a date or time that does not exist") from None


def _needed(field: str, text: str) -> datetime:
    found = moment(field, text)
    if found is None:
        raise MappingError(field, "is missing or empty")
    return found


def _millis(field: str, value: int) -> datetime | None:
    if value == 0:
        return None
    try:
        return datetime.fromtimestamp(value / 1000, UTC)
    except (ValueError, OverflowError, OSError):
        raise MappingError(field, "is a time that does not exist") from None


def _fingerprint(item: BaseModel) -> str:
    """A name for what was said, made of what was said."""
    told = json.dumps(item.model_dump(mode="json"), ensure_ascii=True, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _message(kind: str, message_id: str, item: BaseModel) -> str:
    if not message_id:
        return f"{kind}-{_fingerprint(item)}"
    if re.fullmatch(r"[\x21-\x7e]{1,80}", message_id):
        return f"{kind}-{message_id}"
    return f"{kind}-{hashlib.sha256(message_id.encode()).hexdigest()[:40]}"


def _build(model: type[Built], values: Mapping[str, Any], names: Mapping[str, str]) -> Built:
    """A canonical value, or ``MappingError`` that names the field as the one-stop system calls it."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False, include_context=False)[0]
        path = [str(part) for part in first["loc"]]
        field = next((names[key] for key in (".".join(path), path[0] if path else "") if key in names), ".".join(path))
        raise MappingError(field or names.get("", model.__name__), f"cannot be taken: {first['msg']}") from None


_DOSSIER_CODE = re.compile(r"(?:[0-9]{2,3}\.)*(H[0-9]{2})(?:\.[0-9.]+)?-[0-9]{6,8}-[0-9]+")


def _own_code(field: str, code: str, context: Context) -> str:
    """The dossier code, unless it is another province's."""
    found = _DOSSIER_CODE.fullmatch(code.strip())
    ours = {context.province, *getattr(context.settings, "other_provinces", ())}
    if found and context.province and found[1] not in ours:
        raise MappingError(field, f"is a dossier code of another province ({found[1]}; here it is {context.province})")
    return code


def _status(word: str, sub_status: str, context: Context) -> Status | None:
    """What the source's word stands for; None for a word that is to change nothing and for one that no row has."""
    for code in ([f"{word}/{sub_status}"] if sub_status else []) + [word]:
        row = context.codes.find(f"status_{ONESTOP}", code, context.today)
        if row is not None:
            return Status(row["status"]) if row["status"] in set(Status) else None
    return None


def _local(word: str, sub_status: str, field: str) -> LocalStatus | None:
    if not word:
        return None
    return _build(LocalStatus, {"system": ONESTOP, "status": word, "sub_status": sub_status}, {"status": field})


def _event(kind: str, source_id: str, dossier: str, at: datetime, body: BaseModel, source: str = ONESTOP) -> Event:
    values = {"type": kind, "source": source, "source_id": source_id, "dossier": dossier, "occurred_at": at}
    return _build(Event, {**values, "body": body}, {"source_id": "MessageId", "dossier": "DocCode"})


def _registered(portal_code: str, local_code: str, at: datetime, told_by: str) -> Event:
    """The portal's dossier has this code here. Told under the portal's name for it, which the bus knows.

    Named after the message that told it: an event known from another message would make this one look like a conflict.
    """
    body = DossierRegistered(system=ONESTOP, code=local_code)
    name = hashlib.sha256(f"{told_by}\n{portal_code}\n{local_code}".encode()).hexdigest()[:32]
    return _event("dossier.registered", f"{ONESTOP}-{name}", portal_code, at, body, source=PORTAL)


def _received_at(context: Context) -> datetime:
    return context.received_at or datetime(
        context.today.year, context.today.month, context.today.day, tzinfo=VIETNAM
    ).astimezone(UTC)


# --- SyncDocument ----------------------------------------------------------------------------------------------------

_DOCUMENT_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "code": "DocCode",
        "national_code": "NationalDocCode",
        "procedure": "DocTypeCode",
        "applicant": "CitizenName",
        "status": "DossierStatus",
    }
)
_ID_KINDS = {kind.value: kind for kind in IdentifierKind}


def sync_document(document: SyncDocument, context: Context) -> Sequence[Event]:
    """``dossier.reported``; before it, for a dossier filed at the portal, that it is registered here."""
    code = _own_code("DocCode", document.DocCode, context)
    dossier = _reported(document, code, context)
    at = dossier.as_of or _received_at(context)
    source_id = _message("sync", document.MessageId, document)
    told = _event("dossier.reported", source_id, dossier.code, at, DossierReported(dossier=dossier))
    if document.NationalDocCode:
        return [_registered(dossier.national_code, dossier.code, at, source_id), told]
    return [told]


def _reported(told: SyncDocument, code: str, context: Context) -> Dossier:
    status, status_word = _document_status(told, context)
    finished = moment("DateFinished", told.DateFinished) or moment("SuccessDate", told.SuccessDate)
    ended = moment("FinishedDate", told.FinishedDate)  # set for done, cancelled and denied alike
    returned = moment("ReturnedDate", told.ReturnedDate)  # the due date until IsReturned
    refused = moment("DateRefused", told.DateRefused)
    if status in (Status.FINISHED, Status.RETURNED, Status.STOPPED):
        finished = finished or ended
    if status is Status.REFUSED:
        refused, finished = refused or ended, None
    values: dict[str, Any] = {
        "code": code,
        "national_code": told.NationalDocCode,
        "origin": Origin.PORTAL if told.NationalDocCode else Origin.PROVINCE,
        "procedure": _build(Procedure, {"code": told.DocTypeCode, "name": told.DocTypeName}, {"code": "DocTypeCode"}),
        "applicant": _applicant(told, context),
        "receiving_unit": Unit(code=told.OrganInchargeIdLevel1, name=told.OrganInchargeName),
        "competent_unit": Unit(
            code=told.OrganInchargeIdLevel1, name=told.ProcessingOrganName or told.OrganInchargeName
        ),
        "channel": _channel(told.Channel, context),
        "summary": told.Compendium,
        "note": told.Note,
        "status": status,
        "local_status": status_word,
        "status_at": moment("DateStatus", told.DateStatus),
        "submitted_at": moment("DateSubmitted", told.DateSubmitted),
        "accepted_at": moment("DateReceived", told.DateReceived),
        "competent_received_at": moment("DateCompetentReceived", told.DateCompetentReceived),
        "due_at": moment("DateAppointed", told.DateAppointed),
        "finished_at": finished,
        "returned_at": returned if told.IsReturned or status is Status.RETURNED else None,
        "refused_at": refused,
        "documents": _documents(told),
        "results": tuple(_attachment("ResultAttachments", n, a) for n, a in enumerate(told.ResultAttachments)),
        "fees": tuple(_fee(n, fee, told, context) for n, fee in enumerate(told.DocFees)),
        "supplements": _supplements(told),
    }
    # What the source does not say is left unset: the fold then keeps what it knows.
    if told.ReturnedType is not None:
        values["return_channel"] = ReturnChannel.POST if told.ReturnedType == 1 else ReturnChannel.DIRECT
    if told.PaidThrough:
        values["paid_through"] = _paid_through(told.PaidThrough)
    return _build(Dossier, values, _DOCUMENT_NAMES)


def _document_status(told: SyncDocument, context: Context) -> tuple[Status | None, LocalStatus | None]:
    """The status, as far as the facts tell it.

    Without ``DossierStatus`` (plain OpenCPS) only a finished, a returned and a dated refused dossier can be told:
    ``FinishedDate`` stands for done, cancelled and denied alike, and ``Status`` 1 for anything before.
    """
    if told.DossierStatus:
        word = _local(told.DossierStatus, told.DossierSubStatus, "DossierStatus")
        return _status(told.DossierStatus, told.DossierSubStatus, context), word
    if told.IsReturned:
        return Status.RETURNED, None
    if told.DateRefused:
        return Status.REFUSED, None
    if told.IsSuccess or told.Status == 2:
        return Status.FINISHED, None
    return None, None


def _applicant(told: SyncDocument, context: Context) -> Party:
    third = PartyKind(getattr(context.settings, "third_applicant_type", "organisation"))
    kinds = {1: PartyKind.CITIZEN, 2: PartyKind.BUSINESS, 3: third, 4: PartyKind.ORGANISATION}
    identifiers: tuple[Identifier, ...] = ()
    if told.ApplicantsId:
        stated = told.ApplicantsIdType.lower()
        if stated and stated not in _ID_KINDS:
            raise MappingError("ApplicantsIdType", f"must be one of {', '.join(_ID_KINDS)}, or left out")
        number = {"kind": _ID_KINDS.get(stated, IdentifierKind.UNSTATED), "number": told.ApplicantsId}
        identifiers = (_build(Identifier, number, {"number": "ApplicantsId"}),)
    values = {
        "kind": kinds[told.ApplicantsType],
        "name": told.CitizenName,
        "identifiers": identifiers,
        "address": told.Address,
        "phone": told.Phone,
        "email": told.Email,
        "vneid_verified": told.VneidVerified,
    }
    return _build(Party, values, {"name": "CitizenName"})


def _channel(word: str, context: Context) -> Channel | None:
    word = word.lower() or getattr(context.settings, "default_channel", "")
    if not word:
        return None
    if word not in set(Channel):
        raise MappingError("Channel", f"must be one of {', '.join(Channel)}, or left out")
    return Channel(word)


def _paid_through(word: str) -> PaidThrough:
    if word.lower() not in set(PaidThrough):
        raise MappingError("PaidThrough", f"must be one of {', '.join(PaidThrough)}, or left out")
    return PaidThrough(word.lower())


def _documents(told: SyncDocument) -> tuple[Document, ...]:
    files = [_attachment("Attachments", n, attachment) for n, attachment in enumerate(told.Attachments)]
    papers = [
        Document(id=f"paper-{n}", name=paper.PaperName, copies=paper.Amount) for n, paper in enumerate(told.DocPapers)
    ]
    return (*files, *papers)


def _attachment(where: str, number: int, told: Attachment) -> Document:
    file = None
    if told.Base64:
        reference = told.Base64.removeprefix("lgsp-file:")
        if reference == told.Base64:
            raise MappingError(f"{where}.{number}.Base64", "did not come through the file store")
        file = FileRef(id=reference, name=told.AttachmentName or f"{where}-{number}", sha256=reference)
    return Document(
        id=told.AttachmentId or (file.id if file else f"{where}-{number}"),
        name=told.AttachmentName,
        file=file,
        part_code=told.PartCode,
        result_code=told.ResultCode,
        deleted=told.IsDeleted,
        digitised=file is not None,
    )


def _fee(number: int, told: Any, document: SyncDocument, context: Context) -> Fee:
    name = told.FeeName.strip()
    if name.lower().startswith("lệ phí"):
        kind = FeeKind.CHARGE
    elif name.lower().startswith("phí"):
        kind = FeeKind.FEE
    else:
        kind = FeeKind(getattr(context.settings, "default_fee_kind", "le_phi"))
    when = {2: FeeTime.AT_SUPPLEMENT, 4: FeeTime.AT_RETURN}.get(told.FeeType, FeeTime.AT_RECEPTION)
    paid = _paid_through(document.PaidThrough) if document.PaidThrough else PaidThrough.NOT_PAID
    values = {"name": name, "kind": kind, "amount": told.Price, "when": when, "paid": paid}
    return _build(Fee, values, {"amount": f"DocFees.{number}.Price", "name": f"DocFees.{number}.FeeName"})


def _supplements(told: SyncDocument) -> tuple[SupplementRound, ...]:
    rounds = []
    for number, one in enumerate(told.Supplementaries):
        where = f"Supplementaries.{number}"
        values = {
            "id": one.SupplementaryId,
            "requested_by": one.RequesterName,
            "content": one.Content,
            "requested_at": _needed(f"{where}.RequireDate", one.RequireDate),
            "received_by": one.ReceiverName,
            "received_at": moment(f"{where}.ReceivedDate", one.ReceivedDate),
            "due_before": moment(f"{where}.AppointedBefore", one.AppointedBefore),
            "due_after": moment(f"{where}.AppointedAfter", one.AppointedAfter),
        }
        rounds.append(_build(SupplementRound, values, {"id": f"{where}.SupplementaryId"}))
    return tuple(rounds)


# --- UpdateDocumentTraces --------------------------------------------------------------------------------------------

_STEP_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "": "DateBegin",
        "id": "TraceId",
        "dossier": "DocCode",
        "officer": "UserName",
        "content": "Comment",
        "at": "DateCreated",
    }
)


def document_trace(trace: DocumentTrace, context: Context) -> Sequence[Event]:
    """``step.taken``."""
    code = _own_code("DocCode", trace.DocCode, context)
    at = _needed("DateCreated", trace.DateCreated)
    status, word = _trace_status(trace, context)
    step_id = f"action-{trace.TraceId}" if trace.TraceId else _fingerprint(trace)
    values = {
        "id": step_id,
        "dossier": code,
        "officer": trace.UserName,
        "position": trace.UserPosition,
        "department": trace.Department or trace.OrganizationInchargeName,
        "content": trace.Comment,
        "at": at,
        "status": status,
        "local_status": word,
        "started_at": moment("DateBegin", trace.DateBegin),
        "due_at": moment("DateDue", trace.DateDue),
    }
    step = _build(Step, values, _STEP_NAMES)
    source_id = _step_name(step) if trace.TraceId else _message("trace", trace.MessageId, trace)
    return [_event("step.taken", source_id, step.dossier, at, StepTaken(step=step))]


def _step_name(step: Step) -> str:
    """Numbers of steps may start anew in each dossier; pushed and polled, the same step has the same name."""
    name = f"{step.dossier}:{step.id}"
    return name if len(name) <= 100 else hashlib.sha256(name.encode()).hexdigest()[:40]


def _trace_status(trace: DocumentTrace, context: Context) -> tuple[Status | None, LocalStatus | None]:
    if trace.DossierStatus:
        word = _local(trace.DossierStatus, trace.DossierSubStatus, "DossierStatus")
        return _status(trace.DossierStatus, trace.DossierSubStatus, context), word
    if not trace.Status:  # OpenCPS: always 0
        return None, None
    national = str(trace.Status)
    for row in context.codes.rows("status_npsp", context.today):
        if row["national"] == national and row.code in set(Status):
            return Status(row.code), None
    return None, _local(national, "", "Status")


# --- REST v2, polled or fetched --------------------------------------------------------------------------------------

_RECORD_NAMES: Mapping[str, str] = MappingProxyType(
    {"code": "dossierNo", "national_code": "originDossierNo", "procedure": "serviceCode", "applicant": "applicantName"}
)
_PORTAL_METHODS = ("KeyPayDVCQG", "PayPlatDVCQG")
_ONLINE_METHODS = ("KEYPAY", "KeyPayLate", "ViettelPay")


def changed_dossier(changed: ChangedDossier, context: Context) -> Sequence[Event]:
    """The dossier's state, its payments, its steps, in this order: a step needs its dossier."""
    record = changed.record
    if not record.dossierNo:
        return []  # not registered yet; its number changes it once more
    return [
        *record_events(record, context),
        *(event for payment in changed.payments for event in _payment(payment, record, context)),
        *(event for action in changed.actions for event in _action(action, record)),
    ]


def record_events(record: DossierRecord, context: Context) -> Sequence[Event]:
    """``dossier.reported`` of a REST record; before it, for a dossier of the portal, that it is registered here."""
    from_portal = record.systemId == _FROM_PORTAL and bool(record.originDossierNo)
    status = _status(record.dossierStatus, record.dossierSubStatus, context)
    released = _millis("releaseDate", record.releaseDate)
    ended = _millis("finishDate", record.finishDate)
    kind = {"citizen": PartyKind.CITIZEN, "business": PartyKind.BUSINESS}.get(
        record.applicantIdType, PartyKind.ORGANISATION
    )
    number = (
        (_build(Identifier, {"kind": "unstated", "number": record.applicantIdNo}, {"number": "applicantIdNo"}),)
        if record.applicantIdNo
        else ()
    )
    party = {
        "kind": kind,
        "name": record.applicantName,
        "identifiers": number,
        "address": record.address,
        "phone": record.contactTelNo,
        "email": record.contactEmail,
    }
    done = status in (Status.FINISHED, Status.RETURNED, Status.STOPPED)
    values: dict[str, Any] = {
        "code": record.dossierNo,
        "national_code": record.originDossierNo if from_portal else "",
        "origin": Origin.PORTAL if from_portal else Origin.PROVINCE,
        "procedure": _build(
            Procedure, {"code": record.serviceCode, "name": record.serviceName}, {"code": "serviceCode"}
        ),
        "applicant": _build(Party, party, {"name": "applicantName"}),
        "receiving_unit": Unit(code=record.govAgencyCode, name=record.govAgencyName),
        "competent_unit": Unit(code=record.govAgencyCode, name=record.govAgencyName),
        "channel": Channel.ONLINE if record.online else _channel("", context),
        "summary": record.briefNote,
        "note": record.dossierNote,
        "status": status,
        # A record always has a word: an empty one parks instead of being asked for again and again.
        "local_status": _local(record.dossierStatus or "unstated", record.dossierSubStatus, "dossierStatus"),
        "submitted_at": _millis("submitDate", record.submitDate),
        "accepted_at": _millis("receiveDate", record.receiveDate),
        "due_at": _millis("dueDate", record.dueDate),
        "finished_at": (released or ended) if done else None,
        "returned_at": ended if status is Status.RETURNED else None,
        "refused_at": ended if status is Status.REFUSED else None,
        "return_channel": ReturnChannel.POST if record.viaPostal else ReturnChannel.DIRECT,
    }
    dossier = _build(Dossier, values, _RECORD_NAMES)
    at = dossier.as_of or _millis("modifiedDate", record.modifiedDate) or _received_at(context)
    told = _event(
        "dossier.reported", f"record-{_fingerprint(record)}", dossier.code, at, DossierReported(dossier=dossier)
    )
    return [_registered(dossier.national_code, dossier.code, at, told.source_id), told] if from_portal else [told]


def _action(action: ActionRecord, record: DossierRecord) -> Sequence[Event]:
    """A step; none for what was rolled back and for what the system did by itself, without an officer."""
    at = _millis("createDate", action.createDate)
    content = action.actionNote or action.actionName
    if action.state == _ROLLED_BACK or not action.actionUser or not content or at is None:
        return []
    values = {
        "id": f"action-{action.dossierActionId}",
        "dossier": record.dossierNo,
        "officer": action.actionUser,
        "content": content,
        "at": at,
        "due_at": _millis("dueDate", action.dueDate),
    }
    step = _build(Step, values, {"officer": "actionUser", "content": "actionName", "dossier": "dossierNo"})
    return [_event("step.taken", _step_name(step), step.dossier, at, StepTaken(step=step))]


def _payment(payment: PaymentRecord, record: DossierRecord, context: Context) -> Sequence[Event]:
    if payment.paymentStatus != getattr(context.settings, "paid_status", 3):
        return []
    method = payment.paymentMethod
    through = (
        PaidThrough.NATIONAL_PORTAL
        if method in _PORTAL_METHODS
        else PaidThrough.OTHER_ONLINE
        if method in _ONLINE_METHODS
        else PaidThrough.COUNTER
    )
    paid_at = _millis("confirmDate", payment.confirmDate)
    values = {
        "amount": payment.paymentAmount,
        "through": through,
        "paid_at": paid_at,
        "reference": payment.confirmNote,
    }
    body = _build(PaymentReported, values, {"amount": "paymentAmount"})
    at = paid_at or _millis("modifiedDate", payment.modifiedDate or record.modifiedDate) or _received_at(context)
    told = f"{record.dossierNo}\n{payment.referenceUid}\n{payment.paymentStatus}\n{payment.paymentAmount}\n{method}"
    name = f"payment-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    return [_event("payment.reported", name, record.dossierNo, at, body)]


# --- what is sent ----------------------------------------------------------------------------------------------------


def _body(event: Event, model: type[Built]) -> Built:
    if not isinstance(event.body, model):
        raise MappingError("event", f"an event {event.type} cannot become this call")
    return event.body


def _sent(model: type[Built], values: Mapping[str, Any]) -> Built:
    return _build(model, values, {})


def _uid(*parts: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, "\n".join(parts)))


def _dossier_no(event: Event, context: Context) -> str:
    number = context.identities.get(ONESTOP, "")
    if not number:
        raise MappingError("dossierNo", "the one-stop system has given this dossier no number yet")
    return number


def _local_procedure(national: str, context: Context) -> str:
    """The local variant of a national procedure: the one marked as default, the only one, or the same code."""
    rows = context.codes.rows("local_procedures", context.today)
    found = [row for row in rows if row["national"] == national]
    chosen = [row for row in found if row["default_variant"].strip().lower() in ("1", "true", "yes", "x")] or found
    codes = sorted({row.code for row in chosen})
    if len(codes) > 1:
        reason = f"{len(codes)} local variants of one national procedure: mark one in column default_variant"
        raise MappingError("serviceCode", reason, table="local_procedures", code=national)
    return codes[0] if codes else national


def create_dossier(event: Event, context: Context) -> CreateDossier:
    filed = _body(event, DossierFiled)
    dossier = filed.dossier
    national = dossier.national_code or dossier.code
    agency = dossier.receiving_unit.code or dossier.competent_unit.code or context.settings.default_agency
    if not agency:
        raise MappingError("govAgencyCode", "the dossier names no agency: set systems.onestop.default_agency")
    kinds = {PartyKind.CITIZEN: "citizen", PartyKind.BUSINESS: "business", PartyKind.HOUSEHOLD: "business"}
    submitted = dossier.submitted_at or event.occurred_at
    applicant = dossier.applicant
    values = {
        "referenceUid": _uid(PORTAL, national),
        "serviceCode": _local_procedure(dossier.procedure.code, context),
        "serviceName": dossier.procedure.name,
        "govAgencyCode": agency,
        "govAgencyName": dossier.receiving_unit.name or dossier.competent_unit.name,
        "applicantName": applicant.name,
        "applicantIdType": kinds.get(applicant.kind, "organization"),
        "applicantIdNo": applicant.number(*IdentifierKind),
        "address": applicant.address,
        "contactTelNo": applicant.phone,
        "contactEmail": applicant.email,
        "dossierNote": dossier.note,
        "briefNote": dossier.summary,
        "submitDate": int(submitted.timestamp() * 1000),
        "viaPostal": 1 if dossier.return_channel is ReturnChannel.POST else 0,
        "online": dossier.channel in (None, Channel.ONLINE),
        "originDossierNo": national,
        "metaData": json.dumps(_plain(filed.form), ensure_ascii=False, sort_keys=True),
        "dossierFiles": tuple(
            _sent(
                SentFile,
                {
                    "referenceUid": _uid(PORTAL, national, document.id, document.file.id or document.file.url),
                    "displayName": document.name or document.file.name or document.id,
                    "dossierPartNo": document.part_code,
                    "fileUrl": _link("dossierFiles.fileUrl", document.file, context),
                },
            )
            for document in dossier.documents
            if document.file is not None and not document.deleted
        ),
    }
    return _sent(CreateDossier, values)


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return {str(k): _plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(v) for v in value]
    return value if value is None or isinstance(value, (str, int, float, bool)) else str(value)


def _link(field: str, file: FileRef, context: Context) -> str:
    address = context.link(file)
    if not address:
        raise MappingError(field, "the file has no address: set the front door's public base address")
    return address


def dossier_created(event: Event, answer: DossierRecord, context: Context) -> Sequence[Event]:
    filed = _body(event, DossierFiled)
    national = filed.dossier.national_code or filed.dossier.code
    return [_registered(national, answer.dossierNo, event.occurred_at, event.source_id)]


def report_action(event: Event, context: Context) -> ReportAction:
    asked = _body(event, ActionRequested)
    mark = hashlib.sha256(f"{event.source}\n{event.source_id}".encode()).hexdigest()[:12]
    files = [
        {"name": document.name or document.file.name, "url": _link("payload.files", document.file, context)}
        for document in asked.documents
        if document.file is not None and not document.deleted
    ]
    action = {
        "actionCode": context.settings.action_codes.get(asked.code, asked.code),
        "actionUser": asked.person or context.settings.action_user,
        "actionNote": f"{asked.note} [{mark}]".strip(),
        "payload": json.dumps({"files": files} if files else {}, ensure_ascii=False),
    }
    values = {"dossierNo": _dossier_no(event, context), "action": action, "mark": mark}
    return _sent(ReportAction, values)


_METHODS = {
    PaidThrough.NATIONAL_PORTAL: "PayPlatDVCQG",
    PaidThrough.OTHER_ONLINE: "KEYPAY",
    PaidThrough.COUNTER: "",
}


def report_payment(event: Event, context: Context) -> ReportPayment:
    paid = _body(event, PaymentReported)
    if paid.through is PaidThrough.NOT_PAID:
        raise MappingError("paymentStatus", "the event says that nothing was paid")
    payment = {
        "paymentStatus": context.settings.paid_status,
        "paymentAmount": int(Decimal(paid.amount)),
        "paymentMethod": _METHODS[paid.through],
        "confirmNote": paid.reference,
    }
    return _sent(ReportPayment, {"dossierNo": _dossier_no(event, context), "payment": payment})


def add_result(event: Event, context: Context) -> AddResult:
    document = _body(event, ResultIssued).document
    if document.file is None:
        raise MappingError("fileUrl", "the result has no file")
    file = {
        "referenceUid": _uid(event.source, event.source_id),
        "displayName": document.name or document.file.name,
        "dossierPartNo": document.part_code,
        "fileTemplateNo": document.result_code,
        "fileUrl": _link("fileUrl", document.file, context),
    }
    return _sent(AddResult, {"dossierNo": _dossier_no(event, context), "file": file})


def fetch_dossier(event: Event, context: Context) -> FetchDossier:
    told = _body(event, DossierReported)
    return FetchDossier(dossierNo=context.identities.get(ONESTOP, "") or told.dossier.code)


def dossier_fetched(event: Event, answer: DossierRecord, context: Context) -> Sequence[Event]:
    return record_events(answer, context) if answer.dossierNo else []


def _tells_no_status(event: Event, _settings: Any) -> bool:
    body = event.body
    return (
        event.source == ONESTOP
        and isinstance(body, DossierReported)
        and body.dossier.status is None
        and body.dossier.local_status is None
    )


def _of_another(event: Event, _settings: Any) -> bool:
    return event.source != ONESTOP


MAPPINGS = Mappings(
    ONESTOP,
    mappings=(
        OperationMapping("create_dossier", create_dossier, dossier_created),
        OperationMapping("report_action", report_action),
        OperationMapping("report_payment", report_payment),
        OperationMapping("add_result", add_result),
        OperationMapping("fetch_dossier", fetch_dossier, dossier_fetched),
    ),
    receptions=(
        Reception("sync_document", SyncDocument, sync_document),
        Reception("document_trace", DocumentTrace, document_trace),
        Reception("changed_dossier", ChangedDossier, changed_dossier),
    ),
    routes=(
        Route("dossier.reported", "fetch_dossier", _tells_no_status),
        Route("dossier.filed", "create_dossier"),
        Route("action.requested", "report_action", _of_another),
        Route("payment.reported", "report_payment", _of_another),
        Route("result.issued", "add_result", _of_another),
    ),
)
