"""The National Public Service Portal, strict and stateful: adapter address, session services, G2, DVCLT, its pushes.

Log-in: lgsp.h21 / secret. G2 client: lgsp-h21 / secret. dstcode: VN:GOV:000.00.00.G22:vpcpdvcprovider.
"""

from __future__ import annotations

import random
import re
from dataclasses import asdict, dataclass, fields
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from starlette.routing import BaseRoute

from mocks.kit import http
from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.npsp.catalogue import Catalogue
from mocks.npsp.control import routes
from mocks.npsp.dossiers import Dossier
from mocks.npsp.dvclt import Linked
from mocks.npsp.g2 import Newer
from mocks.npsp.pushes import Pushes
from mocks.npsp.services import Services

_ADAPTER = re.compile(r"/npsp/(?:XrdAdapter|VXPAdapter)/RestService/forward/(.+)")
_MAX_SESSIONS = 10_000


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/npsp/settings`` can change."""

    generation: str = "g1plus"
    """``g1`` or ``g1plus``: which fields are mandatory."""
    lookup_lists_steps: bool = True
    double_encoded: bool = False
    session_seconds: int = 600
    username: str = "lgsp.h21"
    password: str = "secret"
    client_id: str = "lgsp-h21"
    client_secret: str = "secret"
    dstcode: str = "VN:GOV:000.00.00.G22:vpcpdvcprovider"
    share_path: str = "mapi/g"
    integration_path: str = "mapi/g"


class Portal(Mock):
    name = "npsp"
    contract = Path(__file__).parents[2] / "connectors" / "npsp" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.catalogue = Catalogue()
        self.options = Options()
        self.pushes = Pushes(self)
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.chance = random.Random(self.seed)
        self.dossiers: dict[str, Dossier] = {}
        self.questions: dict[str, dict[str, Any]] = {}
        self.ratings: dict[str, dict[str, Any]] = {}
        self._sessions: dict[str, datetime] = {}
        self.opened = 0
        self.services = Services(self)
        self.newer = Newer(self)
        self.linked = Linked(self)
        self.pushes.start_over()

    # --- sessions ---------------------------------------------------------------------------------------------------

    def open_session(self) -> str:
        """A new session or token; the lifetime is told to nobody."""
        key = f"{self.chance.getrandbits(64):016x}"
        self._sessions[key] = self.clock.now() + timedelta(seconds=self.options.session_seconds)
        while len(self._sessions) > _MAX_SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        self.opened += 1
        return key

    def session_lives(self, key: str) -> bool:
        ends = self._sessions.get(key)
        return ends is not None and self.clock.now() < ends

    def expire(self, call: Call) -> None:
        data = self.peek(call)
        key = data.get("session") if isinstance(data, dict) else None
        token = call.headers.get("authorization", "").removeprefix("Bearer ").strip()
        for one in (key, token):
            if isinstance(one, str):
                self._sessions.pop(one, None)

    def expire_all(self) -> int:
        count = len(self._sessions)
        self._sessions.clear()
        return count

    # --- one call ---------------------------------------------------------------------------------------------------

    def operation(self, call: Call) -> str:
        match = _ADAPTER.fullmatch(call.path)
        if match is None:
            return self.newer.operation(call) or self.linked.operation(call) or "unknown"
        if match[1] == "mapi/login":
            return "login"
        data = self.peek(call)
        service = data.get("service") if isinstance(data, dict) else None
        return service[:60] if isinstance(service, str) else "unknown"

    def handle(self, call: Call, operation: str) -> Answer:
        match = _ADAPTER.fullmatch(call.path)
        if match is None:
            if call.path.startswith("/npsp/g2/"):
                return self.newer.handle(call, operation)
            if call.path.startswith("/npsp/dvclt/"):
                return self.linked.handle(call, operation)
            return http.text(404, "Not found")
        wanted = call.query.get("dstcode") or call.headers.get("dstcode")
        if wanted != self.options.dstcode:
            self.note(operation, "refused", ["dstcode: missing" if not wanted else "dstcode: unknown"])
            return http.text(500, "Server.ClientProxy.UnknownMember: no such subsystem behind this adapter")
        if call.method != "POST":
            self.note(operation, "refused", ["method: only POST"])
            return http.text(405, "Method not allowed")
        if match[1] == "mapi/login":
            return self.services.login(call)
        if match[1] not in (self.options.share_path, self.options.integration_path):
            self.note(operation, "refused", ["path: unknown"])
            return http.text(404, "Server.ServerProxy.ServiceFailed: no such path")
        return self.services.serve(call, operation, match[1])

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return http.text(error.status, f"Server.ServerProxy.ServiceFailed: {error.reason}")

    def breach(self, call: Call, error: Breach) -> Answer:
        if call.path.startswith("/npsp/g2/"):
            return self.newer.invalid(error.problems)
        if call.path.startswith("/npsp/dvclt/"):
            return self.linked.invalid(error.problems)
        return self.services.invalid(error.problems)

    def as_duplicate(self, call: Call, operation: str) -> Answer | None:
        data = self.peek(call)
        creates = operation == "DongBoHoSoMC" and isinstance(data, dict) and data.get("isUpdating") == "False"
        return self.services.exists() if creates else None

    def cut_catalogue(self, answer: Answer, share: float) -> None:
        data = answer.data
        result = data.get("result") if isinstance(data, dict) else None
        if isinstance(result, list):
            answer.data = {**data, "result": result[: int(len(result) * share)]}
            answer.body = None

    # --- control ----------------------------------------------------------------------------------------------------

    def control_routes(self) -> list[BaseRoute]:
        return [*super().control_routes(), *routes(self)]

    def state(self) -> dict[str, Any]:
        statuses: dict[str, int] = {}
        for dossier in self.dossiers.values():
            statuses[dossier.status] = statuses.get(dossier.status, 0) + 1
        return {
            "dossiers": len(self.dossiers),
            "statuses": statuses,
            "steps": self.ledger.kinds["step"],
            "sessions_opened": self.opened,
            "questions": len(self.questions),
            "ratings": len(self.ratings),
            "filings": self.pushes.summary(),
        }

    def settings(self) -> dict[str, Any]:
        return asdict(self.options)

    def change_settings(self, given: dict[str, Any]) -> None:
        known = {f.name: type(getattr(self.options, f.name)) for f in fields(Options)}
        for name, value in given.items():
            if name not in known or type(value) is not known[name]:
                raise ValueError(f"{name}: no such setting, or of the wrong type (there are: {', '.join(known)})")
            if name == "generation" and value not in ("g1", "g1plus"):
                raise ValueError("generation must be g1 or g1plus")
        for name, value in given.items():
            setattr(self.options, name, value)

    async def close(self) -> None:
        await self.pushes.close()


def make(*, seed: int = 0, clock: Clock | None = None) -> Portal:
    return Portal(seed=seed, clock=clock)
