"""What the one-stop system pushes: SyncDocument and UpdateDocumentTraces."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from connectors.onestop.wire import (
    Attachment,
    DocumentTrace,
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
    DossierReported,
    Event,
    StepTaken,
)
from lgsp.canonical.fee import Fee, FeeKind, FeeTime, PaidThrough
from lgsp.canonical.party import Identifier, IdentifierKind, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.errors import MappingError
from lgsp.spi.mapping import Context
from mappings.onestop.reading import (
    build,
    event_of,
    fingerprint,
    local_word,
    message_name,
    moment,
    needed_moment,
    own_code,
    received_at,
    registered_as,
    status_of,
)

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
    code = own_code("DocCode", document.DocCode, context)
    dossier = _reported(document, code, context)
    at = dossier.as_of or received_at(context)
    source_id = message_name("sync", document.MessageId, document)
    told = event_of("dossier.reported", source_id, dossier.code, at, DossierReported(dossier=dossier))
    if document.NationalDocCode:
        return [registered_as(dossier.national_code, dossier.code, at, source_id), told]
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
        "procedure": build(Procedure, {"code": told.DocTypeCode, "name": told.DocTypeName}, {"code": "DocTypeCode"}),
        "applicant": _applicant(told, context),
        "receiving_unit": Unit(code=told.OrganInchargeIdLevel1, name=told.OrganInchargeName),
        "competent_unit": Unit(
            code=told.OrganInchargeIdLevel1, name=told.ProcessingOrganName or told.OrganInchargeName
        ),
        "channel": channel_of(told.Channel, context),
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
    return build(Dossier, values, _DOCUMENT_NAMES)


def _document_status(told: SyncDocument, context: Context) -> tuple[Status | None, LocalStatus | None]:
    """The status, as far as the facts tell it.

    Without ``DossierStatus`` (plain OpenCPS) only a finished, a returned and a dated refused dossier can be told:
    ``FinishedDate`` stands for done, cancelled and denied alike, and ``Status`` 1 for anything before.
    """
    if told.DossierStatus:
        word = local_word(told.DossierStatus, told.DossierSubStatus, "DossierStatus")
        return status_of(told.DossierStatus, told.DossierSubStatus, context), word
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
        identifiers = (build(Identifier, number, {"number": "ApplicantsId"}),)
    values = {
        "kind": kinds[told.ApplicantsType],
        "name": told.CitizenName,
        "identifiers": identifiers,
        "address": told.Address,
        "phone": told.Phone,
        "email": told.Email,
        "vneid_verified": told.VneidVerified,
    }
    return build(Party, values, {"name": "CitizenName"})


def channel_of(word: str, context: Context) -> Channel | None:
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
    return build(Fee, values, {"amount": f"DocFees.{number}.Price", "name": f"DocFees.{number}.FeeName"})


def _supplements(told: SyncDocument) -> tuple[SupplementRound, ...]:
    rounds = []
    for number, one in enumerate(told.Supplementaries):
        where = f"Supplementaries.{number}"
        values = {
            "id": one.SupplementaryId,
            "requested_by": one.RequesterName,
            "content": one.Content,
            "requested_at": needed_moment(f"{where}.RequireDate", one.RequireDate),
            "received_by": one.ReceiverName,
            "received_at": moment(f"{where}.ReceivedDate", one.ReceivedDate),
            "due_before": moment(f"{where}.AppointedBefore", one.AppointedBefore),
            "due_after": moment(f"{where}.AppointedAfter", one.AppointedAfter),
        }
        rounds.append(build(SupplementRound, values, {"id": f"{where}.SupplementaryId"}))
    return tuple(rounds)


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
    code = own_code("DocCode", trace.DocCode, context)
    at = needed_moment("DateCreated", trace.DateCreated)
    status, word = _trace_status(trace, context)
    step_id = f"action-{trace.TraceId}" if trace.TraceId else fingerprint(trace)
    values = {
        "id": step_id,
        "unnumbered": not trace.TraceId,
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
    step = build(Step, values, _STEP_NAMES)
    source_id = step_name(step) if trace.TraceId else message_name("trace", trace.MessageId, trace)
    return [event_of("step.taken", source_id, step.dossier, at, StepTaken(step=step))]


def step_name(step: Step) -> str:
    """Numbers of steps may start anew in each dossier; pushed and polled, the same step has the same name."""
    name = f"{step.dossier}:{step.id}"
    return name if len(name) <= 100 else hashlib.sha256(name.encode()).hexdigest()[:40]


def _trace_status(trace: DocumentTrace, context: Context) -> tuple[Status | None, LocalStatus | None]:
    if trace.DossierStatus:
        word = local_word(trace.DossierStatus, trace.DossierSubStatus, "DossierStatus")
        return status_of(trace.DossierStatus, trace.DossierSubStatus, context), word
    if not trace.Status:  # OpenCPS: always 0
        return None, None
    national = str(trace.Status)
    for row in context.codes.rows("status_npsp", context.today):
        if row["national"] == national and row.code in set(Status):
            return Status(row.code), None
    return None, local_word(national, "", "Status")
