"""What sits on the transport: a recorder, a replayer, and faults by plan and seed."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import httpx

from lgsp.clock import Clock, SystemClock, micros
from lgsp.errors import LgspError
from lgsp.redact import secrets_in_body, secrets_in_headers, secrets_in_url
from lgsp.wire.again import Sleep
from lgsp.wire.exchange import Closed, Opened, current_scope, new_exchange_id
from lgsp.wire.matching import differences, of_request

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

    def __init__(
        self,
        exchanges: Iterable[tuple[Opened, Closed | None]],
        *,
        match_body: bool = False,
        volatile: Collection[str] = (),
    ) -> None:
        """``match_body``: a request must also say what the recorded body says, ``volatile`` fields left out."""
        self._left = [(opened, closed) for opened, closed in exchanges if closed is not None]
        self._match_body, self._volatile = match_body, volatile

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
        if asked.operation and held.operation and asked.operation != held.operation:
            return 0, f"operation is {asked.operation!r}, recorded {held.operation!r}"
        found = differences(_leaves(asked, self._match_body), _leaves(held, self._match_body), self._volatile)
        if not found:
            return 4, ""
        first = found[0]
        if first.where in ("method", "path"):
            return 1, f"{first.where} is {first.ours!r}, recorded {first.theirs!r}"
        if first.where.startswith("?"):
            return 2, f"query is not the same at {first.where[1:]}"
        return 3, f"body differs at {first.where}"  # the place only: bodies hold citizens' data

    def _answer(self, closed: Closed | None, request: httpx.Request) -> httpx.Response:
        assert closed is not None
        if closed.status is None:
            raise httpx.ConnectError("recorded") if closed.outcome == "NotSent" else httpx.ReadError("recorded")
        headers = [(name, value) for name, value in closed.headers.items() if name.lower() not in _FRAMING]
        return httpx.Response(closed.status, headers=headers, content=closed.body, request=request)


def _path(url: str) -> str:
    return httpx.URL(url).raw_path.decode("ascii")


def _leaves(told: Opened, body: bool) -> dict[str, str]:
    kind = next((value for name, value in told.headers.items() if name.lower() == "content-type"), "")
    return of_request(told.method, told.url, kind, told.body if body else b"")


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
