"""The National Public Service Portal: its session services (G1, G1+), and the newer ones beside them."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Sequence
from typing import Any, TypeVar

from pydantic import BaseModel

from connectors.npsp.classify import Exists, Missing, judge, plain
from connectors.npsp.dvclt import Dvclt
from connectors.npsp.g2 import G2
from connectors.npsp.inbound import HOOKS, resign
from connectors.npsp.settings import NpspSettings
from connectors.npsp.wire.calls import CALLS
from connectors.npsp.wire.catalogue import (
    AgencyRow,
    Dictionary,
    DictionaryAnswer,
    DictionaryRow,
    FieldRow,
    FindTechId,
    GetProcedure,
    ListProcedures,
    ProcedureDetail,
    ProcedureList,
    ProcedureRow,
    TechId,
)
from connectors.npsp.wire.dossiers import (
    AnswerDossier,
    DossierItem,
    FindDossier,
    FoundDossier,
    FoundStep,
    ProgressItem,
    SyncDossier,
    SyncedDossier,
    UpdateProgress,
)
from connectors.npsp.wire.dvclt import DvcltStatus, LinkedDossier
from connectors.npsp.wire.g2 import (
    G2Code,
    G2Create,
    G2Created,
    G2File,
    G2NextCode,
    G2Progress,
    G2Status,
    G2Sync,
    G2Synced,
    G2Upload,
)
from connectors.npsp.wire.questions import (
    GetAnswers,
    ListQuestionsFromPortal,
    ListQuestionsOfUnit,
    PushAnswer,
    PushQuestion,
    Question,
    Questions,
    SyncRatings,
)
from connectors.npsp.wire.session import Accepted, Answer, Login, LoginAnswer
from connectors.npsp.wire.times import write14
from lgsp.errors import AccessRefused, Rejected
from lgsp.spi.connector import ConnectorPlugin
from lgsp.spi.inbound import Page, Poll, Received
from lgsp.spi.operation import Operation, Probed, Repeat
from lgsp.wire.address import adapter_address
from lgsp.wire.auth import BodySession
from lgsp.wire.client import Reply, Wire

_FIELD_SECONDS, _FIELD_MOST = 86_400.0, 5_000

Model = TypeVar("Model", bound=BaseModel)


class Npsp:
    """One method per operation. ``key`` is not sent anywhere: no service of the portal takes one."""

    def __init__(self, settings: NpspSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._session = BodySession(wire, self._login, lifetime=settings.session_seconds)
        self._g2, self._dvclt = G2(settings, wire), Dvclt(settings, wire)
        self._fields: dict[str, tuple[float, str, str]] = {}
        self._asking: dict[str, asyncio.Lock] = {}
        self._catalogue = 0

    async def check(self) -> str:
        """Log in, whatever grant is in use."""
        if self._settings.generation == "G2":
            return await self._g2.check()
        await self._login()
        return f"logged in as {self._settings.username} for unit {self._settings.unit} ({self._settings.generation})"

    # -- dictionaries and catalogue

    async def dictionary(self, request: Dictionary, key: str) -> DictionaryAnswer:
        reply, answer = await self._ask("dictionary", request)
        row = _DICTIONARIES.get(request.service, DictionaryRow)
        return DictionaryAnswer(service=request.service, rows=_rows(reply, answer, row))

    async def list_procedures(self, request: ListProcedures, key: str) -> ProcedureList:
        """The catalogue; an empty or partial one is never believed, or half the procedures would be switched off."""
        reply, answer = await self._ask("list_procedures", request)
        rows = _rows(reply, answer, ProcedureRow)
        least = max(self._settings.catalogue_least, int(self._catalogue * self._settings.catalogue_share))
        count = len({row.MATTHC for row in rows})
        if count < least:
            raise reply.bad(
                f"a catalogue of {count} procedures where at least {least} were to come; if so many were closed, "
                "lower systems.npsp.catalogue_share or catalogue_least and restart"
            )
        self._catalogue = count
        return ProcedureList(rows=rows)

    async def get_procedure(self, request: GetProcedure, key: str) -> ProcedureDetail:
        reply, answer = await self._ask("get_procedure", request)
        rows = _rows(reply, answer, ProcedureDetail)
        if not rows:
            raise Rejected(
                f"the portal has no procedure {request.maTTHC}", system=reply.system, operation=reply.operation
            )
        return rows[0]

    async def find_tech_id(self, request: FindTechId, key: str) -> TechId:
        reply, answer = await self._ask("find_tech_id", request)
        return next(iter(_rows(reply, answer, TechId)), TechId())

    # -- dossiers

    async def find_dossier(self, request: FindDossier, key: str) -> FoundDossier:
        reply, answer = await self._ask("find_dossier", request)
        rows = _rows(reply, answer, FoundDossier)
        named = [row for row in rows if row.MaHoSo == request.mahoso]
        # Public code tests only whether anything came back: an unnamed row stands for the dossier asked for.
        found = next(iter(named or [row for row in rows if not row.MaHoSo]), None)
        return found or FoundDossier(found=False, MaHoSo=request.mahoso)

    async def sync_dossier(self, request: SyncDossier, key: str) -> SyncedDossier:
        """Give the portal this state of the dossier, whether or not it has the dossier already."""
        item = await self._with_field(request.data[0])
        updating = request.isUpdating == "True"
        try:
            answer = await self._push(item, updating)
        except (Exists, Missing) as refusal:
            # Only the opposite of what was tried helps; a second refusal is the portal's last word.
            if isinstance(refusal, Exists) == updating:
                raise
            updating = not updating
            answer = await self._push(item, updating)
        return SyncedDossier(MaHoSo=item.MaHoSo, updated=updating, message=str(answer.message))

    async def update_progress(self, request: UpdateProgress, key: str) -> Accepted:
        return await self._tell("update_progress", request)

    async def find_steps(self, request: UpdateProgress, key: str) -> Probed[Accepted]:
        """Whether the portal has the steps of a call whose answer never came."""
        if not self._settings.lookup_lists_steps:
            return Probed(None, note="TraCuuHoSo is set not to list steps (systems.npsp.lookup_lists_steps)")
        there: list[bool] = []
        for code in dict.fromkeys(item.MaHoSo for item in request.data):
            found = await self.find_dossier(FindDossier(mahoso=code), key)
            if found.found and found.DanhSachTienDo is None:
                return Probed(None, note="TraCuuHoSo did not list the dossier's steps")
            steps = {_of_found(step) for step in found.DanhSachTienDo or ()}
            there.extend(_of_sent(item) in steps for item in request.data if item.MaHoSo == code)
        if all(there):
            return Probed(True, Accepted(message="found by TraCuuHoSo"))
        if not any(there):
            return Probed(False)
        return Probed(None, note=f"the portal has {sum(there)} of {len(there)} steps of one call")

    async def answer_dossier(self, request: AnswerDossier, key: str) -> Accepted:
        return await self._tell("answer_dossier", request)

    # -- ratings, questions and answers

    async def sync_ratings(self, request: SyncRatings, key: str) -> Accepted:
        return await self._tell("sync_ratings", request)

    async def list_questions_from_portal(self, request: ListQuestionsFromPortal, key: str) -> Questions:
        reply, answer = await self._ask("list_questions_from_portal", request)
        return Questions(rows=_rows(reply, answer, Question))

    async def list_questions_of_unit(self, request: ListQuestionsOfUnit, key: str) -> Questions:
        reply, answer = await self._ask("list_questions_of_unit", request)
        return Questions(rows=_rows(reply, answer, Question))

    async def get_answers(self, request: GetAnswers, key: str) -> Questions:
        reply, answer = await self._ask("get_answers", request)
        return Questions(rows=_rows(reply, answer, Question, HOIDAPID=request.cauhoiid))

    async def push_question(self, request: PushQuestion, key: str) -> Accepted:
        return await self._tell("push_question", request)

    async def push_answer(self, request: PushAnswer, key: str) -> Accepted:
        return await self._tell("push_answer", request)

    # -- linked dossiers, G2

    async def dvclt_status(self, request: DvcltStatus, key: str) -> Accepted:
        return await self._dvclt.status(request)

    async def g2_next_code(self, request: G2NextCode, key: str) -> G2Code:
        return await self._g2.next_code(request)

    async def g2_upload(self, request: G2Upload, key: str) -> G2File:
        return await self._g2.upload(request)

    async def g2_create(self, request: G2Create, key: str) -> G2Created:
        return await self._g2.create(request)

    async def g2_progress(self, request: G2Progress, key: str) -> Accepted:
        return await self._g2.progress(request)

    async def g2_status(self, request: G2Status, key: str) -> Accepted:
        return await self._g2.status(request)

    async def g2_sync(self, request: G2Sync, key: str) -> G2Synced:
        return await self._g2.sync(request)

    async def g2_known(self, request: G2Sync, key: str) -> Probed[G2Synced]:
        """A status set again is the same status; whether a create happened, G2 has no way to ask."""
        if request.create is None:
            return Probed(False, note="setting the status again changes nothing more")
        return Probed(None, note="G2 has no look-up of dossiers: see at the portal whether it was created")

    # -- polls

    async def fetch_questions(self, cursor: str) -> Page:
        """Questions for this province. The service gives the whole list each time; an unchanged one says nothing."""
        if self._settings.generation == "G2":
            return Page(Received("question", ()), cursor)
        questions = await self.list_questions_from_portal(ListQuestionsFromPortal(), "")
        rows = [row for row in questions.rows if row.TRANGTHAI != "0"]
        told = hashlib.sha256("\n".join(sorted(row.model_dump_json() for row in rows)).encode()).hexdigest()[:32]
        return Page(Received("question", () if told == cursor else rows), told)

    async def fetch_linked(self, cursor: str) -> Page:
        """Linked dossiers that wait. An acknowledged one leaves the list, so there is no cursor to keep."""
        if not self._settings.dvclt_address:
            return Page(Received("linked_dossier", ()), cursor)
        return Page(Received("linked_dossier", await self._dvclt.waiting()), cursor)

    async def acknowledge_linked(self, items: Sequence[LinkedDossier]) -> None:
        await self._dvclt.acknowledge(items)

    # -- the session services

    async def _login(self) -> str:
        settings = self._settings
        request = Login(username=settings.username, password=settings.password.get_secret_value())
        address = adapter_address(settings.address, settings.adapter, settings.login_path)
        reply = await self._wire.request(
            "login", "POST", address.url, json=request.model_dump(), headers=_headers(address.headers), effect=False
        )
        try:
            judge(reply, settings)
        except (Rejected, AccessRefused) as error:
            raise AccessRefused(
                f"login refused ({error.reason}); correct systems.npsp.username and password",
                system=reply.system, operation=reply.operation, code=error.code,
            ) from None  # fmt: skip
        session: LoginAnswer = reply.model(LoginAnswer)
        if not session.session:
            raise reply.bad("a login accepted without a session")
        return session.session

    async def _ask(self, operation: str, request: BaseModel) -> tuple[Reply, Answer]:
        return await self._call(operation, request, effect=False)

    async def _tell(self, operation: str, request: BaseModel) -> Accepted:
        _, answer = await self._call(operation, request, effect=True)
        return Accepted(message=answer.message)

    async def _push(self, item: DossierItem, updating: bool) -> Answer:
        request = SyncDossier.model_construct(isUpdating="True" if updating else "False", data=(item,))
        _, answer = await self._call("sync_dossier", request, effect=True)
        return answer

    async def _call(self, operation: str, request: BaseModel, *, effect: bool) -> tuple[Reply, Answer]:
        settings = self._settings
        path = settings.share_path if operation in _SHARED else settings.integration_path
        address = adapter_address(settings.address, settings.adapter, path)
        fields = {name: getattr(request, name) for name in type(request).model_fields}

        async def send(session: str) -> tuple[Reply, Answer]:
            whole = CALLS[operation].model_validate({**fields, "session": session, "madonvi": settings.unit})
            reply = await self._wire.request(
                operation, "POST", address.url, json=whole, headers=_headers(address.headers), effect=effect,
            )  # fmt: skip
            return reply, judge(reply, settings)

        return await self._session.call(send)

    async def _with_field(self, item: DossierItem) -> DossierItem:
        """The item with its field (lĩnh vực), looked up once a day for each procedure and not once a push."""
        if item.MaLinhVuc.strip() and item.TenLinhVuc.strip():
            return item
        code, name = await self._field_of(item.MaTTHC)
        if item.MaLinhVuc.strip():
            code = item.MaLinhVuc
        return item.model_copy(update={"MaLinhVuc": code, "TenLinhVuc": name})

    async def _field_of(self, procedure: str) -> tuple[str, str]:
        async with self._asking.setdefault(procedure, asyncio.Lock()):
            now = self._wire.clock.monotonic()
            held = self._fields.get(procedure)
            if held is not None and now < held[0]:
                return held[1], held[2]
            detail = await self.get_procedure(GetProcedure(maTTHC=procedure), "")
            named = next((f for f in detail.LINHVUCTHUCHIEN if f.MALINHVUC and f.TENLINHVUC), None)
            if named is None:
                raise Rejected(
                    f"MaLinhVuc: the portal names no field for procedure {procedure}; its source must give one",
                    system=self._wire.system, operation="sync_dossier",
                )  # fmt: skip
            if len(self._fields) >= _FIELD_MOST:
                oldest = next(iter(self._fields))
                self._fields.pop(oldest)
                self._asking.pop(oldest, None)
            self._fields.pop(procedure, None)
            self._fields[procedure] = (now + _FIELD_SECONDS, named.MALINHVUC, named.TENLINHVUC)
            return named.MALINHVUC, named.TENLINHVUC


_DICTIONARIES: dict[str, type[AgencyRow] | type[FieldRow]] = {
    "LayDanhMucCoQuan": AgencyRow,
    "LayDanhMucLinhVuc": FieldRow,
}
_SHARED = frozenset({"dictionary", "list_procedures", "find_tech_id"})


def _headers(more: Any) -> dict[str, str]:
    return {"Accept": "application/json", "Charset": "utf-8", **more}


def _rows(reply: Reply, answer: Answer, model: type[Model], **given: str) -> tuple[Model, ...]:
    """``result`` as rows: an array, sometimes one object, sometimes nothing."""
    result = answer.result
    if result is None or result == "":
        return ()
    if isinstance(result, dict):
        result = [result] if result else []
    if not isinstance(result, list):
        raise reply.bad("a result that is neither an array nor an object")
    return tuple(reply.fit({**given, **row} if isinstance(row, dict) else row, model) for row in result)


def _of_sent(item: ProgressItem) -> tuple[str, str, str]:
    return plain(item.NguoiXuLy), write14(item.ThoiDiemXuLy), plain(item.NoiDungXuLy)


def _of_found(step: FoundStep) -> tuple[str, str, str]:
    return plain(step.NguoiXuLy), step.ThoiDiemXuLy, plain(step.NoiDungXuLy)


_TOOK = 'error_code is 0 (also "0" or "00")'

plugin = ConnectorPlugin(
    name="npsp",
    title="National Public Service Portal",
    settings=NpspSettings,
    connector=Npsp,
    operations=(
        Operation("dictionary", Dictionary, DictionaryAnswer, Repeat.SAFE, f"{_TOOK}; it reads"),
        Operation(
            "list_procedures",
            ListProcedures,
            ProcedureList,
            Repeat.SAFE,
            f"{_TOOK} and the catalogue is not smaller than catalogue_share of the last; it reads",
        ),
        Operation("get_procedure", GetProcedure, ProcedureDetail, Repeat.SAFE, f"{_TOOK} and one row; it reads"),
        Operation("find_tech_id", FindTechId, TechId, Repeat.SAFE, f"{_TOOK}; it reads"),
        Operation("find_dossier", FindDossier, FoundDossier, Repeat.SAFE, f"{_TOOK}; no row: not there; it reads"),
        Operation(
            "sync_dossier",
            SyncDossier,
            SyncedDossier,
            Repeat.SAFE,
            f'{_TOOK}; 3 or -3 with "đã tồn tại" turns a create into an update. It sets the whole state by MaHoSo',
            full_state=True,
        ),
        Operation(
            "update_progress",
            UpdateProgress,
            Accepted,
            Repeat.ASK,
            f"{_TOOK}. Steps have no key and are appended: a lost answer is looked up by TraCuuHoSo",
            probe="find_steps",
        ),
        Operation(
            "answer_dossier",
            AnswerDossier,
            Accepted,
            Repeat.SAFE,
            f"{_TOOK}. It sets the dossier's answer by MaHoSo; live systems send the same answer several times",
        ),
        Operation(
            "sync_ratings",
            SyncRatings,
            Accepted,
            Repeat.SAFE,
            f"{_TOOK}. A month's totals of a procedure, which live systems send again every day",
        ),
        Operation("list_questions_from_portal", ListQuestionsFromPortal, Questions, Repeat.SAFE, f"{_TOOK}; it reads"),
        Operation("list_questions_of_unit", ListQuestionsOfUnit, Questions, Repeat.SAFE, f"{_TOOK}; it reads"),
        Operation("get_answers", GetAnswers, Questions, Repeat.SAFE, f"{_TOOK}; it reads"),
        Operation("push_question", PushQuestion, Accepted, Repeat.SAFE, f"{_TOOK}; HOIDAPID names the question"),
        Operation("push_answer", PushAnswer, Accepted, Repeat.SAFE, f"{_TOOK}; HOIDAPID names the question"),
        Operation(
            "dvclt_status",
            DvcltStatus,
            Accepted,
            Repeat.ONCE,
            'the text says "thành công" and no final refusal. Nobody can tell whether a repeat adds a second entry',
        ),
        Operation("g2_next_code", G2NextCode, G2Code, Repeat.SAFE, "code 0 or 200; a number drawn twice is only a gap"),
        Operation("g2_upload", G2Upload, G2File, Repeat.SAFE, "code 0 or 200; a file stored twice hangs on nothing"),
        Operation("g2_create", G2Create, G2Created, Repeat.ONCE, "code 0 or 200; there is no look-up of dossiers"),
        Operation("g2_progress", G2Progress, Accepted, Repeat.ONCE, "code 0 or 200; appended, and no look-up of steps"),
        Operation("g2_status", G2Status, Accepted, Repeat.SAFE, "code 0 or 200; it sets a status"),
        Operation(
            "g2_sync",
            G2Sync,
            G2Synced,
            Repeat.ASK,
            "code 0 or 200 of the create, where there is one, and of the status",
            probe="g2_known",
        ),
    ),
    hooks=HOOKS,
    resign=resign,
    polls=(
        Poll("questions", "fetch_questions", every=600.0),
        Poll(
            "linked_dossiers",
            "fetch_linked",
            every=60.0,
            acknowledge="acknowledge_linked",
            file_fields=("duLieuTepDinhKem",),
        ),
    ),
)
