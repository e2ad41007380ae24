"""What sits on the transport: a recorder, a replayer, and faults by plan and seed."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import httpx

from lgsp.clock import Clock, SystemClock, micros
from lgsp.errors import LgspError
from lgsp.redact import secrets_in_body, secrets_in_headers, secrets_in_url
from lgsp.wire.again import Sleep
from lgsp.wire.exchange import Closed, Opened, current_scope, new_exchange_id

Write = Callable[[Opened, Closed], None]
_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"})


def _named(request: httpx.Request, name: str) -> str:
    return str(request.extensions.get(name, ""))


class RecordingTransport(httpx.AsyncBaseTransport):
    """Passes calls on and hands each answered one to ``write``, without secrets known by name."""

    def __init__(self, inner: httpx.AsyncBaseTransport, write: Write, clock: Clock | None = None) -> None:
        self._inner, self._write, self._clock = inner, write, clock or SystemClock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        opened = _opened(request, micros(self._clock.now()))
        response = await self._inner.handle_async_request(request)
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        headers = _headers(response)
        self._write(
            opened,
            Closed(
                opened.id, micros(self._clock.now()), "answered", response.status_code,
                secrets_in_headers(dict(headers)), secrets_in_body(body),
            ),
        )  # fmt: skip
        return httpx.Response(response.status_code, headers=headers, content=body, request=request)

    async def aclose(self) -> None:
        await self._inner.aclose()


def _opened(request: httpx.Request, at: int) -> Opened:
    on_behalf = current_scope()
    return Opened(
        new_exchange_id(), _named(request, "system"), _named(request, "operation"), "out", at, request.method,
        secrets_in_url(str(request.url)), secrets_in_headers(dict(request.headers)), secrets_in_body(_content(request)),
        on_behalf.delivery, on_behalf.dossier, on_behalf.attempt,
    )  # fmt: skip


def _content(request: httpx.Request) -> bytes:
    """The body, where it is in memory; one that is sent from files is not recorded."""
    return request.content if isinstance(request.stream, httpx.ByteStream) else b""


def _headers(response: httpx.Response) -> list[tuple[str, str]]:
    """The headers that still hold once the body is read and unpacked."""
    return [(name, value) for name, value in response.headers.multi_items() if name.lower() not in _FRAMING]


class ReplayMiss(LgspError):
    """No recording answers this request; the message has the nearest one and the first field that differs."""


class ReplayTransport(httpx.AsyncBaseTransport):
    """Answers from recordings: each once, in their order, by operation, method, path and query."""

    def __init__(self, exchanges: Iterable[tuple[Opened, Closed | None]], *, match_body: bool = False) -> None:
        """``match_body``: a request must also have the recorded body (as JSON values where both are JSON)."""
        self._left = [(opened, closed) for opened, closed in exchanges if closed is not None]
        self._match_body = match_body

    @property
    def unused(self) -> list[Opened]:
        """Recorded requests that were not made."""
        return [opened for opened, _ in self._left]

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        asked = _opened(request, 0)
        best: tuple[int, Opened, str] | None = None
        for place, (opened, closed) in enumerate(self._left):
            depth, difference = self._compare(asked, opened)
            if not difference:
                del self._left[place]
                return self._answer(closed, request)
            if best is None or depth > best[0]:
                best = depth, opened, difference
        raise ReplayMiss(
            f"no recording for {asked.operation} {asked.method} {_path(asked.url)}"
            + (f"; nearest is exchange {best[1].id}: {best[2]}" if best else "; no recording is left")
        )

    def _compare(self, asked: Opened, held: Opened) -> tuple[int, str]:
        """How far the two agree, and the first difference (empty: none)."""
        pairs = [
            ("method", asked.method, held.method),
            ("path", _path(asked.url).partition("?")[0], _path(held.url).partition("?")[0]),
            ("query", _path(asked.url).partition("?")[2], _path(held.url).partition("?")[2]),
        ]
        if asked.operation and held.operation:
            pairs.insert(0, ("operation", asked.operation, held.operation))
        for depth, (name, ours, theirs) in enumerate(pairs):
            if ours != theirs:
                return depth, f"{name} is {ours!r}, recorded {theirs!r}"
        if self._match_body and (field := _body_difference(asked.body, held.body)):
            return len(pairs), f"body differs at {field}"  # the place only: bodies hold citizens' data
        return len(pairs) + 1, ""

    def _answer(self, closed: Closed | None, request: httpx.Request) -> httpx.Response:
        assert closed is not None
        if closed.status is None:
            raise httpx.ConnectError("recorded") if closed.outcome == "NotSent" else httpx.ReadError("recorded")
        headers = [(name, value) for name, value in closed.headers.items() if name.lower() not in _FRAMING]
        return httpx.Response(closed.status, headers=headers, content=closed.body, request=request)


def _path(url: str) -> str:
    return httpx.URL(url).raw_path.decode("ascii")


def _body_difference(ours: bytes, theirs: bytes) -> str:
    if ours == theirs:
        return ""
    try:
        return _value_difference(json.loads(ours), json.loads(theirs), "$")
    except ValueError:
        same = next((i for i, (a, b) in enumerate(zip(ours, theirs, strict=False)) if a != b), None)
        return f"byte {min(len(ours), len(theirs)) if same is None else same}"


def _value_difference(ours: object, theirs: object, where: str) -> str:
    if isinstance(ours, dict) and isinstance(theirs, dict):
        for key in [*ours, *(k for k in theirs if k not in ours)]:
            if key not in ours or key not in theirs:
                return f"{where}.{key}"
            if found := _value_difference(ours[key], theirs[key], f"{where}.{key}"):
                return found
        return ""
    if isinstance(ours, list) and isinstance(theirs, list):
        if len(ours) != len(theirs):
            return f"{where} (length)"
        pairs = enumerate(zip(ours, theirs, strict=True))
        return next((d for i, (a, b) in pairs if (d := _value_difference(a, b, f"{where}[{i}]"))), "")
    return "" if ours == theirs else where


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to fail. ``cut_before`` loses the request, ``cut_after`` the answer: there the effect has happened."""

    kind: Literal["refuse", "slow", "cut_before", "cut_after", "status", "html", "garbled", "empty"]
    operation: str = ""
    """Empty: every operation."""
    rate: float = 1.0
    times: int | None = None
    """How often at most; None: without end."""
    status: int = 503
    seconds: float = 5.0
    """For ``slow``."""


