"""The one-stop system: its REST v2, called and polled, and the hooks at which it calls us."""

from __future__ import annotations

import asyncio
import base64
import json
from collections import OrderedDict
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Annotated, Any, Literal
from urllib.parse import quote

from pydantic import Field, SecretStr

from connectors.onestop.inbound import HOOKS
from connectors.onestop.wire import (
    ActionPage,
    ActionRecord,
    AddResult,
    ChangedDossier,
    CreateDossier,
    DossierPage,
    DossierRecord,
    FetchDossier,
    FileRecord,
    PaymentPage,
    PaymentRecord,
    ReportAction,
    ReportPayment,
)
from lgsp.errors import AccessRefused, BadAnswer, Rejected
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Page, Poll, Received
from lgsp.spi.operation import Operation, Probed, Repeat
from lgsp.wire.client import Reply, Wire
from lgsp.wire.expect import expect

_KNOWN_IDS = 10_000
_SEEN = 5_000


class OnestopSettings(SystemSettings):
    """Settings of the one-stop system."""

    address: str = Field(
        "http://127.0.0.1:8080/o/rest/v2", pattern=r"^https?://\S+$", description="Base address of its REST v2"
    )
    group_id: str = Field("", description="Value of the header groupId: the site of the agency group")
    username: str = Field("", description="Account with which the bus calls; empty: none")
    password: SecretStr = Field(SecretStr(""), description="Its password")
    default_channel: Literal["", "direct", "online", "post"] = Field(
        "", description="Channel of dossiers of which the system does not say it; empty: such dossiers park"
    )
    default_agency: str = Field("", description="Agency code for portal dossiers that name none; empty: they park")
    third_applicant_type: Literal["organisation", "state_body"] = Field(
        "organisation", description="What ApplicantsType 3 means at this vendor"
    )
    default_fee_kind: Literal["phi", "le_phi"] = Field(
        "le_phi", description="Kind of a fee whose name begins with neither Phí nor Lệ phí"
    )
    other_provinces: tuple[str, ...] = Field(
        (), description="Codes of merged provinces whose dossier codes are ours as well, such as H15"
    )
    paid_status: Annotated[int, Field(ge=0, le=5)] = Field(3, description="paymentStatus that means paid in full")
    action_user: str = Field(
        "Cổng Dịch vụ công quốc gia", min_length=1, description="Name under which actions of the portal are reported"
    )
    action_codes: dict[str, str] = Field(
        default_factory=dict, description="actionCode for each kind of action asked for at the portal"
    )
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(50, description="Dossiers a poll reads at once")
    poll_overlap: Annotated[float, Field(ge=0)] = Field(
        60.0, description="Seconds read again in each poll, for changes that were committed late"
    )
    poll_back_days: Annotated[float, Field(ge=0)] = Field(30.0, description="Days the very first poll looks back")


@dataclass(frozen=True, slots=True)
class _Cursor:
    """Where a poll goes on: from which modifiedDate, how many of that same moment to skip, what was seen lately."""

    since: int
    skip: int = 0
    high: int = 0
    seen: dict[int, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str, first: int) -> _Cursor:
        if not text:
            return cls(first)
        told = json.loads(text)
        return cls(told["since"], told["skip"], told["high"], {int(k): v for k, v in told["seen"].items()})

    def write(self) -> str:
        told = {"since": self.since, "skip": self.skip, "high": self.high, "seen": self.seen}
        return json.dumps(told, separators=(",", ":"))


