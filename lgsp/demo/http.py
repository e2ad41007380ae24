"""Calls of the demo: the front door as a one-stop system sees it, and the mocks' control API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any

from lgsp.errors import CallError, LgspError
from lgsp.spi.connector import SystemSettings
from lgsp.wire.client import Reply, Wire
from lgsp.wire.exchange import NoJournal
from lgsp.wire.grants import MemoryGrants


def open_wire(name: str, concurrency: int, seconds: float = 20.0) -> Wire:
    """A wire that keeps no journal and waits for nobody: its caller tries again by itself."""
    settings = SystemSettings(
        concurrency=concurrency, connect_timeout=5.0, read_timeout=seconds, total_timeout=seconds,
        max_answer_bytes=256 * 1024 * 1024,
    )  # fmt: skip
    return Wire(name, settings, sink=NoJournal(), grants=MemoryGrants(time.monotonic), sleep=_soon)


async def _soon(seconds: float) -> None:
    await asyncio.sleep(min(seconds, 0.1))


class Control:
    """The control API of the mocks."""

    def __init__(self, address: str) -> None:
        self._address, self._wire = address, open_wire("mocks", 16, 60.0)

    async def get(self, system: str, path: str, **query: str) -> Any:
        return (await self._call("GET", system, path, None, query)).json()

    async def text(self, system: str, path: str) -> str:
        return (await self._call("GET", system, path, None, {})).text()

    async def post(self, system: str, path: str, body: Any) -> Any:
        return (await self._call("POST", system, path, body, {})).json()

    async def delete(self, system: str, path: str) -> Any:
        return (await self._call("DELETE", system, path, None, {})).json()

    async def all(self, system: str, path: str, key: str, start: int = 0, limit: int = 500) -> list[Any]:
        """All of a paged list from ``start`` on."""
        found: list[Any] = []
        following: int | None = start
        while following is not None:
            page = await self.get(system, path, start=str(following), limit=str(limit))
            found += page[key]
            following = page["next"]
        return found

    async def _call(self, method: str, system: str, path: str, body: Any, query: Mapping[str, str]) -> Reply:
        url = f"{self._address}/_mock/{system}/{path}"
        reply = await self._wire.request(path, method, url, json=body, query=query or None)
        if reply.status >= 400:
            raise LgspError(f"the mock of {system} refused {method} {path}: {reply.text()[:300]}")
        return reply

    async def aclose(self) -> None:
        await self._wire.aclose()


class Door:
    """The front door, as a one-stop system calls it: a token from ``/token``, then one message after the other."""

    def __init__(self, address: str, client: str, secret: str, concurrency: int) -> None:
        self._address, self._client, self._secret = address, client, secret
        self._wire = open_wire("door", concurrency)
        self._token = ""
        self._one = asyncio.Lock()

    async def ready(self) -> bool:
        try:
            return (await self._wire.request("readyz", "GET", f"{self._address}/readyz", effect=False)).status == 200
        except CallError:
            return False

    async def push(self, call: str, content: bytes, media: str) -> str:
        """Send once. The empty text if it was acknowledged with Status 200, else what happened instead."""
        try:
            token = self._token or await self._renew("")
            reply = await self._send(token, call, content, media)
            if reply.status == 401:
                reply = await self._send(await self._renew(token), call, content, media)
        except LgspError as error:
            return type(error).__name__
        text = reply.text()
        acknowledged = "<Status>200</Status>" in text if "xml" in reply.content_type else _status(reply) == 200
        return "" if acknowledged else f"HTTP {reply.status}: {text[:200]}"

    async def _send(self, token: str, call: str, content: bytes, media: str) -> Reply:
        return await self._wire.request(
            call, "POST", f"{self._address}/onestop/LGSPAdapter/Document/{call}", content=content, content_type=media,
            headers={"Authorization": f"Bearer {token}"},
        )  # fmt: skip

    async def _renew(self, rejected: str) -> str:
        async with self._one:
            if self._token == rejected:
                form = {"grant_type": "client_credentials", "client_id": self._client, "client_secret": self._secret}
                reply = await self._wire.request("token", "POST", f"{self._address}/token", form=form)
                told = reply.json()
                if reply.status != 200:
                    raise LgspError(f"the front door gives no token: HTTP {reply.status}")
                self._token = str(told["access_token"])
            return self._token

    async def aclose(self) -> None:
        await self._wire.aclose()


def _status(reply: Reply) -> int:
    try:
        told = reply.json()
    except CallError:
        return 0
    return int(told.get("Status", 0)) if isinstance(told, dict) else 0
