"""What stands in place of the network: each call is answered as it was then, by a mock, or at another address."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping

import httpx

from lgsp.clock import FixedClock, from_micros, micros
from lgsp.recording.recording import Recording
from lgsp.redact import MASK, secrets_in_body, secrets_in_url
from lgsp.replay.finding import Finding, Outcome
from lgsp.replay.tape import Killed, NotNow, Tape
from lgsp.wire.exchange import Opened, current_scope
from lgsp.wire.grants import Grant, MemoryGrants, Obtain
from lgsp.wire.matching import differences, last_name, of_request

_FRAMING = frozenset({"content-encoding", "content-length", "transfer-encoding", "connection", "keep-alive"})
Said = frozenset[tuple[str, str]]
Elsewhere = Callable[[httpx.Request], Awaitable[httpx.Response]]
"""Answers a call in place of its recording."""


class Stage:
    """Shared by the transports of all systems: the tape, the clock, and what was found so far."""

    def __init__(
        self,
        tape: Tape,
        clock: FixedClock,
        outcome: Outcome,
        volatile: Mapping[str, tuple[str, ...]],
        *,
        elsewhere: Mapping[str, Elsewhere] | None = None,
    ) -> None:
        """``volatile``: of each system, the fields that do not count; ``elsewhere``: systems that answer themselves."""
        self.tape, self.clock, self.outcome = tape, clock, outcome
        self._volatile, self.elsewhere = volatile, elsewhere or {}
        self.bound: Recording | None = None
        """The recorded call that the attempt under way was bound to by its first call."""
        self.effects = 0
        """Calls of this attempt that may have changed something."""
        self.last: Recording | None = None
        """The recorded call that was used last in this attempt."""
        self.ahead = False
        """Whether a delivery is tried before its time: only a call that says exactly what was sent then is made."""
        self.obtaining = False
        """Whether a log-in is under way: none is made."""
        self.passing = False
        """Whether a log-in is under way at a system that answers itself."""
        self.polling = False
        self.logins: set[tuple[str, str]] = set()
        self._before = 0, 0, 0, 0
        self._shared = False
        self._early: dict[tuple[str, str, str], Recording] = {}
        """Whole states that were sent before a newer one was told."""
        self._known: dict[tuple[str, str], dict[Said, Recording]] = {}
        self._made: dict[tuple[str, str], set[Said]] = defaultdict(set)
        self._latest: dict[tuple[str, str], int] = {}

    def begin(self, *, polling: bool = False) -> None:
        """An attempt, or a poll, begins."""
        self.bound, self.last, self.effects, self.polling = None, None, 0, polling
        self._before = len(self.outcome.findings), self.outcome.calls, self.outcome.same, self.outcome.shared
        self.tape.mark()

    def undo(self) -> None:
        """The attempt was none: what it used is unused again."""
        findings, self.outcome.calls, self.outcome.same, self.outcome.shared = self._before
        del self.outcome.findings[findings:]
        self.tape.undo()

    async def call(self, request: httpx.Request) -> httpx.Response:
        """Answer one call, or raise ``NotNow``."""
        system, operation = (str(request.extensions.get(name, "")) for name in ("system", "operation"))
        if self.passing:
            self.logins.add((system, operation))
            return await self.elsewhere[system](request)
        if self.obtaining:
            self.logins.add((system, operation))
            raise NotNow
        self._shared = False
        found = self._recorded(request, system, operation)
        if found is None:
            if self.bound is None or self.ahead or self.polling:
                raise NotNow
            if self.tape.later(self.bound.opened):
                if self.tape.logged_in(self.bound.opened, self.logins):
                    raise httpx.ConnectError("the log-in failed then", request=request)
                raise Killed
            self._extra(request, system, operation)
            raise httpx.ConnectError("this call was not made then", request=request)
        if self._shared:  # it says nothing of when this one is made
            self.outcome.shared += 1
            self._made[system, operation].add(_said(_leaves_of(found.opened), self._names(system, operation)))
            return _answer(request, found)
        self.bound, self.last = self.bound or found, found
        self.effects += found.opened.effect
        self.clock.set(from_micros(found.opened.opened_at))
        self._compare(request, found)
        if not found.opened.effect:
            names = self._names(system, operation)
            self._made[system, operation].add(_said(_leaves_of(found.opened), names))
        if (answer := self.elsewhere.get(system)) is not None:
            return await answer(request)
        if found.closed is not None:
            self.clock.set(from_micros(found.closed.closed_at))
        return _answer(request, found)

    def _recorded(self, request: httpx.Request, system: str, operation: str) -> Recording | None:
        on_behalf, now = current_scope(), micros(self.clock.now())
        asked = (request.method, request.url.path)
        ours, names = _leaves(request), self._names(system, operation)
        if self.bound is not None and self.bound.opened.delivery is not None:
            found = self.tape.follow(system, operation, asked, self.bound.opened)
            if self.ahead and found is not None:
                if differences(ours, _leaves_of(found.opened), names):
                    raise NotNow
                self._early[system, operation, on_behalf.dossier] = found
            return found or self._looked_up(system, operation, ours, names)
        if on_behalf.delivery is not None:
            if self.ahead:
                return self._exactly(system, operation, on_behalf.dossier, ours, names)
            found = self.tape.first(system, operation, on_behalf.dossier, asked, now)
            if found is None and not self.tape.expects(system, operation, on_behalf.dossier):
                early = self._early.get((system, operation, on_behalf.dossier))
                if early is not None and not differences(ours, _leaves_of(early.opened), names):
                    self._shared = True  # then the newer state took the older one's place before it was sent
                    return early
                return self._looked_up(system, operation, ours, names)
            return found
        if not self.polling:
            return None
        horizon = now + (600_000_000 if self.bound is not None else 0)
        same = (
            one
            for one in self.tape.loose(system, operation, horizon)
            if not differences(ours, _leaves_of(one.opened), names)
        )
        found = next(same, None)
        return self.tape.take(found) if found is not None else None

    def _exactly(
        self, system: str, operation: str, dossier: str, ours: dict[str, str], names: list[str]
    ) -> Recording | None:
        found = self.tape.peek(system, operation, dossier)
        if found is None:
            return self._looked_up(system, operation, ours, names)
        if differences(ours, _leaves_of(found.opened), names):
            return None
        self._early[system, operation, dossier] = found
        return self.tape.take(found)

    def _looked_up(self, system: str, operation: str, ours: dict[str, str], names: list[str]) -> Recording | None:
        """The same look-up made for another dossier: connectors keep such answers for a while."""
        found = self._look_ups(system, operation).get(_said(ours, names))
        self._shared = found is not None
        return found

    def made(self, one: Recording) -> bool:
        """Whether the same look-up was made in this replay, for whomever."""
        told = one.opened
        if told.effect:
            return False
        key = _said(_leaves_of(told), self._names(told.system, told.operation))
        return key in self._made[told.system, told.operation]

    def _look_ups(self, system: str, operation: str) -> dict[Said, Recording]:
        """The recorded look-ups of an operation, by what they say."""
        found = self._known.get((system, operation))
        if found is None:
            names = self._names(system, operation)
            all_ = reversed(self.tape.look_ups(system, operation))
            found = {_said(_leaves_of(one.opened), names): one for one in all_}
            self._known[system, operation] = found
        return found

    def _names(self, system: str, operation: str) -> list[str]:
        told = (name.rpartition(".") for name in self._volatile.get(system, ()))
        return [name for only, _, name in told if only in ("", operation)]

    def _compare(self, request: httpx.Request, found: Recording) -> None:
        told = found.opened
        self.outcome.calls += 1
        different = differences(_leaves(request), _leaves_of(told), self._names(told.system, told.operation))
        if self.elsewhere.get(told.system) is not None:  # another address has another path
            different = [one for one in different if one.where != "path"]
        if different:
            self.outcome.findings.append(
                Finding(
                    "changed", told.dossier, told.system, told.operation, told.id, told.opened_at, tuple(different),
                    then=_shown(told.body), now=_shown(_masked(request)),
                )
            )  # fmt: skip
        else:
            self.outcome.same += 1
        lane = (told.dossier, told.system)
        if told.delivery is not None and told.effect and not self.ahead and told.id < self._latest.get(lane, 0):
            note = f"exchange {self._latest[lane]} came after it then"
            self.outcome.findings.append(
                Finding("order", told.dossier, told.system, told.operation, told.id, told.opened_at, note=note)
            )
        if told.effect and not self.ahead:
            self._latest[lane] = max(told.id, self._latest.get(lane, 0))

    def _extra(self, request: httpx.Request, system: str, operation: str) -> None:
        dossier, at = current_scope().dossier, micros(self.clock.now())
        told = Finding("extra", dossier, system, operation, 0, at, now=_shown(_masked(request)))
        self.outcome.findings.append(told)


class StageTransport(httpx.AsyncBaseTransport):
    """One system's way to the stage."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._stage.call(request)