class Onestop:
    """Calls of the one-stop system."""

    def __init__(self, settings: OnestopSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._base = settings.address.rstrip("/")
        self._headers = {"Accept": "application/json"}
        if settings.group_id:
            self._headers["groupId"] = settings.group_id
        if settings.username:
            pair = f"{settings.username}:{settings.password.get_secret_value()}".encode()
            self._headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        self._ids: OrderedDict[str, int] = OrderedDict()

    # --- operations ---

    async def create_dossier(self, request: CreateDossier, key: str) -> DossierRecord:
        reply = await self._send("create_dossier", "POST", "dossiers", request, also=409)
        if reply.status == 409:  # it has a dossier of this referenceUid: that is the one
            reply = await self._get("create_dossier", f"dossiers/{quote(request.referenceUid, safe='')}")
        record: DossierRecord = reply.model(DossierRecord)
        if not record.dossierNo:
            raise reply.bad("the dossier was created without a dossierNo")
        return record

    async def report_action(self, request: ReportAction, key: str) -> ActionRecord:
        number = await self._id(request.dossierNo, "report_action")
        reply = await self._send("report_action", "POST", f"dossiers/{number}/actions", request.action)
        action: ActionRecord = reply.model(ActionRecord)
        return action

    async def action_reported(self, request: ReportAction, key: str) -> Probed[ActionRecord]:
        """Whether an action with this request's mark stands among the dossier's actions."""
        number = await self._id(request.dossierNo, "report_action")
        page = await self._actions(number, "report_action")
        for action in page.data:
            if request.mark in action.actionNote:
                return Probed(True, action)
        if page.total > len(page.data):
            return Probed(None, note=f"only {len(page.data)} of {page.total} actions were listed")
        return Probed(False)

    async def report_payment(self, request: ReportPayment, key: str) -> PaymentRecord:
        number = await self._id(request.dossierNo, "report_payment")
        reply = await self._send("report_payment", "PUT", f"dossiers/{number}/payments", request.payment)
        payment: PaymentRecord = reply.model(PaymentRecord)
        if payment.paymentStatus != request.payment.paymentStatus:
            raise Rejected(
                f"the payment stands at status {payment.paymentStatus}, {request.payment.paymentStatus} was sent",
                system=reply.system,
                operation=reply.operation,
            )
        return payment

    async def add_result(self, request: AddResult, key: str) -> FileRecord:
        number = await self._id(request.dossierNo, "add_result")
        reply = await self._send("add_result", "POST", f"dossiers/{number}/files", request.file, also=409)
        if reply.status == 409:  # it has a file of this referenceUid
            return FileRecord(referenceUid=request.file.referenceUid, displayName=request.file.displayName)
        record: FileRecord = reply.model(FileRecord)
        return record

    async def fetch_dossier(self, request: FetchDossier, key: str) -> DossierRecord:
        if request.dossierId:
            reply = await self._get("fetch_dossier", f"dossiers/{request.dossierId}")
            record: DossierRecord = reply.model(DossierRecord)
            return record
        return await self._by_number(request.dossierNo, "fetch_dossier")

    async def check(self) -> str:
        page = (await self._get("check", "dossiers", start="0", end="1")).model(DossierPage)
        return f"logged in; {page.total} dossiers"

    # --- poll ---

    async def changed(self, cursor: str) -> Page:
        """Dossiers changed since the cursor, each with its actions and payments.

        The list comes in order of ``modifiedDate``. Each page starts at the last one's latest moment instead of an
        offset, so that a dossier changed meanwhile shifts nothing out of sight; what was seen already is left out.
        """
        first = int((self._wire.clock.now().timestamp() - self._settings.poll_back_days * 86_400) * 1000)
        at = _Cursor.read(cursor, max(0, first))
        size = self._settings.page_size
        window = {"modifiedSince": str(at.since), "start": str(at.skip), "end": str(at.skip + size)}
        reply = await self._get("changed", "dossiers", **window)
        page: DossierPage = reply.model(DossierPage)
        moments = [record.modifiedDate for record in page.data]
        if moments != sorted(moments) or (moments and moments[0] < at.since):
            raise reply.bad("dossiers are not listed in order of modifiedDate from modifiedSince on")
        fresh = [record for record in page.data if at.seen.get(record.dossierId) != record.modifiedDate]
        items = await asyncio.gather(*(self._with_parts(record) for record in fresh))
        return Page(Received("changed_dossier", items), self._next(at, page, size).write(), len(page.data) >= size)

    def _next(self, at: _Cursor, page: DossierPage, size: int) -> _Cursor:
        last = page.data[-1].modifiedDate if page.data else at.high
        high = max(at.high, last)
        floor = max(0, high - int(self._settings.poll_overlap * 1000))
        seen = at.seen | {record.dossierId: record.modifiedDate for record in page.data}
        kept = sorted(((k, v) for k, v in seen.items() if v >= floor), key=lambda pair: pair[1])[-_SEEN:]
        if len(page.data) < size:
            return _Cursor(floor if high else at.since, 0, high, dict(kept))
        if last > at.since:
            return _Cursor(last, 0, high, dict(kept))
        return _Cursor(at.since, at.skip + len(page.data), high, dict(kept))

    async def _with_parts(self, record: DossierRecord) -> ChangedDossier:
        actions, payments = await asyncio.gather(
            self._actions(record.dossierId, "changed"),
            self._get("changed", f"dossiers/{record.dossierId}/payments"),
        )
        ordered = sorted(actions.data, key=lambda action: (action.createDate, action.dossierActionId))
        return ChangedDossier(record=record, actions=tuple(ordered), payments=payments.model(PaymentPage).data)

    # --- parts ---

    async def _actions(self, number: int, operation: str) -> ActionPage:
        page: ActionPage = (await self._get(operation, f"dossiers/{number}/actions")).model(ActionPage)
        return page

    async def _id(self, dossier_no: str, operation: str) -> int:
        """The remote's own number of a dossier; it never changes, so the latest are remembered."""
        known = self._ids.get(dossier_no)
        if known is None:
            known = (await self._by_number(dossier_no, operation)).dossierId
            self._ids[dossier_no] = known
            if len(self._ids) > _KNOWN_IDS:
                self._ids.popitem(last=False)
        return known

    async def _by_number(self, dossier_no: str, operation: str) -> DossierRecord:
        reply = await self._get(operation, "dossiers", dossierNo=dossier_no, start="0", end="2")
        page: DossierPage = reply.model(DossierPage)
        for record in page.data:
            if record.dossierNo == dossier_no:
                return record
        raise Rejected("it has no dossier with this dossierNo", system=reply.system, operation=operation, code="absent")

    async def _get(self, operation: str, path: str, **query: str) -> Reply:
        return await self._call(operation, "GET", path, query=query or None, effect=False)

    async def _send(self, operation: str, method: str, path: str, body: Any, also: int = 201) -> Reply:
        return await self._call(operation, method, path, also, json=body)

    async def _call(self, operation: str, method: str, path: str, also: int = 201, **more: Any) -> Reply:
        """One call; once more where the account was refused, which some servers do while its session is renewed."""
        for _ in (1, 2):
            reply = await self._wire.request(operation, method, f"{self._base}/{path}", headers=self._headers, **more)
            if reply.status != 401:
                return _expected(reply, also)
        raise AccessRefused(
            "HTTP 401: the account is not taken; correct systems.onestop.username and password",
            system=reply.system,
            operation=operation,
            code="401",
        )


def _expected(reply: Reply, also: int) -> Reply:
    """The reply of a success; a refusal carries the remote's own ``code``."""
    try:
        return expect(reply, 200, 201, also)
    except Rejected as error:
        try:
            told = reply.json()
        except BadAnswer:
            raise error from None
        code = told.get("code") if isinstance(told, dict) else None
        if not isinstance(code, (str, int, Decimal)) or not 0 < len(str(code)) <= 64:
            raise
        reason = f"{error.reason} (code {code}; its text is in the journal)"
        raise Rejected(reason, system=reply.system, operation=reply.operation, code=str(code)) from None


plugin = ConnectorPlugin(
    name="onestop",
    title="Hệ thống một cửa điện tử",
    settings=OnestopSettings,
    connector=Onestop,
    # when a registry was asked, by which of our messages; from which moment the first poll asks
    volatile=("report_action.asked_at", "report_action.proof", "changed.modifiedSince"),
    operations=(
        Operation(
            "create_dossier",
            CreateDossier,
            DossierRecord,
            Repeat.KEYED,
            "200 or 201 with the dossier and its dossierNo; the same referenceUid gives the same dossier",
        ),
        Operation(
            "report_action", ReportAction, ActionRecord, Repeat.ASK, "200 or 201 with the action", "action_reported"
        ),
        Operation(
            "report_payment", ReportPayment, PaymentRecord, Repeat.SAFE, "200 with the payment at the status sent"
        ),
        Operation(
            "add_result",
            AddResult,
            FileRecord,
            Repeat.KEYED,
            "200 or 201 with the file; the same referenceUid gives the same file",
        ),
        Operation("fetch_dossier", FetchDossier, DossierRecord, Repeat.SAFE, "200 with the dossier", full_state=True),
    ),
    hooks=HOOKS,
    polls=(Poll("changed_dossiers", "changed", every=60.0),),
)
