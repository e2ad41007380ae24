"""Calls answered by somebody else than the recording: a mock in this process, or a system at a staging address."""

from __future__ import annotations

from importlib.metadata import entry_points
from ipaddress import ip_address
from typing import Any
from urllib.parse import urlsplit

import httpx

from lgsp.errors import ConfigError
from lgsp.replay.stage import Elsewhere
from lgsp.spi.connector import SystemSettings
from lgsp.wire.transport import build_transport


def by_mock(name: str) -> Elsewhere:
    """The system's mock, made anew."""
    for entry in entry_points(group="lgsp.mocks"):
        if entry.name == name:
            transport = httpx.ASGITransport(entry.load()(seed=0))
            return transport.handle_async_request
    raise ConfigError(f"{name} has no mock: name one in the entry point group lgsp.mocks")


def by_address(name: str, address: str, settings: SystemSettings) -> Elsewhere:
    """The system at another address: scheme, host, port and a path before its own are replaced."""
    told = urlsplit(address)
    if told.scheme not in ("http", "https") or not told.hostname or told.query or told.fragment:
        raise ConfigError(f"--against {name}={address}: write {name}=https://host or https://host/path")
    transport = build_transport(name, settings)
    prefix = told.path.rstrip("/")

    async def answer(request: httpx.Request) -> httpx.Response:
        url = request.url.copy_with(
            scheme=told.scheme, host=told.hostname, port=told.port,
            raw_path=prefix.encode() + request.url.raw_path,
        )  # fmt: skip
        headers = dict(request.headers) | {"host": url.netloc.decode("ascii")}
        extensions: dict[str, Any] = dict(request.extensions)
        sent = httpx.Request(request.method, url, headers=headers, content=request.stream, extensions=extensions)
        return await transport.handle_async_request(sent)

    return answer


def is_local(address: str) -> bool:
    """Whether an address is this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
