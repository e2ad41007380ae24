"""What the control API of the one-stop system has besides the usual: officials at work, for polling tests."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import BaseRoute

from mocks.kit.control import given, number, route
from mocks.kit.judge import Breach

if TYPE_CHECKING:
    from mocks.onestop import OneStop

_MOVE = {
    "actionCode",
    "actionName",
    "actionUser",
    "actionNote",
    "stepCode",
    "stepName",
    "dueDate",
    "createDate",
    "state",
}


def routes(mock: OneStop) -> list[BaseRoute]:
    def checked(record: dict[str, Any]) -> dict[str, Any]:
        try:
            mock.judge.check("dossier.answer", record)
        except Breach as error:
            raise ValueError(str(error)) from None
        return record

    async def seed(request: Request) -> Any:
        """One dossier or a list: fields of the record; ``referenceUid`` or ``dossierNo`` of a known one changes it. One
        that is ``unlisted`` is found by its number and not among the changes: the system pushes it by itself."""
        body = await given(request)
        seeded = []
        for fields in body if isinstance(body, list) else [body]:
            unlisted = fields.pop("unlisted", False)
            probe = {"dossierId": 1, "referenceUid": "x", "dossierNo": "x", "serviceCode": "x", "dossierStatus": "new",
                     "dossierSubStatus": "", "modifiedDate": 0, **fields}  # fmt: skip
            checked(probe)
            kept = mock.store.put({"serviceCode": "2.000033", **fields}, kind="seed")
            kept.listed = kept.listed and not unlisted
            seeded.append(kept.record)
        return {"dossiers": seeded}

    async def move(request: Request) -> Any:
        """An official acts: an action, and the fields of the record that change with it (``record``)."""
        kept = mock.store.find(request.path_params["number"])
        if kept is None:
            return JSONResponse({"error": "no such dossier"}, status_code=404)
        body = await given(request)
        changes = body.pop("record", {})
        if unknown := sorted(set(body) - _MOVE):
            raise ValueError(f"unknown: {', '.join(unknown)} (known: record, {', '.join(sorted(_MOVE))})")
        checked({**kept.record, **changes})
        if fixed := {"dossierId", "referenceUid", "dossierNo"} & set(changes):
            raise ValueError(f"{', '.join(sorted(fixed))} cannot change")
        action = mock.store.act(
            kept, {"actionCode": "1100", "actionUser": "Trần Thị Mẫu", **body}, kind="move", **changes
        )
        return {"record": kept.record, "action": action}

    async def dossiers(request: Request) -> Any:
        start, limit = max(number(request, "start", 0), 0), min(number(request, "limit", 500), 5000)
        page = [kept.show() for kept in islice(mock.store.dossiers.values(), start, start + limit)]
        following = start + len(page)
        total = len(mock.store.dossiers)
        return {"total": total, "next": following if following < total else None, "dossiers": page}

    async def one(request: Request) -> Any:
        kept = mock.store.find(request.path_params["number"])
        return JSONResponse({"error": "no such dossier"}, status_code=404) if kept is None else kept.show()

    return [
        route(mock, "dossiers", "POST", seed),
        route(mock, "dossiers", "GET", dossiers),
        route(mock, "dossiers/{number}", "GET", one),
        route(mock, "dossiers/{number}/move", "POST", move),
    ]
