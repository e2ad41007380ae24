"""Signed links to files: deterministic, expiring, revocable; every fetch is journalled."""

from __future__ import annotations

import base64
import hashlib
import hmac
import mimetypes
from collections.abc import Callable
from datetime import datetime
from typing import Protocol
from urllib.parse import quote

from pydantic import SecretStr
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.routing import Route

from lgsp.canonical.base import nfc
from lgsp.clock import Clock, micros
from lgsp.inbound.files import FileStore
from lgsp.redact import secrets_in_headers
from lgsp.wire.exchange import Closed, Opened, new_exchange_id


class Revocations(Protocol):
    """Which links no longer hold."""

    def __call__(self, file_id: str, link_id: str) -> bool: ...


Record = Callable[[Opened, Closed], None]


def none_revoked(file_id: str, link_id: str) -> bool:
    return False


class Links:
    """Makes and checks links. The same file, name and expiry always give the same address."""

    def __init__(self, secret: SecretStr, base_url: str) -> None:
        self._key = hmac.digest(secret.get_secret_value().encode(), b"lgsp file link", hashlib.sha256)
        self._base = base_url.rstrip("/")

    def sign(self, file_id: str, name: str, expires_at: datetime) -> str:
        """The address at which this file can be fetched until ``expires_at``."""
        name = nfc(name).replace("/", "_").strip() or "file"
        expiry = int(expires_at.timestamp())
        return f"{self._base}/files/{file_id}/{expiry}/{self.link_id(file_id, expiry, name)}/{quote(name, safe='')}"

    def link_id(self, file_id: str, expiry: int, name: str) -> str:
        """The signature, which also names the link when it is to be revoked."""
        told = f"{file_id}\n{expiry}\n{nfc(name)}".encode()
        return base64.urlsafe_b64encode(hmac.digest(self._key, told, hashlib.sha256)).decode().rstrip("=")

    def holds(self, file_id: str, expiry: str, link_id: str, name: str, now: datetime) -> bool:
        """Whether the link is ours and not too old."""
        if not (expiry.isascii() and expiry.isdigit() and len(expiry) <= 12):
            return False
        expected = self.link_id(file_id, int(expiry), name)
        return hmac.compare_digest(expected.encode(), link_id.encode()) and now.timestamp() < int(expiry)


def route(links: Links, files: FileStore, clock: Clock, record: Record, revoked: Revocations = none_revoked) -> Route:
    """``GET /files/{id}/{expiry}/{signature}/{name}``.

    A forged, expired or revoked link and a file that is gone are answered alike, so that nothing can be probed.
    """

    async def fetch(request: Request) -> Response:
        opened = Opened(
            id=new_exchange_id(),
            system="files",
            operation="fetch",
            direction="in",
            opened_at=micros(clock.now()),
            method=request.method,
            url=request.url.path,
            headers=secrets_in_headers(dict(request.headers)),
            body=b"",
            effect=False,
        )
        given = request.path_params
        file_id, link_id, name = given["id"], given["signature"], given["name"]
        good = links.holds(file_id, given["expiry"], link_id, name, clock.now()) and not revoked(file_id, link_id)
        response: Response
        if good and files.meta(file_id) is not None:
            media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
            response = FileResponse(files.path(file_id), media_type=media_type, filename=name)
            response.headers["X-Content-Type-Options"] = "nosniff"
            response.headers["Cache-Control"] = "private, no-store"
        else:
            response = JSONResponse({"error": "not_found", "error_description": "no file at this address"}, 404)
        outcome = "answered" if response.status_code == 200 else "refused"
        record(opened, Closed(opened.id, micros(clock.now()), outcome, response.status_code, dict(response.headers)))
        return response

    return Route("/files/{id}/{expiry}/{signature}/{name}", fetch, methods=["GET"])
