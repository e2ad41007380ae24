"""The ASGI base of a mock: judge the request, let it happen, judge the answer; faults strike in between."""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.responses import JSONResponse
from starlette.routing import BaseRoute, Router
from starlette.types import Receive, Scope, Send

from mocks.kit import http
from mocks.kit.clock import Clock
from mocks.kit.faults import Fault, Plan
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Judge, Unreadable, decode
from mocks.kit.ledger import Ledger
from mocks.kit.origin import foreign

_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head><body><h1>{0}</h1><p>Hệ thống đang bảo trì.</p></body></html>"
)


class Mock:
    """One remote system. A subclass names the operation of a call and handles it; state is lost on ``reset``."""

    name = ""
    contract: Path

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.seed = seed
        self.owns_clock = clock is None
        self.clock = clock or Clock()
        self.judge = Judge(self.contract)
        self.sleep: Callable[[float], Awaitable[Any]] = asyncio.sleep
        self._control = Router(routes=self.control_routes())
        self.start_over()

    # --- what a subclass says ---------------------------------------------------------------------------------------

    def operation(self, call: Call) -> str:
        """The name of what is called, by which faults are chosen. Never raises."""
        raise NotImplementedError

    def handle(self, call: Call, operation: str) -> Answer:
        raise NotImplementedError

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return http.text(error.status, error.reason)

    def breach(self, call: Call, error: Breach) -> Answer:
        raise NotImplementedError

    def expire(self, call: Call) -> None:
        """Forget the session or token of this call."""

    def as_duplicate(self, call: Call, operation: str) -> Answer | None:
        """How a create is refused because the thing exists; None if this operation creates nothing."""
        return None

    def cut_catalogue(self, answer: Answer, share: float) -> None:
        """Keep only the first ``share`` of a list."""

    def control_routes(self) -> list[BaseRoute]:
        from mocks.kit import control

        return control.routes(self)

    def state(self) -> dict[str, Any]:
        return {}

    def settings(self) -> dict[str, Any]:
        """What ``POST /_mock/<system>/settings`` can change: the plain values of ``options``, where there are any."""
        options = getattr(self, "options", None)
        return {} if options is None else asdict(options)

    def change_settings(self, given: dict[str, Any]) -> None:
        """All of them or, where one does not fit, none."""
        known = {name: type(value) for name, value in self.settings().items()}
        for name, value in given.items():
            if name not in known or not isinstance(value, known[name]):
                there = ", ".join(sorted(known)) or "none"
                raise ValueError(f"{name}: no such setting, or of another type (there are: {there})")
        for name, value in given.items():
            setattr(getattr(self, "options"), name, value)  # noqa: B009 - a subclass declares its type

    def start_over(self) -> None:
        """Forget everything that happened, the faults too."""
        self.faults = Plan(self.seed)
        self.ledger = Ledger()
        self.calls: Counter[str] = Counter()
        self.refused: Counter[str] = Counter()
        self.warned = 0
        self.violations: deque[dict[str, Any]] = deque(maxlen=2000)

    async def close(self) -> None:
        """End what runs by itself."""

    # --- what a subclass uses ---------------------------------------------------------------------------------------

    def judged(self, call: Call, schema: str) -> Any:
        """The decoded body, if it is what the schema publishes."""
        if call.problem is not None:
            raise call.problem
        if call.data is None:
            call.data = decode(call.body, call.content_type)
        self.judge.check(schema, call.data)
        return call.data

    def peek(self, call: Call) -> Any:
        """The decoded body before any judgement; None where it is unreadable (``judged`` then raises)."""
        if call.data is None and call.problem is None:
            try:
                call.data = decode(call.body, call.content_type)
            except Unreadable as error:
                call.problem = error
        return call.data

    def note(self, operation: str, kind: str, problems: list[str], dossier: str = "") -> None:
        """Write a violation (``refused``, ``answer``) or a ``warning`` down; no values of a message in it."""
        if kind == "warning":
            self.warned += 1
        else:
            self.refused[operation] += 1
        self.violations.append(
            {
                "at": self.clock.now().isoformat(),
                "operation": operation,
                "kind": kind,
                "dossier": dossier,
                "problems": problems,
            }
        )

    # --- ASGI -------------------------------------------------------------------------------------------------------

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, [self])
            return
        if scope["type"] != "http":
            return
        path: str = scope["path"]
        if path.startswith("/_mock/"):
            if (refusal := foreign(scope)) is not None:
                await JSONResponse({"error": refusal}, status_code=403)(scope, receive, send)
                return
            await self._control(scope, receive, send)
            return
        call = await http.read(scope, receive)
        if call is None:
            await http.cut(receive, send)
            return
        operation = self.operation(call)
        self.calls[operation] += 1
        fault = self.faults.draw(operation)
        if fault is None:
            await http.respond(self._answer(call, operation), send)
        else:
            await self._strike(fault, call, operation, receive, send)

    def _answer(self, call: Call, operation: str) -> Answer:
        try:
            answer = self.handle(call, operation)
        except Unreadable as error:
            self.note(operation, "refused", [error.reason])
            answer = self.unreadable(call, error)
        except Breach as error:
            self.note(operation, "refused", error.problems)
            answer = self.breach(call, error)
        if answer.schema is not None:
            try:
                self.judge.check(answer.schema, answer.data)
            except Breach as error:
                self.note(operation, "answer", error.problems)
                return http.text(500, f"the mock's own answer breaks {error}")
        return answer

    async def _strike(self, fault: Fault, call: Call, operation: str, receive: Receive, send: Send) -> None:
        kind = fault.kind
        if kind in ("refuse", "cut_before"):
            await http.cut(receive, send, reset=kind == "refuse")
            return
        if kind == "slow":
            await self.sleep(fault.seconds)
        elif kind == "expired_session":
            self.expire(call)
        elif kind == "duplicate" and (answer := self.as_duplicate(call, operation)) is not None:
            await http.respond(answer, send)
            return
        elif kind in ("status", "html"):
            if fault.effect:
                self._answer(call, operation)
            page = http.text(fault.status, f"HTTP {fault.status}")
            if kind == "html":
                page = http.text(fault.status, _PAGE.format(fault.status), "text/html; charset=utf-8")
            await http.respond(page, send)
            return
        answer = self._answer(call, operation)
        if kind == "cut_after":
            await http.cut(receive, send)
        elif kind == "cut_midway":
            await http.cut(receive, send, answer=answer)
        elif kind == "drip":
            await http.drip(answer, send, fault.seconds, self.sleep)
        else:
            if kind == "garbled":
                whole = answer.encoded()
                answer.body = whole[: max(1, len(whole) // 2)]
            elif kind == "empty":
                answer.body = b""
            elif kind == "wrong_content_type":
                answer.media = "text/plain; charset=utf-8"
            elif kind == "partial_catalogue":
                self.cut_catalogue(answer, fault.share)
            await http.respond(answer, send)


async def lifespan(receive: Receive, send: Send, mocks: list[Mock]) -> None:
    while True:
        message = await receive()
        if message["type"] == "lifespan.startup":
            await send({"type": "lifespan.startup.complete"})
        elif message["type"] == "lifespan.shutdown":
            for mock in mocks:
                await mock.close()
            await send({"type": "lifespan.shutdown.complete"})
            return
