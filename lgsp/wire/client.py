"""The only door to the network: one ``Wire`` per system, with its own pool, limits, timeouts and journal."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Mapping
from typing import Any

import httpx

from lgsp import __version__
from lgsp.clock import Clock, SystemClock, micros
from lgsp.errors import BadAnswer, LgspError, MappingError, NotSent, OutcomeUnknown, Throttled
from lgsp.spi.connector import SystemSettings
from lgsp.wire.again import Sleep, again, retry_after, worth_it
from lgsp.wire.answer import BadPacking, Body, TooLarge
from lgsp.wire.exchange import Closed, ExchangeSink, Opened, current_scope, new_exchange_id
from lgsp.wire.failures import classify
from lgsp.wire.grants import GrantStore
from lgsp.wire.mask import Masks
from lgsp.wire.outgoing import Addresses, BodyOf, Outgoing, checked_headers, encode_body
from lgsp.wire.reply import Reply
from lgsp.wire.transport import build_transport
from lgsp.wire.upload import Upload

__all__ = ["Reply", "Wire"]

_KEPT_OF_TOO_LARGE = 64 * 1024
_STANDARD = {
    "User-Agent": f"lgsp/{__version__}",
    "Accept": "*/*",
    "Accept-Encoding": "gzip, deflate",
}


class Wire:
    """Calls of one system. Made by the daemon, ``lgsp doctor`` and tests; handed to the connector.

    Attributes a connector uses: ``settings``, ``grants`` (a ``GrantStore``), ``clock``, ``system``.
    ``transport`` is the seam on which mocks, recordings and faults sit; None: the network.
    """

    def __init__(
        self,
        system: str,
        settings: SystemSettings,
        *,
        sink: ExchangeSink,
        grants: GrantStore,
        clock: Clock | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        sleep: Sleep = asyncio.sleep,
        chance: random.Random | None = None,
        files: Callable[[str], bytes] | None = None,
    ) -> None:
        self.system, self.settings, self.grants = system, settings, grants
        self._files = files
        self.clock: Clock = clock or SystemClock()
        self._sink, self._sleep = sink, sleep
        self._chance = chance or random.Random()  # noqa: S311 - spreads retries, keeps no secret
        self._transport = transport or build_transport(system, settings)
        self._slots = asyncio.Semaphore(settings.concurrency)
        self._masks = Masks(settings)
        self._addresses = Addresses(system)
        connect, read = (min(v, settings.total_timeout) for v in (settings.connect_timeout, settings.read_timeout))
        self._phases = {"timeout": {"connect": connect, "pool": connect, "read": read, "write": read}}
        self._closed = False

    async def file(self, number: str, most: int) -> bytes:
        """The content of a file in the file store; ``MappingError`` where it is not there or has more than ``most``
        bytes: a person decides."""
        try:
            content: bytes | None = await asyncio.to_thread(self._files, number) if self._files else None
        except KeyError:
            content = None
        if content is None:
            raise MappingError("file", "is not in the file store any more: ask the one-stop system for it, or discard")
        if not content:
            raise MappingError("file", "is empty: ask the one-stop system for it, or discard")
        if len(content) > most:
            raise MappingError("file", f"has more than the {most} bytes that {self.system} takes: have it made smaller")
        return content

    async def request(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | Upload | None = None,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        effect: bool = True,
        into: BodyOf | None = None,
    ) -> Reply:
        """Send one request and read its whole answer, whatever its status.

        ``json`` is anything ``json.dumps`` takes or a pydantic model (dumped by alias). ``effect=False`` says that the
        call changes nothing at the remote (log-in, look-up). ``content`` may be an ``Upload``, which is sent from
        files; ``into(limit, headers)`` gives what reads the answer's body where it is not to be held in memory.

        Raises ``NotSent`` (after in-call retries), ``OutcomeUnknown``, ``BadAnswer`` (too large, cut off),
        ``Throttled`` (429, or 503 with ``Retry-After``); other statuses come back as a ``Reply``: what they mean is
        the connector's to say (see ``expect``).
        """
        address, shown = self._addresses.get(operation, url, query)
        upload = content if isinstance(content, Upload) else None
        body, kind = encode_body(json, form, None if isinstance(content, Upload) else content, content_type)
        sent = checked_headers(_STANDARD, headers, kind)
        sent.setdefault("Host", address.netloc.decode("ascii"))
        if body or upload is not None or method not in ("GET", "HEAD", "DELETE", "OPTIONS"):
            sent["Content-Length"] = str(len(body) if upload is None else _length(upload))
        masks = self._masks
        shown_headers = masks.sent(sent)
        out = Outgoing(
            operation,
            method,
            address,
            sent,
            body,
            effect,
            masks.url(shown),
            shown_headers,
            masks.body(body if upload is None else upload.shown),
            upload,
            into,
        )
        try:
            return await self._once(out)
        except (NotSent, Throttled) as first:
            if not worth_it(first):
                raise
            return await again(first, lambda: self._once(out), self._sleep, self._chance)

    def hide(self, secret: str) -> None:
        """Keep this value out of the journal from now on, wherever it turns up: a token, a session."""
        self._masks.hide(secret)

    async def aclose(self) -> None:
        """Give the connections back; calls made after this raise ``NotSent``."""
        self._closed = True
        await self._transport.aclose()

    async def _once(self, out: Outgoing) -> Reply:
        """One try, one exchange: opened before a byte leaves, closed however it ends."""
        async with self._slots:
            if self._closed:
                raise NotSent("the wire is closed", system=self.system, operation=out.operation, code="closed")
            number = await self._open(out)
            left_at = micros(self.clock.now())
            end = _End(self.settings.max_answer_bytes)
            failure: LgspError | None = None
            try:
                async with asyncio.timeout(self.settings.total_timeout):
                    await self._send(out, end)
                failure = self._throttled(out, end)
            except Exception as error:
                failure = self._failure(error, out, end)
            except BaseException:
                self._close(number, end, "OutcomeUnknown", "cancelled while the answer was awaited")
                raise
            departures = current_scope().departures
            if departures is not None:
                read = end.status != 401 and isinstance(failure, OutcomeUnknown | None)
                departures.count(out.effect and read, left_at, number)
            if failure is not None:
                self._close(number, end, type(failure).__name__, getattr(failure, "reason", str(failure)))
                raise failure from None  # the library's text may hold the address with its query
            body = self._close(number, end, "answered", "")
            assert end.status is not None
            return Reply(end.status, end.headers, body, self.system, out.operation)

    async def _open(self, out: Outgoing) -> int:
        on_behalf = current_scope()
        number = new_exchange_id()
        opened = Opened(
            number, self.system, out.operation, "out", micros(self.clock.now()), out.method, out.shown_url,
            out.shown_headers, out.shown_body, on_behalf.delivery, on_behalf.dossier, on_behalf.attempt, out.effect,
        )  # fmt: skip
        try:
            await self._sink.open(opened)
        except asyncio.CancelledError:
            # The row may have been committed: say that nothing left, or a restart would call its outcome unknown.
            self._close(number, _End(0), "NotSent", "cancelled before anything was sent")
            raise
        return number

    async def _send(self, out: Outgoing, end: _End) -> None:
        request = httpx.Request(
            out.method,
            out.address,
            headers=out.headers,
            content=out.upload or out.body or None,
            extensions=self._phases | {"system": self.system, "operation": out.operation},
        )
        response = await self._transport.handle_async_request(request)
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        try:
            end.status, end.headers = response.status_code, _headers(response)
            if out.into is not None:
                end.body = out.into(self.settings.max_answer_bytes, end.headers)
            get = end.headers.get
            await end.body.read(stream, get("content-encoding", ""), get("content-length", ""))
        finally:
            await stream.aclose()

    def _close(self, number: int, end: _End, outcome: str, error: str) -> bytes:
        body = end.body.so_far(_KEPT_OF_TOO_LARGE if end.too_large else None)
        masks = self._masks
        self._sink.close(
            Closed(
                number, micros(self.clock.now()), outcome, end.status,
                masks.headers(end.headers), masks.body(body), error,
            )
        )  # fmt: skip
        return body

    def _throttled(self, out: Outgoing, end: _End) -> Throttled | None:
        told = end.headers.get("retry-after")
        if end.status != 429 and not (end.status == 503 and told is not None):
            return None
        seconds = retry_after(told, self.clock.now())
        return Throttled(
            f"HTTP {end.status}: asks to wait {seconds:g} s", retry_after=seconds, system=self.system,
            operation=out.operation,
        )  # fmt: skip

    def _failure(self, error: Exception, out: Outgoing, end: _End) -> LgspError:
        if isinstance(error, TooLarge):
            end.too_large = True
            limit = self.settings.max_answer_bytes
            reason = f"an answer over {limit} bytes; if it is right, raise systems.{self.system}.max_answer_bytes"
            return BadAnswer(reason, system=self.system, operation=out.operation)
        if isinstance(error, BadPacking):
            reason = "the answer's compression is broken or was not asked for"
            return BadAnswer(reason, system=self.system, operation=out.operation)
        return classify(error, system=self.system, operation=out.operation, answering=end.status is not None)


def _length(upload: Upload) -> int:
    try:
        return upload.length
    except OSError as error:
        raise MappingError("content", f"a file cannot be read: {error.strerror or type(error).__name__}") from None


class _End:
    """How a call is ending: filled as the answer comes, so that a cut-off one is journalled as far as it came."""

    __slots__ = ("body", "headers", "status", "too_large")

    def __init__(self, limit: int) -> None:
        self.status: int | None = None
        self.headers: dict[str, str] = {}
        self.body = Body(limit)
        self.too_large = False


def _headers(response: httpx.Response) -> dict[str, str]:
    headers: dict[str, str] = {}
    for raw_name, raw_value in response.headers.raw:
        name, value = raw_name.decode("latin-1").lower(), raw_value.decode("latin-1")
        headers[name] = f"{headers[name]}, {value}" if name in headers else value
    return headers
