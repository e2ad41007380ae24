"""The front door: a system calls us; we store and commit what it said, and only then answer, in its own format."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

from pydantic import ValidationError
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from lgsp import redact
from lgsp.canonical.codes import CodeTables
from lgsp.canonical.dossier import Dossier
from lgsp.clock import VIETNAM, Clock, micros
from lgsp.errors import MappingError, StoreError
from lgsp.inbound import links as file_links
from lgsp.inbound import tokens as token_route
from lgsp.inbound.body import Body, Limits, Refusal, read
from lgsp.inbound.callers import Callers
from lgsp.inbound.files import FileStore
from lgsp.inbound.links import Links, Revocations, none_revoked
from lgsp.inbound.tokens import TokenRefused, Tokens
from lgsp.ledger.types import Acceptance, IdentityClash, Inbound
from lgsp.log import Log
from lgsp.spi.connector import SystemSettings
from lgsp.spi.inbound import Enquiry, InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict
from lgsp.spi.mapping import Context
from lgsp.spi.registry import System
from lgsp.wire.exchange import Closed, Opened, new_exchange_id

_LARGE = 1024 * 1024
"""From this size on a body is parsed in a thread."""
_log = Log(part="front_door")


class InboundLedger(Protocol):
    """What the front door needs of the ledger."""

    async def accept(self, inbound: Inbound) -> Acceptance:
        """Return after the commit of all of it; ``StoreError`` when the store cannot take it."""

    def record(self, opened: Opened, closed: Closed) -> None:
        """Journal how a call ended. ``opened`` is in the store already if ``accept`` got it, else it is not."""

    async def code_tables(self) -> CodeTables:
        """The tables in force."""

    async def dossier(self, code: str) -> tuple[str, Dossier | None]:
        """The bus's key and truth of a dossier by any system's code of it; empty and None where none is known."""

    async def set_aside(self, system: str, hook: str, number: str, item: str, reason: str) -> None:
        """Keep a message that breaks its contract as a work item, once for each ``number``."""


def _uncounted(_system: str, _hook: str, _verdict: Verdict) -> None:
    pass


@dataclass(frozen=True, slots=True)
class FrontDoor:
    """What the front door is made of."""

    ledger: InboundLedger
    clock: Clock
    tokens: Tokens
    files: FileStore
    links: Links
    limits: Limits = field(default_factory=Limits)
    province: str = ""
    revoked: Revocations = none_revoked
    refused: Callable[[str, str, Verdict], None] = _uncounted
    """Told of each call that was not taken: system, hook, why."""
    callers: Callers = field(default_factory=lambda: Callers(time.monotonic))
    retry_after: int = 5
    """Seconds after which a caller told to wait may call again."""


def front_door(
    door: FrontDoor,
    systems: Iterable[System],
    settings: Mapping[str, SystemSettings],
    routes: Sequence[BaseRoute] = (),
    *,
    lifespan: Callable[[Starlette], Any] | None = None,
) -> Starlette:
    """The application: ``/token``, ``/files/...``, every hook of the systems switched on, and further ``routes``."""
    found: list[BaseRoute] = [
        *routes,
        token_route.route(door.tokens),
        file_links.route(door.links, door.files, door.clock, door.ledger.record, door.revoked),
    ]
    for system in systems:
        chosen = settings.get(system.name)
        if chosen is not None and chosen.enabled:
            plugin = system.plugin
            addresses: Sequence[InboundHook | Enquiry] = (*plugin.hooks, *plugin.enquiries)
            found.extend(_route(door, system, chosen, address) for address in addresses)
    return Starlette(routes=found, lifespan=lifespan, exception_handlers={HTTPException: _no_such_address})


async def _no_such_address(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    texts = {404: "there is nothing at this address", 405: "this address takes another method"}
    body = {"error": error.status_code, "error_description": texts.get(error.status_code, error.detail)}
    return JSONResponse(body, error.status_code, error.headers)


def _route(door: FrontDoor, system: System, settings: SystemSettings, hook: InboundHook | Enquiry) -> Route:
    async def endpoint(request: Request) -> Response:
        return await _Call(door, system, settings, hook, request).answer()

    return Route(f"/{system.name}{hook.path}", endpoint, methods=[hook.method], name=f"{system.name}.{hook.name}")


_ACCEPTED: Mapping[Acceptance, tuple[Verdict, str]] = {
    Acceptance.NEW: (Verdict.ACCEPTED, ""),
    Acceptance.DUPLICATE: (Verdict.DUPLICATE, "this message was accepted before"),
    Acceptance.UNKNOWN_REFERENCE: (Verdict.UNKNOWN_REFERENCE, "no payment is known by this reference"),
    Acceptance.WRONG_AMOUNT: (Verdict.WRONG_AMOUNT, "another amount was asked for"),
}


class _Call:
    """One call of one hook or enquiry, from its first byte to the reply."""

    def __init__(
        self,
        door: FrontDoor,
        system: System,
        settings: SystemSettings,
        hook: InboundHook | Enquiry,
        request: Request,
    ) -> None:
        self._door, self._system, self._settings, self._hook, self._request = door, system, settings, hook, request
        self._now = door.clock.now()
        self._told = self._inbound_request(b"", "")
        self._dossier = ""
        self._known: Dossier | None = None
        self._id = new_exchange_id()

    async def answer(self) -> Response:
        body: Body | None = None
        try:
            client = self._client()
            fields = self._hook.file_fields if isinstance(self._hook, InboundHook) else ()
            body = await read(self._request, fields, self._door.files, self._limits())
            self._told = self._inbound_request(body.content, client, body.dialect)
            self._verify()
            verdict, detail = await self._taken(self._hook, body)
        except Refusal as error:
            verdict, detail = error.verdict, error.detail
        except ClientDisconnect:
            verdict, detail = Verdict.INVALID, "the caller hung up before its message was complete"
        except StoreError as error:
            _log.error("inbound_store_error", system=self._system.name, hook=self._hook.name, reason=str(error))
            verdict, detail = Verdict.BUSY, "the message could not be stored now: send it again"
        except Exception:  # a fault of ours: nothing was committed, the caller keeps its message
            _log.exception("inbound_fault", system=self._system.name, hook=self._hook.name)
            verdict, detail = Verdict.BUSY, "a fault on our side, nothing was stored: send it again"
        finally:
            if body is not None:
                body.discard()
        reply = self._reply(verdict, detail)
        headers = dict(reply.headers)
        if verdict in (Verdict.BUSY, Verdict.THROTTLED):
            headers.setdefault("Retry-After", str(self._door.retry_after))
        if verdict is Verdict.UNAUTHORISED:
            headers.setdefault("WWW-Authenticate", 'Bearer realm="lgsp"')
        self._record(verdict, detail, reply)
        headers["Content-Type"] = reply.content_type
        return Response(reply.body, reply.status, headers)

    def _client(self) -> str:
        """Who calls; refused before a byte of the body is read."""
        address = self._request.client.host if self._request.client else ""
        own = self._settings
        self._door.callers.admit(self._system.name, address, own.inbound_from, own.inbound_rate)
        if self._hook.auth != "bearer":
            return ""
        scheme, _, token = self._request.headers.get("authorization", "").strip().partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            raise Refusal(Verdict.UNAUTHORISED, "a bearer token is needed: get one from /token")
        try:
            return self._door.tokens.check(token.strip(), address, self._system.name)
        except TokenRefused as error:
            raise Refusal(Verdict.UNAUTHORISED, str(error)) from None

    def _limits(self) -> Limits:
        most = self._settings.inbound_max_bytes
        limits = self._door.limits
        return replace(limits, body=min(most, limits.body)) if most else limits

    def _verify(self) -> None:
        """Whether it is from whom it says, by its bytes; nothing of it was read before."""
        if self._hook.auth != "hook":
            return
        assert self._hook.verify is not None, f"{self._hook.name} has no verify"
        if not self._hook.verify(self._told, self._settings):
            raise Refusal(Verdict.UNAUTHORISED, "the message's key or signature is wrong")

    def _reply(self, verdict: Verdict, detail: str) -> InboundReply:
        if isinstance(self._hook, Enquiry):
            return self._hook.answer(self._told, self._settings, self._known, verdict, detail)
        return self._hook.answer(self._told, verdict, detail)

    async def _taken(self, hook: InboundHook | Enquiry, body: Body) -> tuple[Verdict, str]:
        """Understand it, commit it or look it up, and say what became of it."""
        if isinstance(hook, Enquiry):
            return await self._looked_up(hook)
        codes = await self._door.ledger.code_tables()
        try:
            if len(body.content) > _LARGE:
                inbound = await asyncio.to_thread(self._understood, hook, codes)
            else:
                inbound = self._understood(hook, codes)
        except Refusal as refusal:
            if hook.auth == "hook" and refusal.verdict is Verdict.INVALID:
                await self._keep(hook, refusal.detail)
            raise
        if body.files:
            await asyncio.to_thread(body.files.keep)
        try:
            accepted = await self._door.ledger.accept(inbound)
        except IdentityClash:
            detail = "a dossier code in it belongs to another dossier already: compare the codes of both systems"
            raise Refusal(Verdict.CONFLICT, detail) from None
        if accepted is Acceptance.CONFLICT:
            return Verdict.CONFLICT, "a message with this id and another content was accepted before"
        return _ACCEPTED[accepted]

    async def _looked_up(self, enquiry: Enquiry) -> tuple[Verdict, str]:
        try:
            code = enquiry.code(self._told, self._settings)
        except InboundInvalid as error:
            raise Refusal(Verdict.INVALID, str(error)) from None
        self._dossier, self._known = await self._door.ledger.dossier(code)
        return Verdict.ACCEPTED, "" if self._known else "no dossier is known by this code"

    async def _keep(self, hook: InboundHook, reason: str) -> None:
        """A body that breaks its contract, from a caller that is who it says: a person reads it, once each."""
        told = self._told
        number = hashlib.sha256(f"{told.path}?{told.raw_query}\n".encode() + told.body).hexdigest()[:32]
        content = redact.secrets_in_body(told.body).decode("utf-8", "replace")
        item = content or redact.secrets_in_url(f"{told.path}?{told.raw_query}")
        await self._door.ledger.set_aside(self._system.name, hook.name, number, item, reason)

    def _understood(self, hook: InboundHook, codes: CodeTables) -> Inbound:
        try:
            received = hook.receive(self._told, self._settings)
            content = _content(received)
            reception = self._system.mappings.reception(received.reception)
            context = Context(
                codes=codes,
                settings=self._settings,
                today=self._now.astimezone(VIETNAM).date(),
                province=self._door.province,
                received_at=self._now,
            )
            events = [event for item in received.items for event in reception.events(item, context)]
        except InboundInvalid as error:
            kind = Verdict.UNSUPPORTED if error.field.lower() == "content-type" else Verdict.INVALID
            raise Refusal(kind, str(error)) from None
        except MappingError as error:
            raise Refusal(Verdict.INVALID, str(error)) from None
        except ValidationError as error:
            raise Refusal(Verdict.INVALID, fields_of(error)) from None
        except RecursionError:
            raise Refusal(Verdict.INVALID, "the message is nested too deeply") from None
        digest = hashlib.sha256(content).hexdigest()
        self._dossier = events[0].dossier if events else ""
        return Inbound(
            system=self._system.name,
            reception=received.reception,
            events=events,
            message_id=received.message_id,
            digest=digest,
            exchange=self._opened(),
        )

    def _inbound_request(self, content: bytes, client: str, dialect: str | None = None) -> InboundRequest:
        request = self._request
        headers = {k.lower(): v for k, v in request.headers.items()}
        if dialect and not headers.get("content-type"):
            headers["content-type"] = f"application/{dialect}"
        return InboundRequest(
            method=request.method,
            path=request.url.path,
            path_params={k: str(v) for k, v in request.path_params.items()},
            query=dict(request.query_params),
            headers=headers,
            body=content,
            client=client,
            raw_query=request.url.query,
            received_at=self._now,
        )

    def _opened(self) -> Opened:
        url = self._request.url
        return Opened(
            id=self._id,
            system=self._system.name,
            operation=self._hook.name,
            direction="in",
            opened_at=micros(self._now),
            method=self._request.method,
            url=redact.secrets_in_url(url.path + (f"?{url.query}" if url.query else "")),
            headers=redact.secrets_in_headers(self._told.headers),
            body=redact.secrets_in_body(self._told.body),
            dossier=self._dossier,
        )

    def _record(self, verdict: Verdict, detail: str, reply: InboundReply) -> None:
        done = verdict in (Verdict.ACCEPTED, Verdict.DUPLICATE)
        closed = Closed(
            id=self._id,
            closed_at=micros(self._door.clock.now()),
            outcome="answered" if done else verdict.value,
            status=reply.status,
            headers={"content-type": reply.content_type},
            body=reply.body,
            error="" if done else detail,
        )
        if not done:
            _log.warning("inbound_refused", system=self._system.name, hook=self._hook.name, verdict=verdict.value)
            self._door.refused(self._system.name, self._hook.name, verdict)
        try:
            self._door.ledger.record(self._opened(), closed)
        except StoreError:
            _log.error("inbound_not_journalled", system=self._system.name, hook=self._hook.name)


def _content(received: Received) -> bytes:
    """What was said, in one form for JSON and XML alike; refuses characters no store can keep."""
    items = [item.model_dump(mode="json", by_alias=True) for item in received.items]
    for number, item in enumerate(items):
        bad = _bad_field(item, "")
        if bad is not None:
            where = f"{number}.{bad}" if len(items) > 1 else bad
            raise InboundInvalid(where, "holds a character that is no text (NUL or half a surrogate pair)")
    told = {"reception": received.reception, "items": items}
    return json.dumps(told, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def _bad_field(value: object, where: str) -> str | None:
    if isinstance(value, str):
        return where if any(c == "\0" or "\ud800" <= c <= "\udfff" for c in value) else None
    pairs: Iterable[tuple[object, object]] = ()
    if isinstance(value, dict):
        pairs = value.items()
    elif isinstance(value, list):
        pairs = enumerate(value)
    for key, inner in pairs:
        bad = _bad_field(inner, f"{where}.{key}" if where else str(key))
        if bad is not None:
            return bad
    return None


def fields_of(error: ValidationError, most: int = 5) -> str:
    """What does not fit, field by field, without a value."""
    faults = error.errors(include_url=False, include_input=False, include_context=False)
    named = [f"{'.'.join(str(part) for part in e['loc']) or 'the message'}: {e['msg']}" for e in faults[:most]]
    more = f"; and {len(faults) - most} more" if len(faults) > most else ""
    return "; ".join(named) + more
