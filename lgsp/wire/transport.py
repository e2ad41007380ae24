"""The transport of one system: httpx's interface over aiohttp, with the system's TLS settings and proxy.

The bridge is ours and not ``httpx_aiohttp``: that one reports a server that hung up after reading the request as a
connect timeout, lets aiohttp repeat requests by itself, and lets yarl rewrite the query (``%2F`` becomes ``/``): the
bytes sent would not be the bytes in the journal.
"""

from __future__ import annotations

import base64
import importlib.util
import io
import ssl
from collections.abc import AsyncIterator
from dataclasses import dataclass
from urllib.parse import unquote

import aiohttp
import httpx
from yarl import URL

from lgsp.errors import ConfigError
from lgsp.spi.connector import SystemSettings, TlsSettings

KEEPALIVE = 4.0
"""Seconds an idle connection is kept. Shorter than the 5 s after which common servers hang up: a request that meets a
server's hang-up has an unknown outcome, while a new connection costs milliseconds."""
_LARGE = 512 * 1024  # above this aiohttp takes a file, or it warns and blocks the loop with one write
_AUTOMATIC = frozenset({"User-Agent", "Accept", "Accept-Encoding", "Content-Type"})  # the wire sets what it wants


@dataclass(frozen=True, slots=True)
class Proxy:
    """An HTTP proxy without credentials in its address, and the header that carries them."""

    url: URL
    headers: dict[str, str]


def build_transport(system: str, settings: SystemSettings) -> httpx.AsyncBaseTransport:
    """The transport for these settings; ``ConfigError`` names the setting that cannot be used."""
    context = tls_context(system, settings.tls)
    if not settings.proxy:
        return AiohttpTransport(settings.concurrency, context, None)
    where = f"systems.{system}.proxy"
    try:
        address = httpx.URL(settings.proxy)
    except httpx.InvalidURL:
        raise ConfigError(f"{where}: not an address; write http://host:port") from None
    if not address.host or address.scheme not in ("http", "https", "socks5", "socks5h"):
        raise ConfigError(f"{where}: must be http://host:port, https://host:port or socks5://host:port")
    if address.scheme == "http":
        return AiohttpTransport(settings.concurrency, context, _http_proxy(address))
    # aiohttp has no SOCKS, and checks a TLS proxy with the context meant for the system: httpx's own transport serves.
    if address.scheme != "https" and importlib.util.find_spec("socksio") is None:
        raise ConfigError(f"{where}: a SOCKS proxy needs the package socksio (pip install 'httpx[socks]')")
    return httpx.AsyncHTTPTransport(
        verify=context if isinstance(context, ssl.SSLContext) else ssl.create_default_context(),
        trust_env=False,
        limits=httpx.Limits(
            max_connections=settings.concurrency,
            max_keepalive_connections=settings.concurrency,
            keepalive_expiry=KEEPALIVE,
        ),
        proxy=httpx.Proxy(address),
        retries=0,
    )


def tls_context(system: str, tls: TlsSettings) -> ssl.SSLContext | bool:
    """The TLS context of these settings; True (the library's checked default) where none is set."""
    if not (tls.ca or tls.certificate or tls.key):
        return True
    where = f"systems.{system}.tls"
    if bool(tls.key) and not tls.certificate:
        raise ConfigError(f"{where}.certificate: a key is set and no certificate; set both or neither")
    try:
        context = ssl.create_default_context(cafile=tls.ca or None)
    except (OSError, ValueError) as error:
        raise ConfigError(f"{where}.ca: {_why(error)} ({tls.ca})") from None
    if tls.certificate:
        # Without a callback OpenSSL asks for the password on the terminal and the daemon hangs.
        password = tls.key_password.get_secret_value() if tls.key_password else ""
        try:
            context.load_cert_chain(tls.certificate, tls.key or None, password=lambda: password)
        except ssl.SSLError as error:
            raise ConfigError(
                f"{where}.certificate, .key, .key_password: {_why(error)} ({tls.certificate}, {tls.key})"
            ) from None
        except (OSError, ValueError) as error:
            raise ConfigError(f"{where}.certificate, .key: {_why(error)} ({tls.certificate}, {tls.key})") from None
    return context


