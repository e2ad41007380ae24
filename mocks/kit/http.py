"""Bytes in and out of a mock: what was called, what is answered, and how a connection is really cut."""

from __future__ import annotations

import asyncio
import json
import socket
import struct
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import httpx
from starlette.types import Receive, Scope, Send

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":")).encode
MAX_BODY = 64 * 1024 * 1024
_RESET = struct.pack("ii", 1, 0)  # SO_LINGER on, 0 s: closing sends RST


@dataclass(slots=True)
class Call:
    """One request, read whole."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes
    data: Any = None
    """The decoded body, once somebody decoded it."""
    problem: Exception | None = None

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")


@dataclass(slots=True)
class Answer:
    """What is to be sent. ``data`` is judged by ``schema`` before it leaves."""

    data: Any = None
    status: int = 200
    schema: str | None = None
    body: bytes | None = None
    media: str = "application/json; charset=utf-8"
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> bytes:
        if self.body is None:
            self.body = _encode(self.data).encode()
        return self.body


def text(status: int, words: str, media: str = "text/plain; charset=utf-8") -> Answer:
    return Answer(status=status, body=words.encode(), media=media)


async def read(scope: Scope, receive: Receive) -> Call | None:
    """The whole request; None if the caller left before its end or sent more than the mock takes."""
    message = await receive()
    body: bytes = message.get("body", b"")
    if message.get("more_body"):
        parts, size = [body], len(body)
        while message.get("more_body"):
            message = await receive()
            if message["type"] == "http.disconnect":
                return None
            parts.append(message.get("body", b""))
            size += len(parts[-1])
            if size > MAX_BODY:
                return None
        body = b"".join(parts)
    elif message["type"] == "http.disconnect":
        return None
    headers = {k.decode("latin-1"): v.decode("latin-1") for k, v in scope["headers"]}
    query = dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))
    return Call(scope["method"], scope["path"], query, headers, body)


def _start(answer: Answer, length: int) -> dict[str, Any]:
    headers = [
        (b"content-type", answer.media.encode("latin-1")),
        (b"content-length", str(length).encode()),
        *((k.encode("latin-1"), v.encode("latin-1")) for k, v in answer.headers.items()),
    ]
    return {"type": "http.response.start", "status": answer.status, "headers": headers}


async def respond(answer: Answer, send: Send) -> None:
    body = answer.encoded()
    await send(_start(answer, len(body)))
    await send({"type": "http.response.body", "body": body})


async def drip(answer: Answer, send: Send, seconds: float, sleep: Any = asyncio.sleep) -> None:
    """The answer byte by byte (in at most 400 pieces, so that a catalogue ends some day), over ``seconds``."""
    body = answer.encoded()
    step = max(1, -(-len(body) // 400))
    pieces = [body[i : i + step] for i in range(0, len(body), step)] or [b""]
    await send(_start(answer, len(body)))
    for number, piece in enumerate(pieces, 1):
        await sleep(seconds / len(pieces))
        await send({"type": "http.response.body", "body": piece, "more_body": number < len(pieces)})


async def cut(receive: Receive, send: Send, *, reset: bool = False, answer: Answer | None = None) -> None:
    """Close the connection without a (whole) answer.

    ASGI knows no way to say this. uvicorn's ``send`` is a method of the cycle that owns the transport, so the socket
    is closed there; where there is no socket (``httpx.ASGITransport``) the error is raised that a socket would give.
    """
    if answer is not None:
        body = answer.encoded()
        await send(_start(answer, len(body)))
        await send({"type": "http.response.body", "body": body[: len(body) // 2], "more_body": True})
    transport = getattr(getattr(send, "__self__", None), "transport", None)
    if transport is None:
        if reset:
            raise httpx.ConnectError("Connection reset by the mock (fault: refuse)")
        raise httpx.RemoteProtocolError("Server disconnected without sending a response (fault of the mock)")
    if reset:
        transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
        transport.abort()
    else:
        transport.close()
    while (await receive())["type"] != "http.disconnect":
        pass