class StageGrants:
    """Tokens and sessions without a log-in: recordings hold none, and the answers do not depend on them."""

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self._elsewhere = MemoryGrants(stage.clock.monotonic)

    async def get(self, system: str, name: str, obtain: Obtain) -> str:
        if system in self._stage.elsewhere:
            return await self._elsewhere.get(system, name, self._passing(system, obtain))
        self._stage.obtaining = True
        try:
            grant = await obtain()
        except NotNow:
            grant = Grant("replayed", 3600.0)
        finally:
            self._stage.obtaining = False
        return grant.value

    async def renew(self, system: str, name: str, rejected: str, obtain: Obtain) -> str:
        if system in self._stage.elsewhere:
            return await self._elsewhere.renew(system, name, rejected, self._passing(system, obtain))
        return await self.get(system, name, obtain)

    def _passing(self, system: str, obtain: Obtain) -> Obtain:
        async def passed() -> Grant:
            self._stage.passing = True
            try:
                return await obtain()
            finally:
                self._stage.passing = False

        return passed


class _Cut(httpx.AsyncByteStream):
    """A body that ends where it was cut off then."""

    def __init__(self, body: bytes) -> None:
        self._body = body

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._body:
            yield self._body
        raise httpx.ReadError("cut off then")


def _answer(request: httpx.Request, found: Recording) -> httpx.Response:
    closed = found.closed
    if closed is None:
        raise httpx.ReadError("nobody knows how it ended then", request=request)
    if closed.status is None:
        if closed.outcome == "NotSent":
            raise httpx.ConnectError("not sent then", request=request)
        raise httpx.ReadError("no answer then", request=request)
    headers = [(name, value) for name, value in closed.headers.items() if name.lower() not in _FRAMING]
    if closed.outcome == "OutcomeUnknown":
        return httpx.Response(closed.status, headers=headers, stream=_Cut(closed.body), request=request)
    return httpx.Response(closed.status, headers=headers, content=closed.body, request=request)


def _body(request: httpx.Request) -> bytes:
    return request.content if isinstance(request.stream, httpx.ByteStream) else b""


def _masked(request: httpx.Request) -> bytes:
    return secrets_in_body(_body(request))


def _leaves(request: httpx.Request) -> dict[str, str]:
    kind = request.headers.get("content-type", "")
    return of_request(request.method, secrets_in_url(str(request.url)), kind, _masked(request))


def _said(leaves: Mapping[str, str], volatile: Collection[str]) -> Said:
    names = {name.lower() for name in volatile}
    return frozenset((w, v) for w, v in leaves.items() if MASK not in v and last_name(w) not in names)


def _leaves_of(told: Opened) -> dict[str, str]:
    kind = next((value for name, value in told.headers.items() if name.lower() == "content-type"), "")
    return of_request(told.method, told.url, kind, told.body)


def _shown(body: bytes) -> str:
    return body.decode("utf-8", "replace")
