"""A one-stop system's REST v2, as OpenCPS shows it to an integrator, strict and stateful, below ``/onestop/o/rest/v2``.

Basic lgsp / secret, header groupId 55301.
"""

from __future__ import annotations

import base64
import re
from dataclasses import dataclass
from hmac import compare_digest
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable, decomposed
from mocks.onestop.control import routes
from mocks.onestop.store import Store

BASE = "/onestop/o/rest/v2/"
_PATH = re.compile(re.escape(BASE) + r"dossiers(?:/([^/]+)(?:/(actions|payments|files))?)?")
_OPERATIONS = {
    ("GET", "dossiers"): "dossiers.list",
    ("POST", "dossiers"): "dossiers.create",
    ("GET", "dossier"): "dossiers.get",
    ("GET", "actions"): "actions.list",
    ("POST", "actions"): "actions.create",
    ("GET", "payments"): "payments.list",
    ("PUT", "payments"): "payments.update",
    ("POST", "payments"): "payments.update",
    ("POST", "files"): "files.create",
}


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/onestop/settings`` can change."""

    username: str = "lgsp"
    password: str = "secret"
    group_id: str = "55301"


class OneStop(Mock):
    name = "onestop"
    contract = Path(__file__).parents[2] / "connectors" / "onestop" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.store = Store(self.clock, self.ledger)
        self._rejected: set[str] = set()

    def operation(self, call: Call) -> str:
        match = _PATH.fullmatch(call.path)
        if match is None:
            return "unknown"
        what = match[2] or ("dossier" if match[1] else "dossiers")
        return _OPERATIONS.get((call.method, what), "unknown")

    def handle(self, call: Call, operation: str) -> Answer:
        if refused := self._refused_caller(call, operation):
            return refused
        match = _PATH.fullmatch(call.path)
        if match is None:
            return self._no(404, "NOT_FOUND", "no such path", operation)
        if operation == "unknown":
            return self._no(405, "METHOD_NOT_ALLOWED", "this path does not take that method", operation)
        if operation == "dossiers.list":
            return self._list(call, operation)
        if operation == "dossiers.create":
            return self._create(call, operation)
        number = match[1] or ""
        dossier = self.store.find(number)
        if dossier is None:
            return self._no(404, "NOT_FOUND", "no such dossier", operation)
        if operation == "dossiers.get":
            return Answer(dossier.record, schema="dossier.answer")
        if operation == "actions.list":
            return Answer(_page(dossier.actions), schema="actions.answer")
        if operation == "payments.list":
            return Answer(_page([] if dossier.payment is None else [dossier.payment]), schema="payments.answer")
        data = self.judged(call, f"{operation}.request")
        if decomposed(call.body):
            self.note(operation, "warning", ["text is not in Unicode form NFC"], dossier.record["dossierNo"])
        if operation == "actions.create":
            return Answer(self.store.act(dossier, data), schema="action.answer")
        if operation == "payments.update":
            return Answer(self.store.pay(dossier, data), schema="payment.answer")
        return Answer(self.store.attach(dossier, data), schema="file.answer")

    def _refused_caller(self, call: Call, operation: str) -> Answer | None:
        wanted = base64.b64encode(f"{self.options.username}:{self.options.password}".encode()).decode()
        scheme, _, given = call.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "basic" or not compare_digest(given.strip().encode(), wanted.encode()):
            answer = self._no(401, "UNAUTHORIZED", "unknown user or wrong password", operation)
            answer.headers["www-authenticate"] = 'Basic realm="onestop"'
            return answer
        if given in self._rejected:  # fault expired_session: the next call is refused, once
            self._rejected.discard(given)
            return self._no(401, "UNAUTHORIZED", "the session has expired", operation)
        if call.headers.get("groupid") != self.options.group_id:
            return self._no(403, "FORBIDDEN", "header groupId is missing or names another site", operation)
        return None

    def _list(self, call: Call, operation: str) -> Answer:
        known = {"modifiedSince", "start", "end", "dossierNo", "referenceUid", "status", "service", "agency", "order"}
        if unknown := sorted(set(call.query) - known):
            return self._no(400, "BAD_REQUEST", f"unknown query: {', '.join(unknown)}", operation)
        try:
            since = int(call.query.get("modifiedSince", "0"))
            start = int(call.query.get("start", "0"))
            end = int(call.query.get("end", str(start + 15)))
        except ValueError:
            return self._no(400, "BAD_REQUEST", "modifiedSince, start and end are whole numbers", operation)
        if start < 0 or end < start or end - start > 1000:
            return self._no(400, "BAD_REQUEST", "start and end span at most 1000", operation)
        found = self.store.search(since, call.query)
        return Answer({"total": len(found), "data": found[start:end]}, schema="dossiers.answer")

    def _create(self, call: Call, operation: str) -> Answer:
        data = self.judged(call, "dossiers.create.request")
        known = self.store.by_reference(data["referenceUid"])
        if known is None:
            if not self.store.knows_service(data["serviceCode"]):
                return self._no(400, "BAD_REQUEST", "serviceCode: no such procedure here", operation)
            known = self.store.create(data)
        elif not known.made_from(data):
            self.note(operation, "warning", ["another body under a known referenceUid"], known.record["dossierNo"])
        if decomposed(call.body):
            self.note(operation, "warning", ["text is not in Unicode form NFC"], known.record["dossierNo"])
        return Answer(known.record, schema="dossier.answer")

    def _no(self, status: int, code: str, words: str, operation: str) -> Answer:
        self.note(operation, "refused", [words])
        return Answer({"code": code, "message": words}, status=status, schema="error.answer")

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return Answer({"code": "BAD_REQUEST", "message": error.reason}, status=error.status, schema="error.answer")

    def breach(self, call: Call, error: Breach) -> Answer:
        words = "; ".join(error.problems)
        return Answer({"code": "BAD_REQUEST", "message": words}, status=400, schema="error.answer")

    def expire(self, call: Call) -> None:
        self._rejected.add(call.headers.get("authorization", "").partition(" ")[2])

    def as_duplicate(self, call: Call, operation: str) -> Answer | None:
        if operation not in ("dossiers.create", "files.create"):
            return None
        return Answer({"code": "CONFLICT", "message": "đã tồn tại"}, status=409, schema="error.answer")

    def cut_catalogue(self, answer: Answer, share: float) -> None:
        data = answer.data
        if isinstance(data, dict) and isinstance(data.get("data"), list):
            answer.data = {**data, "data": data["data"][: int(len(data["data"]) * share)]}
            answer.body = None

    def control_routes(self) -> list[BaseRoute]:
        return [*super().control_routes(), *routes(self)]

    def state(self) -> dict[str, Any]:
        return self.store.summary()


def _page(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"total": len(rows), "data": rows}


def make(*, seed: int = 0, clock: Clock | None = None) -> OneStop:
    return OneStop(seed=seed, clock=clock)
