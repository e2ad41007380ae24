"""A connector's hand on a SOAP system: one call is one request through the wire, as with REST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from lgsp.wire.reply import Reply
from lgsp.wire.soap.blocks import Context, Header
from lgsp.wire.soap.contract import SoapContract
from lgsp.wire.soap.fault import Classify

if TYPE_CHECKING:
    from lgsp.wire.soap.service import SoapAnswer, SoapService

LARGE = 1024 * 1024
"""Answers above this many bytes are read in a thread."""


class Door(Protocol):
    """What carries a request: a ``Wire`` (then ``url`` is an address) or an ``Access`` (then it is a path)."""

    async def request(
        self, operation: str, method: str, url: str, /, *, content: bytes | None = None,
        headers: Mapping[str, str] | None = None, effect: bool = True,
    ) -> Reply:  # fmt: skip
        """As ``Wire.request``."""


class Talk(Protocol):
    """Header blocks of one request that the answer is held against."""

    def block(self, context: Context) -> str:
        """The blocks."""

    def check(self, answer: SoapAnswer, reply: Reply) -> None:
        """Raise ``BadAnswer`` if the answer is not the one to this request."""


class SoapPort:
    """Calls of one SOAP service over a system's wire."""

    def __init__(
        self, door: Door, contract: SoapContract, url: str, *, http_headers: Mapping[str, str] | None = None,
        headers: Iterable[Header] = (), classify: Classify | None = None, action: str | None = None,
        content_type: str = "", talk: Callable[[str], Talk] | None = None,
    ) -> None:  # fmt: skip
        """``headers``: header blocks of every call. ``classify``: what the system's own faults mean. ``action`` and
        ``content_type`` override what the contract has (servers that want ``SOAPAction: ""``, ``application/xml``).
        ``talk`` makes header blocks for a call of a method, which the answer's are held against (X-Road).

        The WSDL is read at the first call (or by ``ready``), in a thread, once in a process.
        """
        self._door, self._contract, self.url = door, contract, url
        self._talk = talk
        self._http = dict(http_headers or {})
        self._headers, self._classify, self._action = tuple(headers), classify, action
        self._content_type = content_type
        self._service: SoapService | None = None

    async def ready(self) -> SoapService:
        """The service, its WSDL read. ``ConfigError`` if it cannot be used."""
        if self._service is None:
            self._service = await asyncio.to_thread(self._contract.load)
        return self._service

    async def call(
        self, operation: str, method: str, values: Any = None, *, effect: bool = True, model: type[Any] | None = None,
        headers: Iterable[Header] = (), http_headers: Mapping[str, str] | None = None, url: str = "",
    ) -> Any:  # fmt: skip
        """Call the service's ``method`` and give the answer's value, fitted into ``model`` if one is given.

        ``operation`` names the call in the journal, ``effect=False`` says that it changes nothing. Raises
        ``MappingError`` for values that the contract does not take, what ``Wire.request`` raises, and for the answer
        what ``SoapOperation.read`` does; a fault is in the error's ``fault``.
        """
        reply, answer = await self._exchange(operation, method, values, effect, headers, http_headers, url)
        return answer.value if model is None else reply.fit(answer.value, model)

    async def ask(
        self, operation: str, method: str, values: Any = None, *, effect: bool = True, headers: Iterable[Header] = (),
        http_headers: Mapping[str, str] | None = None, url: str = "",
    ) -> SoapAnswer:  # fmt: skip
        """As ``call``, with the answer's header blocks beside its value."""
        return (await self._exchange(operation, method, values, effect, headers, http_headers, url))[1]

    async def _exchange(
        self, operation: str, method: str, values: Any, effect: bool, headers: Iterable[Header],
        http_headers: Mapping[str, str] | None, url: str,
    ) -> tuple[Reply, SoapAnswer]:  # fmt: skip
        service = self._service or await self.ready()
        call = service.operation(method)
        target = url or self.url
        talk = self._talk(method) if self._talk is not None else None
        blocks = (*((talk,) if talk is not None else ()), *self._headers, *headers)
        envelope = call.envelope(values, headers_=blocks, url=target, action=self._action)
        sent = {**envelope.headers, **self._http, **(http_headers or {})}
        if self._content_type:
            sent["Content-Type"] = self._content_type
        reply = await self._door.request(
            operation, "POST", target, content=envelope.content, headers=sent, effect=effect
        )
        if len(reply.body) > LARGE:
            answer = await asyncio.to_thread(call.read, reply, own=self._classify)
        else:
            answer = call.read(reply, own=self._classify)
        if talk is not None:
            talk.check(answer, reply)
        return reply, answer
