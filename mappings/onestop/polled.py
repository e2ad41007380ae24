"""What its REST v2 tells, polled or fetched: records, actions, payments."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from connectors.onestop.wire import (
    ActionRecord,
    ChangedDossier,
    DossierRecord,
    PaymentRecord,
)
from lgsp.canonical.dossier import (
    Channel,
    Dossier,
    Origin,
    Procedure,
    ReturnChannel,
    Step,
    Unit,
)
from lgsp.canonical.events import (
    DossierReported,
    Event,
    PaymentReported,
    StepTaken,
)
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.party import Identifier, Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.spi.mapping import Context
from mappings.onestop.pushed import channel_of, step_name
from mappings.onestop.reading import (
    FROM_PORTAL,
    ROLLED_BACK,
    build,
    event_of,
    fingerprint,
    from_millis,
    local_word,
    received_at,
    registered_as,
    status_of,
)

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
    from_portal = record.systemId == FROM_PORTAL and bool(record.originDossierNo)
    status = status_of(record.dossierStatus, record.dossierSubStatus, context)
    released = from_millis("releaseDate", record.releaseDate)
    ended = from_millis("finishDate", record.finishDate)
    kind = {"citizen": PartyKind.CITIZEN, "business": PartyKind.BUSINESS}.get(
        record.applicantIdType, PartyKind.ORGANISATION
    )
    number = (
        (build(Identifier, {"kind": "unstated", "number": record.applicantIdNo}, {"number": "applicantIdNo"}),)
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
        "procedure": build(
            Procedure, {"code": record.serviceCode, "name": record.serviceName}, {"code": "serviceCode"}
        ),
        "applicant": build(Party, party, {"name": "applicantName"}),
        "receiving_unit": Unit(code=record.govAgencyCode, name=record.govAgencyName),
        "competent_unit": Unit(code=record.govAgencyCode, name=record.govAgencyName),
        "channel": Channel.ONLINE if record.online else channel_of("", context),
        "summary": record.briefNote,
        "note": record.dossierNote,
        "status": status,
        # A record always has a word: an empty one parks instead of being asked for again and again.
        "local_status": local_word(record.dossierStatus or "unstated", record.dossierSubStatus, "dossierStatus"),
        "submitted_at": from_millis("submitDate", record.submitDate),
        "accepted_at": from_millis("receiveDate", record.receiveDate),
        "due_at": from_millis("dueDate", record.dueDate),
        "finished_at": (released or ended) if done else None,
        "returned_at": ended if status is Status.RETURNED else None,
        "refused_at": ended if status is Status.REFUSED else None,
        "return_channel": ReturnChannel.POST if record.viaPostal else ReturnChannel.DIRECT,
    }
    dossier = build(Dossier, values, _RECORD_NAMES)
    at = dossier.as_of or from_millis("modifiedDate", record.modifiedDate) or received_at(context)
    told = event_of(
        "dossier.reported", f"record-{fingerprint(record)}", dossier.code, at, DossierReported(dossier=dossier)
    )
    return [registered_as(dossier.national_code, dossier.code, at, told.source_id), told] if from_portal else [told]


_OUR_MARK = re.compile(r"\[[0-9a-f]{12}\]$")


def _action(action: ActionRecord, record: DossierRecord) -> Sequence[Event]:
    """A step; none for what was rolled back, for what the system did without an officer, and for what we told it, which
    carries our mark."""
    at = from_millis("createDate", action.createDate)
    content = action.actionNote or action.actionName
    ours = _OUR_MARK.search(action.actionNote) is not None
    if ours or action.state == ROLLED_BACK or not action.actionUser or not content or at is None:
        return []
    values = {
        "id": f"action-{action.dossierActionId}",
        "dossier": record.dossierNo,
        "officer": action.actionUser,
        "content": content,
        "at": at,
        "due_at": from_millis("dueDate", action.dueDate),
    }
    step = build(Step, values, {"officer": "actionUser", "content": "actionName", "dossier": "dossierNo"})
    return [event_of("step.taken", step_name(step), step.dossier, at, StepTaken(step=step))]


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
    paid_at = from_millis("confirmDate", payment.confirmDate)
    values = {
        "amount": payment.paymentAmount,
        "through": through,
        "paid_at": paid_at,
        "reference": payment.confirmNote,
    }
    body = build(PaymentReported, values, {"amount": "paymentAmount"})
    at = paid_at or from_millis("modifiedDate", payment.modifiedDate or record.modifiedDate) or received_at(context)
    told = f"{record.dossierNo}\n{payment.referenceUid}\n{payment.paymentStatus}\n{payment.paymentAmount}\n{method}"
    name = f"payment-{hashlib.sha256(told.encode()).hexdigest()[:32]}"
    return [event_of("payment.reported", name, record.dossierNo, at, body)]
