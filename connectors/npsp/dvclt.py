"""Linked birth and death dossiers (dịch vụ công liên thông): listed, read, acknowledged after the local commit."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from connectors.npsp.classify import has, said, shown
from connectors.npsp.settings import NpspSettings
from connectors.npsp.wire.dvclt import (
    DvcltAck,
    DvcltDetail,
    DvcltEntry,
    DvcltList,
    DvcltLogin,
    DvcltStatus,
    DvcltToken,
    LinkedDossier,
)
from connectors.npsp.wire.session import Accepted
from lgsp.errors import AccessRefused, BadAnswer, Rejected
from lgsp.wire.address import join
from lgsp.wire.auth import bearer, renewing
from lgsp.wire.client import Reply, Wire
from lgsp.wire.expect import expect
from lgsp.wire.grants import Grant
from lgsp.wire.parse import unwrap

TOOK = "thành công"
DONE = ("cập nhật thành công",)
FINAL = ("bị từ chối", "đã tồn tại trong một cửa điện tử")
"""Refusals that no repetition changes."""


class Dvclt:
    """Calls of the linked service."""

    def __init__(self, settings: NpspSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire

    async def waiting(self) -> list[LinkedDossier]:
        """The dossiers that wait for us, each with its detail, at most one page.

        One whose detail cannot be read stays in the list and holds up no other; where none can be read, that is told.
        """
        reply = await self._call("dvclt_list", "GET", self._settings.dvclt_list_path)
        listed: DvcltList = expect(reply).model(DvcltList)
        read: list[LinkedDossier] = []
        unread: BadAnswer | None = None
        for entry in listed.data:
            if len(read) == self._settings.dvclt_page:
                break
            try:
                read.append(await self._detail(entry))
            except BadAnswer as error:
                unread = error
        if unread is not None and not read:
            raise unread
        return read

    async def acknowledge(self, items: Sequence[LinkedDossier]) -> None:
        """Say of each that it is stored here. Saying it again changes nothing."""
        refused: Rejected | None = None
        for item in items:
            ack = DvcltAck(maHoSo=item.entry.maHoSo)
            reply = await self._call(
                "dvclt_acknowledge", "PUT", self._settings.dvclt_acknowledge_path, ack, effect=True
            )
            text = self._text(reply)
            # A final refusal says that the other side has closed the dossier, or knows that we have it.
            if not has(text, (*DONE, *FINAL)):
                refused = self._refused(reply, text)
        if refused is not None:
            raise refused

    async def status(self, request: DvcltStatus) -> Accepted:
        reply = await self._call("dvclt_status", "POST", self._settings.dvclt_status_path, request, effect=True)
        text = self._text(reply)
        if has(text, FINAL) or not has(text, (TOOK,)):
            raise self._refused(reply, text)
        return Accepted(message=shown(text))

    async def _detail(self, entry: DvcltEntry) -> LinkedDossier:
        path = self._settings.dvclt_detail_path.replace("{id}", quote(entry.id, safe=""))
        reply = await self._call("dvclt_detail", "GET", path)
        outer = unwrap(expect(reply).json())
        detail = unwrap(outer.get("data")) if isinstance(outer, dict) else None
        if not isinstance(outer, dict) or not isinstance(detail, dict):
            raise reply.bad("a detail whose data is no object")
        # ``data`` is the dossier with one more ``data`` in it, or the form itself with the files beside it.
        inner = unwrap(detail.get("data")) if "data" in detail else detail
        files = detail.get("fileDinhKem", outer.get("fileDinhKem"))
        fitted: DvcltDetail = reply.fit({"data": inner, "fileDinhKem": files}, DvcltDetail)
        return LinkedDossier(entry=entry, detail=fitted)

    def _text(self, reply: Reply) -> str:
        if reply.status not in (200, 201, 400):
            expect(reply)
        return said(reply, (*DONE, *FINAL, TOOK))

    def _refused(self, reply: Reply, text: str) -> Rejected:
        reason = f"HTTP {reply.status}: {shown(text) or 'without a message'}"
        return Rejected(reason, system=reply.system, operation=reply.operation, code=str(reply.status))

    async def _obtain(self) -> Grant:
        settings = self._settings
        login = DvcltLogin(userName=settings.dvclt_username, password=settings.dvclt_password.get_secret_value())
        reply = await self._wire.request(
            "dvclt_token", "POST", join(settings.dvclt_address, settings.dvclt_token_path),
            json=login.model_dump(), effect=False,
        )  # fmt: skip
        if reply.status in (400, 401, 403):
            raise AccessRefused(
                f"HTTP {reply.status}: correct systems.npsp.dvclt_username and dvclt_password",
                system=reply.system, operation=reply.operation, code=str(reply.status),
            )  # fmt: skip
        token: DvcltToken = expect(reply).model(DvcltToken)
        return Grant(token.token, settings.dvclt_seconds)

    async def _call(self, operation: str, method: str, path: str, body: Any = None, *, effect: bool = False) -> Reply:
        async def send(token: str) -> Reply:
            payload = None if body is None else body.model_dump(mode="json")
            reply = await self._wire.request(
                operation, method, join(self._settings.dvclt_address, path),
                json=payload, headers=bearer(token), effect=effect,
            )  # fmt: skip
            if reply.status == 401:
                expect(reply)
            return reply

        return await renewing(self._wire, "dvclt", self._obtain, send)
