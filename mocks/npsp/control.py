"""What the control API of the portal has besides the usual: filing, the stored dossiers, questions, sessions."""

from __future__ import annotations

import json
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import BaseRoute

from mocks.kit.control import given, number, route
from mocks.kit.judge import Breach

if TYPE_CHECKING:
    from mocks.npsp import Portal


def routes(portal: Portal) -> list[BaseRoute]:
    async def file(request: Request) -> Any:
        body = await given(request)
        try:
            filing, task = portal.pushes.file(body)
        except Breach as error:
            raise ValueError(str(error)) from None
        if body.get("wait"):
            await task
        return filing.show()

    async def filings(request: Request) -> Any:
        wanted = request.query_params.get("state")
        found = [f.show() for f in portal.pushes.filings.values() if wanted in (None, f.state)]
        start, limit = number(request, "start", 0), number(request, "limit", 1000)
        return {"summary": portal.pushes.summary(), "filings": found[start : start + limit]}

    async def dossiers(request: Request) -> Any:
        start, limit = max(number(request, "start", 0), 0), min(number(request, "limit", 500), 5000)
        page = [d.show() for d in islice(portal.dossiers.values(), start, start + limit)]
        following = start + len(page)
        return {
            "total": len(portal.dossiers),
            "next": following if following < len(portal.dossiers) else None,
            "dossiers": page,
        }

    async def stream(_: Request) -> Any:
        def lines() -> Iterator[bytes]:
            for dossier in list(portal.dossiers.values()):
                yield json.dumps(dossier.show(), ensure_ascii=False).encode() + b"\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    async def one(request: Request) -> Any:
        found = portal.dossiers.get(request.path_params["code"])
        if found is None:
            return JSONResponse({"error": "no such dossier"}, status_code=404)
        return found.show(whole=True)

    async def questions(request: Request) -> Any:
        body = await given(request)
        by = body.pop("sent_by", "portal")
        if by not in ("portal", "agency") or not isinstance(body.get("HOIDAPID"), str):
            raise ValueError("give HOIDAPID as text and sent_by portal or agency")
        empty = dict.fromkeys(
            (
                "MALINHVUC",
                "MADONVI",
                "TENDONVI",
                "NOIDUNG",
                "HOVATEN",
                "THUDIENTU",
                "DIACHI",
                "SODIENTHOAI",
                "MATTHCDP",
            ),
            "",
        )
        portal.questions[body["HOIDAPID"]] = {**empty, "TRANGTHAI": "1", **body, "sent_by": by}
        return {"questions": len(portal.questions)}

    async def linked(request: Request) -> Any:
        return portal.linked.add(await given(request))

    async def linked_state(_: Request) -> Any:
        return {"dossiers": list(portal.linked.dossiers.values())}

    async def newer_state(_: Request) -> Any:
        return {"dossiers": portal.newer.dossiers}

    async def expire(_: Request) -> Any:
        return {"expired": portal.expire_all()}

    return [
        route(portal, "file", "POST", file),
        route(portal, "filings", "GET", filings),
        route(portal, "dossiers", "GET", dossiers),
        route(portal, "dossiers.ndjson", "GET", stream),
        route(portal, "dossiers/{code:path}", "GET", one),
        route(portal, "questions", "POST", questions),
        route(portal, "dvclt", "POST", linked),
        route(portal, "dvclt", "GET", linked_state),
        route(portal, "g2", "GET", newer_state),
        route(portal, "sessions/expire", "POST", expire),
    ]
