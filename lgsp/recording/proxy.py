"""A reverse proxy that records: in front of any system, for exchanges that never went through the bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from lgsp.clock import Clock, SystemClock, micros
from lgsp.errors import ConfigError
from lgsp.recording.foreign import operation_of
from lgsp.recording.recording import Origin, Recording
from lgsp.spi.connector import SystemSettings
from lgsp.wire.exchange import Closed, Opened, new_exchange_id
from lgsp.wire.failures import classify
from lgsp.wire.transport import build_transport

LARGEST = 64 * 1024 * 1024
"""Most bytes of one body, either way."""
_HOP = frozenset(
    {"connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "te", "trailer", "transfer-encoding",
     "upgrade", "host", "content-length", "content-encoding"}
)  # fmt: skip
_METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
Keep = Callable[[Recording], None]


class RecordingProxy:
    """Passes every call on to one address and hands each exchange over."""

    def __init__(
        self, system: str, to: str, keep: Keep, *, origin: Origin = "live", clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        """``to``: scheme, host and an optional path that comes before the caller's own; ``ConfigError`` otherwise."""
        told = urlsplit(to)
        if told.scheme not in ("http", "https") or not told.hostname or told.query or told.fragment:
            raise ConfigError(f"--to {to}: write http://host:port or https://host/path")
        settings = SystemSettings()
        self._system, self._to, self._keep, self._origin = system, to.rstrip("/"), keep, origin
        self._clock = clock or SystemClock()
        self._transport = transport or build_transport(system, settings)
        self._times = {"connect": settings.connect_timeout, "read": settings.read_timeout, "write": 60.0, "pool": 5.0}

    def app(self) -> Starlette:
        """The application to listen with."""
        return Starlette(routes=[Route("/{path:path}", self._pass, methods=_METHODS)])

    async def aclose(self) -> None:
        await self._transport.aclose()

    async def _pass(self, request: Request) -> Response:
        try:
            body = await _read(request)
        except _TooLarge:
            return PlainTextResponse(f"lgsp record: a body of more than {LARGEST} bytes is not passed on\n", 413)
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{self._to}{request.url.path}{query}"
        headers = {name: value for name, value in request.headers.items() if name.lower() not in _HOP}
        opened = Opened(
            new_exchange_id(), self._system, operation_of(request.url.path), "out", micros(self._clock.now()),
            request.method, url, headers, body, effect=request.method not in ("GET", "HEAD", "OPTIONS"),
        )  # fmt: skip
        try:
            answer = await self._send(request.method, url, headers, body)
        except _TooLarge:
            return self._failed(opened, "BadAnswer", f"an answer of more than {LARGEST} bytes", 502)
        except Exception as error:
            failure = classify(error, system=self._system, operation=opened.operation, answering=False)
            return self._failed(opened, type(failure).__name__, str(failure), 502)
        told = {name: value for name, value in answer.headers.items() if name.lower() not in _HOP}
        closed = Closed(opened.id, micros(self._clock.now()), "answered", answer.status_code, told, answer.content)
        self._keep(Recording(opened, closed, self._origin))
        return Response(answer.content, answer.status_code, told)

    async def _send(self, method: str, url: str, headers: dict[str, str], body: bytes) -> httpx.Response:
        request = httpx.Request(
            method,
            url,
            headers=headers,
            content=body or None,
            extensions={"timeout": self._times, "system": self._system},
        )
        answer = await self._transport.handle_async_request(request)
        try:
            content = bytearray()
            async for part in answer.aiter_bytes():
                content += part
                if len(content) > LARGEST:
                    raise _TooLarge
        finally:
            await answer.aclose()
        plain = [(name, value) for name, value in answer.headers.multi_items() if name.lower() not in _HOP]
        return httpx.Response(answer.status_code, headers=plain, content=bytes(content))

    def _failed(self, opened: Opened, outcome: str, reason: str, status: int) -> Response:
        self._keep(Recording(opened, Closed(opened.id, micros(self._clock.now()), outcome, error=reason), self._origin))
        return PlainTextResponse(f"lgsp record: {reason}\n", status)


def server_of(app: Starlette) -> uvicorn.Server:
    """What serves the proxy on a socket; signals are left to whoever runs it."""
    return _Server(
        uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", server_header=False, date_header=False)
    )


class _Server(uvicorn.Server):
    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _TooLarge(Exception):
    pass


async def _read(request: Request) -> bytes:
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > LARGEST:
            raise _TooLarge
    return bytes(body)
