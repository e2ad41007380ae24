"""The control API of a mock, below ``/_mock/<system>/``. It has no access control: serve it on loopback only."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from mocks.kit.clock import Clock

if TYPE_CHECKING:
    from mocks.kit.app import Mock


async def given(request: Request) -> Any:
    """The JSON body, ``{}`` where there is none."""
    body = await request.body()
    return json.loads(body) if body.strip() else {}


def number(request: Request, name: str, default: int) -> int:
    return int(request.query_params.get(name, default))


def guarded(work: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """A mistake in a control call is told as 400 with the reason."""

    async def endpoint(request: Request) -> Response:
        try:
            answer = await work(request)
        except (ValueError, TypeError, KeyError, AttributeError, OverflowError) as error:
            return JSONResponse({"error": str(error)}, status_code=400)
        return answer if isinstance(answer, Response) else JSONResponse(answer)

    return endpoint


def route(mock: Mock, path: str, method: str, work: Callable[[Request], Any]) -> BaseRoute:
    return Route(f"/_mock/{mock.name}/{path}", guarded(work), methods=[method])


async def turned(clock: Clock, request: Request) -> Any:
    """What the clock shows, after a POST turned it. All of the turn is understood before any of it is done."""
    if request.method == "POST":
        body = await given(request)
        if not isinstance(body, dict) or not body.keys() & {"set", "advance", "real"}:
            raise ValueError(
                'give {"set": "2026-11-23T08:00:00+07:00", "frozen": true}, {"advance": 60} or {"real": true}'
            )
        at = datetime.fromisoformat(body["set"]) if "set" in body else None
        seconds = float(body.get("advance", 0))
        clock.turn(at, seconds, real=bool(body.get("real")), frozen=bool(body.get("frozen", True)))
    return {"clock": clock.now().isoformat(), "frozen": clock.frozen}


def shared_clock(clock: Clock) -> BaseRoute:
    """``/_mock/clock``: the clock that all mocks of a port go by."""

    async def endpoint(request: Request) -> Any:
        return await turned(clock, request)

    return Route("/_mock/clock", guarded(endpoint), methods=["GET", "POST"])


def routes(mock: Mock) -> list[BaseRoute]:
    async def health(_: Request) -> Any:
        return {"status": "ok", "system": mock.name}

    async def state(_: Request) -> Any:
        return {
            "system": mock.name,
            "clock": mock.clock.now().isoformat(),
            "settings": mock.settings(),
            "calls": dict(mock.calls),
            "refused": dict(mock.refused),
            "warnings": mock.warned,
            "ledger": mock.ledger.summary(),
            **mock.state(),
        }

    async def ledger(request: Request) -> Any:
        dossier = request.query_params.get("dossier")
        if dossier is not None:
            effects = mock.ledger.of(dossier)
        else:
            kind, flag = request.query_params.get("kind"), request.query_params.get("flag")
            limit = min(max(number(request, "limit", 1000), 1), 10_000)
            effects = list(mock.ledger.after(number(request, "after", 0), limit, kind=kind, flag=flag))
        return {
            **mock.ledger.summary(),
            "next": effects[-1].number if effects else None,
            "entries": [effect.show() for effect in effects],
        }

    async def faults(_: Request) -> Any:
        return {"faults": mock.faults.show()}

    async def add_faults(request: Request) -> Any:
        body = await given(request)
        wanted = body if isinstance(body, list) else body.get("faults", [body])
        return {"faults": [mock.faults.add(fault).show() for fault in wanted]}

    async def remove_faults(request: Request) -> Any:
        one = request.query_params.get("id")
        return {"removed": mock.faults.remove(None if one is None else int(one))}

    async def reset(_: Request) -> Any:
        await mock.close()
        if mock.owns_clock:  # a clock that others go by is turned back at /_mock/clock only
            mock.clock.real()
        mock.start_over()
        return {"status": "ok"}

    async def clock(request: Request) -> Any:
        return await turned(mock.clock, request)

    async def violations(request: Request) -> Any:
        kind = request.query_params.get("kind")
        found = [v for v in mock.violations if kind is None or v["kind"] == kind]
        limit = number(request, "limit", 200)
        return {"refused": sum(mock.refused.values()), "warnings": mock.warned, "violations": found[-limit:]}

    async def settings(request: Request) -> Any:
        if request.method == "POST":
            mock.change_settings(await given(request))
        return mock.settings()

    return [
        route(mock, "health", "GET", health),
        route(mock, "state", "GET", state),
        route(mock, "ledger", "GET", ledger),
        route(mock, "faults", "GET", faults),
        route(mock, "faults", "POST", add_faults),
        route(mock, "faults", "DELETE", remove_faults),
        route(mock, "reset", "POST", reset),
        route(mock, "clock", "GET", clock),
        route(mock, "clock", "POST", clock),
        route(mock, "violations", "GET", violations),
        route(mock, "settings", "GET", settings),
        route(mock, "settings", "POST", settings),
    ]
