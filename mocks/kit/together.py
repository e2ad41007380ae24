"""Several mocks on one port, told apart by the first part of the path."""

from __future__ import annotations

from collections.abc import Iterable

from starlette.responses import JSONResponse, PlainTextResponse
from starlette.routing import Router
from starlette.types import Receive, Scope, Send

from mocks.kit import control
from mocks.kit.app import Mock, lifespan
from mocks.kit.clock import Clock
from mocks.kit.origin import foreign


class Together:
    def __init__(self, mocks: Iterable[Mock], clock: Clock) -> None:
        self.mocks = {mock.name: mock for mock in mocks}
        self.clock = clock
        self._clock = Router(routes=[control.shared_clock(clock)])

    def __getitem__(self, name: str) -> Mock:
        return self.mocks[name]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await lifespan(receive, send, list(self.mocks.values()))
            return
        if scope["type"] != "http":
            return
        parts: list[str] = scope["path"].split("/", 3)
        steered = parts[1:2] == ["_mock"]
        name = parts[2] if steered and len(parts) > 2 else parts[1] if len(parts) > 1 else ""
        if (mock := self.mocks.get(name)) is not None:
            await mock(scope, receive, send)
        elif (refusal := foreign(scope)) is not None:
            await JSONResponse({"error": refusal}, status_code=403)(scope, receive, send)
        elif scope["path"] == "/_mock/clock":
            await self._clock(scope, receive, send)
        elif steered and name in ("", "health"):
            await JSONResponse({"status": "ok", "systems": sorted(self.mocks)})(scope, receive, send)
        else:
            words = f"no such mock; there are: {', '.join(sorted(self.mocks))}"
            await PlainTextResponse(words, status_code=404)(scope, receive, send)