def _why(error: Exception) -> str:
    if isinstance(error, FileNotFoundError):
        return "no such file"
    if isinstance(error, PermissionError):
        return "the file may not be read"
    if isinstance(error, ssl.SSLError):
        return f"not usable as PEM ({error.reason or 'no certificate or key in it, or a wrong password'})"
    return type(error).__name__


def _http_proxy(address: httpx.URL) -> Proxy:
    headers = {}
    if address.userinfo:
        user, _, password = address.userinfo.decode().partition(":")
        pair = f"{unquote(user)}:{unquote(password)}".encode()
        headers["Proxy-Authorization"] = "Basic " + base64.b64encode(pair).decode()
    return Proxy(URL(str(address.copy_with(username=None, password=None))), headers)


class AiohttpTransport(httpx.AsyncBaseTransport):
    """Sends one httpx request over an aiohttp session of its own; library errors pass as they are."""

    def __init__(self, concurrency: int, context: ssl.SSLContext | bool, proxy: Proxy | None) -> None:
        self._concurrency, self._context, self._proxy = concurrency, context, proxy
        self._session: aiohttp.ClientSession | None = None
        self._timeouts: dict[tuple[float | None, ...], aiohttp.ClientTimeout] = {}

    def _open(self) -> aiohttp.ClientSession:
        # Made at the first call: a session belongs to the running loop.
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._concurrency, keepalive_timeout=KEEPALIVE, ssl=self._context, ttl_dns_cache=30
            ),
            cookie_jar=aiohttp.DummyCookieJar(),
            trust_env=False,
            auto_decompress=False,
            skip_auto_headers=_AUTOMATIC,
            max_line_size=32768,
            max_field_size=32768,
        )
        # aiohttp would send GET, PUT and DELETE again by itself when a kept connection drops. There is no public
        # switch; tests/wire/test_sockets.py counts the requests that arrive.
        session._retry_connection = False
        self._session = session
        return session

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        session = self._session or self._open()
        stream = None if isinstance(request.stream, httpx.ByteStream) else request.stream
        body = request.content if stream is None else b""
        headers = [(k.decode("latin-1"), v.decode("latin-1")) for k, v in request.headers.raw]
        proxy = self._proxy
        if proxy and proxy.headers and request.url.scheme == "http":
            headers += proxy.headers.items()  # without a tunnel the proxy reads the request's own headers
        response = await session.request(
            request.method,
            URL(str(request.url), encoded=True),
            headers=headers,
            data=stream if stream is not None else (io.BytesIO(body) if len(body) > _LARGE else body) if body else None,
            allow_redirects=False,
            timeout=self._timeout(request.extensions.get("timeout") or {}),
            proxy=proxy.url if proxy else None,
            proxy_headers=dict(proxy.headers) if proxy else None,
        )
        return httpx.Response(response.status, headers=response.raw_headers, stream=_Body(response), request=request)

    def _timeout(self, phases: dict[str, float | None]) -> aiohttp.ClientTimeout:
        key = (phases.get("pool"), phases.get("connect"), phases.get("read"))
        found = self._timeouts.get(key)
        if found is None:
            # ``connect`` is the wait for a free connection and the whole making of a new one.
            found = aiohttp.ClientTimeout(total=None, connect=key[0], sock_connect=key[1], sock_read=key[2])
            self._timeouts[key] = found
        return found

    async def aclose(self) -> None:
        if self._session is not None:
            await self._session.close()


class _Body(httpx.AsyncByteStream):
    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._response.content.iter_any():
            yield chunk

    async def aclose(self) -> None:
        # Read to its end, the connection is back in the pool already; otherwise it is dropped, never reused half read.
        self._response.close()
