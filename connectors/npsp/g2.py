"""The newer generation: a token by client id and secret, plain REST, answers as ``{code, message, data}``."""

from __future__ import annotations

from base64 import b64encode
from hashlib import sha256
from typing import Any

from connectors.npsp.classify import has, shown
from connectors.npsp.settings import NpspSettings
from connectors.npsp.wire.g2 import (
    G2Attachment,
    G2Code,
    G2Create,
    G2Created,
    G2File,
    G2NextCode,
    G2Paper,
    G2Part,
    G2Progress,
    G2Reply,
    G2Status,
    G2StatusItem,
    G2Sync,
    G2Synced,
    G2Token,
    G2Upload,
)
from connectors.npsp.wire.session import Accepted
from lgsp.errors import AccessRefused, Rejected, SessionRejected
from lgsp.wire.address import join
from lgsp.wire.auth import bearer, renewing
from lgsp.wire.client import Reply, Wire
from lgsp.wire.expect import expect
from lgsp.wire.grants import Grant

_LEAST, _MARGIN = 30.0, 30.0


class G2:
    """Calls of G2."""

    def __init__(self, settings: NpspSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._base = settings.g2_address or settings.address

    async def next_code(self, request: G2NextCode) -> G2Code:
        # A number that is never used is a gap and no effect.
        reply, data = await self._call("g2_next_code", self._settings.g2_next_code_path, request, effect=False)
        found: G2Code = reply.fit(data if isinstance(data, dict) else {"MaHoSo": data}, G2Code)
        return found

    async def upload(self, request: G2Upload) -> G2File:
        # A file that nothing names is no effect: stored twice, it hangs on nothing.
        reply, data = await self._call("g2_upload", self._settings.g2_upload_path, request, effect=False)
        stored: G2File = reply.fit(data, G2File)
        return stored

    async def create(self, request: G2Create) -> G2Created:
        reply, data = await self._call("g2_create", self._settings.g2_create_path, request)
        created: G2Created = reply.fit(data, G2Created)
        return created

    async def progress(self, request: G2Progress) -> Accepted:
        items = [item.model_dump(mode="json") for item in request.items]
        await self._call("g2_progress", self._settings.g2_progress_path, items)
        return Accepted()

    async def status(self, request: G2Status) -> Accepted:
        items = [item.model_dump(mode="json") for item in request.items]
        await self._call("g2_status", self._settings.g2_status_path, items)
        return Accepted()

    async def sync(self, request: G2Sync) -> G2Synced:
        """Create where the portal has no name for the dossier yet, then set its status."""
        number, code, new = request.id, request.status.MaHoSo, request.create is not None
        if request.create is not None:
            papers = [await self._uploaded(part) for part in request.parts]
            create = request.create.model_copy(update={"ThanhPhanHoSo": (*request.create.ThanhPhanHoSo, *papers)})
            if request.numbered_by:
                drawn = await self.next_code(G2NextCode(code=request.numbered_by))
                create = create.model_copy(update={"MaHoSo": drawn.MaHoSo})
            created = await self.create(create)
            number, code = created.idHoSo, created.maHoSo or create.MaHoSo
        if not number:
            raise Rejected("no id (idHoSo) of the dossier: the portal did not give one", system=self._wire.system)
        fields = {n: getattr(request.status, n) for n in type(request.status).model_fields}
        await self.status(G2Status(items=(G2StatusItem.model_validate({**fields, "IdHoSo": number, "MaHoSo": code}),)))
        return G2Synced(idHoSo=number, maHoSo=code, created=new)

    async def _uploaded(self, part: G2Part) -> G2Paper:
        content = await self._wire.file(part.file, self._settings.g2_file_bytes)
        stored = await self.upload(G2Upload(TenTep=part.name, NoiDung=b64encode(content).decode()))
        attached = G2Attachment(
            IdGiayTo=stored.IdTepTin,
            HashTepTin=stored.HashTepTin or sha256(content).hexdigest(),
            TenGiayTo=part.name,
            MaKetQua=part.result,
        )
        return part.paper.model_copy(update={"GiayToDinhKem": (attached,)})

    async def check(self) -> str:
        grant = await self._obtain()
        return f"token for {self._settings.g2_client_id}, good for {grant.lifetime:.0f} s"

    async def _obtain(self) -> Grant:
        settings = self._settings
        request = G2Token(client_id=settings.g2_client_id, client_secret=settings.g2_client_secret.get_secret_value())
        reply = await self._wire.request(
            "g2_token", "POST", join(self._base, settings.g2_token_path), json=request.model_dump(), effect=False
        )
        if reply.status in (400, 401, 403):
            raise AccessRefused(
                f"HTTP {reply.status}: correct systems.npsp.g2_client_id and g2_client_secret",
                system=reply.system, operation=reply.operation, code=str(reply.status),
            )  # fmt: skip
        answer = expect(reply).json()
        token = answer.get("access_token") if isinstance(answer, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.strip():
            raise reply.bad("an answer without access_token")
        try:
            told = float(str(answer.get("expires_in")))
        except ValueError:
            told = 300.0
        return Grant(token, max(min(told, 43_200.0) - _MARGIN, _LEAST))

    async def _call(self, operation: str, path: str, body: Any, *, effect: bool = True) -> tuple[Reply, Any]:
        async def send(token: str) -> tuple[Reply, Any]:
            payload = body.model_dump(mode="json") if hasattr(body, "model_dump") else body
            reply = await self._wire.request(
                operation, "POST", join(self._base, path), json=payload, headers=bearer(token), effect=effect
            )
            return reply, self._judge(reply)

        return await renewing(self._wire, "g2", self._obtain, send)

    def _judge(self, reply: Reply) -> Any:
        if reply.status not in (200, 201, 400):
            expect(reply)
        answer: G2Reply = reply.model(G2Reply)
        if reply.status != 400 and answer.code in self._settings.g2_success:
            return answer.data
        kind = SessionRejected if has(answer.message, self._settings.session_patterns) else Rejected
        raise kind(
            f"code {answer.code}: {shown(answer.message) or 'without a message'}",
            system=reply.system, operation=reply.operation, code=answer.code,
        )  # fmt: skip
