"""A connector's hand on a SOAP system: one call is one request through the wire, as with REST."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from pydantic import BaseModel

from lgsp.errors import MappingError
from lgsp.wire.answer import Body
from lgsp.wire.reply import Reply
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.blocks import Context, Header
from lgsp.wire.soap.contract import SoapContract
from lgsp.wire.soap.fault import Classify
from lgsp.wire.soap.security import Security
from lgsp.wire.upload import Upload

if TYPE_CHECKING:
    from lgsp.wire.soap.mime import PartsBody
    from lgsp.wire.soap.service import Envelope, SoapAnswer, SoapService

LARGE = 1024 * 1024
"""Answers above this many bytes are read in a thread."""
HEAVY = 64 * 1024
"""A value above this many characters makes its request be written in one."""


class Door(Protocol):
    """What carries a request: a ``Wire`` (then ``url`` is an address) or an ``Access`` (then it is a path)."""

    async def request(
        self, operation: str, method: str, url: str, /, *, content: bytes | Upload | None = None,
        headers: Mapping[str, str] | None = None, effect: bool = True, into: Any = None,
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
        content_type: str = "", talks: Iterable[Callable[[str], Talk]] = (), mtom: bool = False,
        security: Security | None = None,
    ) -> None:  # fmt: skip
        """``headers``: header blocks of every call. ``classify``: what the system's own faults mean. ``action`` and
        ``content_type`` override what the contract has (servers that want ``SOAPAction: ""``, ``application/xml``).
        ``talks`` make header blocks for a call of a method, which the answer's are held against (X-Road,
        WS-Addressing). ``security`` signs, and checks that answers are signed.

        ``mtom``: attachments of binary elements travel beside the message.

        The WSDL is read at the first call (or by ``ready``), in a thread, once in a process.
        """
        self._door, self._contract, self.url = door, contract, url
        self._talks, self._mtom, self._security = tuple(talks), mtom, security
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
        attachments: Iterable[Attachment] = (), save_to: Path | None = None,
    ) -> Any:  # fmt: skip
        """Call the service's ``method`` and give the answer's value, fitted into ``model`` if one is given.

        ``operation`` names the call in the journal, ``effect=False`` says that it changes nothing.
        ``attachments`` go beside the message; those of the answer go into files in ``save_to`` as they come, and stay
        in memory without it. Raises ``MappingError`` for values that the contract does not take, what
        ``Wire.request`` raises, and for the answer what ``SoapOperation.read`` does; a fault is in the error's
        ``fault``.
        """
        reply, answer = await self._exchange(
            operation, method, values, effect, headers, http_headers, url, attachments, save_to
        )
        return answer.value if model is None else reply.fit(answer.value, model)

    async def ask(
        self, operation: str, method: str, values: Any = None, *, effect: bool = True, headers: Iterable[Header] = (),
        http_headers: Mapping[str, str] | None = None, url: str = "", attachments: Iterable[Attachment] = (),
        save_to: Path | None = None,
    ) -> SoapAnswer:  # fmt: skip
        """As ``call``, with the answer's header blocks beside its value."""
        _, answer = await self._exchange(
            operation, method, values, effect, headers, http_headers, url, attachments, save_to
        )
        return answer

    async def _exchange(
        self, operation: str, method: str, values: Any, effect: bool, headers: Iterable[Header],
        http_headers: Mapping[str, str] | None, url: str, attachments: Iterable[Attachment], save_to: Path | None,
    ) -> tuple[Reply, SoapAnswer]:  # fmt: skip
        service = self._service or await self.ready()
        call = service.operation(method)
        target = url or self.url
        talks = [make(method) for make in self._talks]
        blocks = (*talks, *self._headers, *headers)
        envelope = call.envelope(
            values,
            headers=blocks,
            url=target,
            action=self._action,
            attachments=attachments,
            mtom=self._mtom,
            security=self._security,
        )
        sent = {**envelope.headers, **self._http, **(http_headers or {})}
        if self._content_type:
            sent["Content-Type"] = self._content_type
        options: dict[str, Any] = {"content": envelope.content}
        if envelope.attachments:
            options["content"], sent["Content-Type"] = await _packed(envelope, sent["Content-Type"], self._mtom)
        incoming = Incoming(save_to) if save_to is not None else None
        if incoming is not None:
            options["into"] = incoming
        try:
            reply = await self._door.request(operation, "POST", target, headers=sent, effect=effect, **options)
            reply, beside = incoming.taken(reply) if incoming is not None else (reply, ())
            if len(reply.body) > LARGE:
                answer = await asyncio.to_thread(
                    call.read, reply, own=self._classify, attachments=beside, security=self._security
                )
            else:
                answer = call.read(reply, own=self._classify, attachments=beside, security=self._security)
        except BaseException:
            if incoming is not None:
                incoming.discard()
            raise
        for talk in talks:
            talk.check(answer, reply)
        return reply, answer


def _is_heavy(value: Any, depth: int = 0) -> bool:
    """Whether writing these values takes long enough to be done beside the event loop: files, large texts."""
    if isinstance(value, (str, bytes)):
        return len(value) > HEAVY
    if isinstance(value, Attachment):
        return True
    if depth > 3:
        return False
    if isinstance(value, Mapping):
        return any(_is_heavy(inner, depth + 1) for inner in value.values())
    if isinstance(value, (list, tuple)):
        return len(value) > 1000 or any(_is_heavy(inner, depth + 1) for inner in value)
    return isinstance(value, BaseModel) and any(_is_heavy(inner, depth + 1) for _, inner in value)


async def _packed(envelope: Envelope, content_type: str, mtom: bool) -> tuple[Upload, str]:
    from lgsp.wire.soap.mime import package

    try:
        return await asyncio.to_thread(package, envelope.content, content_type, envelope.attachments, xop=mtom)
    except OSError as error:
        raise MappingError("attachments", f"a file cannot be read: {error.strerror or type(error).__name__}") from None


class Incoming:
    """Reads an answer whose attachments go into files, for one call of the wire (and its tries)."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._body: PartsBody | None = None

    def __call__(self, limit: int, headers: Mapping[str, str]) -> Body:
        from lgsp.wire.soap.mime import PartsBody

        self.discard()
        self._body = PartsBody(limit, headers.get("content-type", ""), self._folder)
        return self._body

    def taken(self, reply: Reply) -> tuple[Reply, tuple[Attachment, ...]]:
        """The reply with the envelope as its body, and what came beside it."""
        from lgsp.wire.soap.xml import Unreadable

        splitter = self._body.splitter if self._body is not None else None
        if splitter is None:
            return reply, ()
        try:
            splitter.end()
            root = splitter.root()
            beside = splitter.attachments()
        except Unreadable as error:
            raise reply.bad(str(error)) from None
        return replace(reply, body=root.data, headers={**reply.headers, "content-type": root.media}), beside

    def discard(self) -> None:
        """Remove the files of an answer that nothing comes of."""
        if self._body is not None and self._body.splitter is not None:
            self._body.splitter.close()
