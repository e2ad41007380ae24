"""A socket server that does one thing per test, and a wire with a sink that remembers."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
from pydantic import Field, SecretStr

from lgsp.clock import FixedClock
from lgsp.spi.connector import SystemSettings, TlsSettings
from lgsp.wire.client import Wire
from lgsp.wire.exchange import Closed, Opened
from lgsp.wire.grants import MemoryGrants


class Settings(SystemSettings):
    """A system with a secret of its own."""

    password: SecretStr = Field(SecretStr("m4t-kh@u/bí mật"))


def settings(tls: TlsSettings | None = None, **values: Any) -> Settings:
    """Settings with short timeouts: tests wait for real sockets, and never for long."""
    return Settings.model_validate(
        {"connect_timeout": 2.0, "read_timeout": 2.0, "total_timeout": 3.0, "tls": tls or TlsSettings()} | values
    )


class Sink:
    """Remembers exchanges; ``committed`` is called inside ``open`` before it returns."""

    def __init__(self, committed: Callable[[], Awaitable[None]] | None = None) -> None:
        self.opened: list[Opened] = []
        self.closed: list[Closed] = []
        self._committed = committed

    async def open(self, exchange: Opened) -> None:
        if self._committed:
            await self._committed()
        self.opened.append(exchange)

    def close(self, exchange: Closed) -> None:
        self.closed.append(exchange)

    @property
    def outcomes(self) -> list[str]:
        """The outcome of each exchange, in order; fails if one is not closed exactly once."""
        assert sorted(o.id for o in self.opened) == sorted(c.id for c in self.closed)
        return [c.outcome for c in self.closed]


class Slept:
    """A sleep that only notes for how long."""

    def __init__(self) -> None:
        self.seconds: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.seconds.append(seconds)


@asynccontextmanager
async def wired(
    transport: httpx.AsyncBaseTransport | None = None, sink: Sink | None = None, sleep: Slept | None = None,
    tls: TlsSettings | None = None, clock: FixedClock | None = None, **values: Any,
) -> AsyncIterator[tuple[Wire, Sink]]:  # fmt: skip
    """A wire for the system ``remote`` and its sink."""
    sink = sink or Sink()
    clock = clock or FixedClock()
    wire = Wire(
        "remote", settings(tls, **values), sink=sink, grants=MemoryGrants(clock.monotonic), clock=clock,
        transport=transport, sleep=sleep or Slept(),
    )  # fmt: skip
    try:
        yield wire, sink
    finally:
        await wire.aclose()


class Server:
    """Where the server listens, and the raw requests that it has read so far."""

    def __init__(self) -> None:
        self.port = 0
        self.requests: list[bytes] = []
        self.connections = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class Peer:
    """One connection, seen from the server."""

    def __init__(self, server: Server, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server, self.reader, self.writer = server, reader, writer

    async def read(self) -> bytes:
        """One whole request."""
        head = await self.reader.readuntil(b"\r\n\r\n")
        length = 0
        for line in head.split(b"\r\n"):
            name, _, value = line.partition(b":")
            if name.lower() == b"content-length":
                length = int(value)
        request = head + await self.reader.readexactly(length)
        self.server.requests.append(request)
        return request

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self, body: bytes, status: str = "200 OK", *headers: str, kind: str = "application/json") -> None:
        """One whole answer."""
        lines = [f"HTTP/1.1 {status}", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers, "", ""]
        await self.send("\r\n".join(lines).encode() + body)

    async def hang(self) -> None:
        """Do nothing until the other side gives up."""
        await self.reader.read()


Handler = Callable[[Peer], Awaitable[None]]


@asynccontextmanager
async def serving(handler: Handler, context: ssl.SSLContext | None = None) -> AsyncIterator[Server]:
    """A server that runs ``handler`` for each connection and then hangs up."""
    server = Server()
    running: set[asyncio.Task[None]] = set()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        running.add(task)
        server.connections += 1
        try:
            await handler(Peer(server, reader, writer))
        except (asyncio.IncompleteReadError, ConnectionError, ssl.SSLError):
            pass  # the client is gone
        finally:
            running.discard(task)
            writer.close()

    listening = await asyncio.start_server(connected, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        for task in list(running):
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)
        await asyncio.sleep(0)


async def echo(peer: Peer) -> None:
    """Answer every request with an empty JSON object."""
    while True:
        await peer.read()
        await peer.answer(b"{}")