class FaultTransport(httpx.AsyncBaseTransport):
    """Passes calls on and fails some of them, the same ones for the same seed and order of calls."""

    def __init__(
        self, inner: httpx.AsyncBaseTransport, faults: Sequence[Fault], seed: int, sleep: Sleep = asyncio.sleep
    ) -> None:
        self._inner, self._faults, self._sleep = inner, faults, sleep
        self._chance = random.Random(seed)  # noqa: S311 - faults must come again by their seed
        self._used = [0] * len(faults)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        fault = self._drawn(_named(request, "operation"))
        if fault is None:
            return await self._inner.handle_async_request(request)
        if fault.kind == "refuse":
            raise httpx.ConnectError("refused by plan", request=request)
        if fault.kind == "slow":
            await self._sleep(fault.seconds)
            return await self._inner.handle_async_request(request)
        if fault.kind == "cut_before":
            raise httpx.ReadError("cut before the effect by plan", request=request)
        if fault.kind == "status":
            return httpx.Response(fault.status, request=request)
        # In the others the remote has acted.
        response = await self._inner.handle_async_request(request)
        try:
            body = await response.aread()
        finally:
            await response.aclose()
        if fault.kind == "cut_after":
            raise httpx.ReadError("cut after the effect by plan", request=request)
        headers = {"content-type": response.headers.get("content-type", "application/json")}
        if fault.kind == "html":
            page = b"<!DOCTYPE html><html><body><h1>502 Bad Gateway</h1></body></html>"
            return httpx.Response(200, headers={"content-type": "text/html"}, content=page, request=request)
        if fault.kind == "empty":
            return httpx.Response(response.status_code, headers=headers, content=b"", request=request)
        garbled = body[: len(body) // 2] + b"\xff\xfe{"
        return httpx.Response(response.status_code, headers=headers, content=garbled, request=request)

    def _drawn(self, operation: str) -> Fault | None:
        for place, fault in enumerate(self._faults):
            if fault.operation and fault.operation != operation:
                continue
            if fault.times is not None and self._used[place] >= fault.times:
                continue
            if self._chance.random() < fault.rate:
                self._used[place] += 1
                return fault
        return None

    async def aclose(self) -> None:
        await self._inner.aclose()
