"""The register of persons, in memory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach
from mocks.kit.ledger import canonical


@dataclass(slots=True)
class Options:
    username: str = "lgsp"
    password: str = "secret"


class Register(Mock):
    name = "sample"
    contract = Path(__file__).parent / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self._sessions: set[str] = set()
        self._given = 0
        self._entries: dict[str, int] = {}

    def operation(self, call: Call) -> str:
        return call.path.rpartition("/")[2]

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "login":
            told = self.judged(call, "login.request")
            if (told["username"], told["password"]) != (self.options.username, self.options.password):
                return Answer({"error": "account"}, status=403)
            self._given += 1
            self._sessions.add(session := f"session-{self._given:08d}")
            return Answer({"session": session})
        if call.headers.get("x-session", "") not in self._sessions:
            return Answer({"error": "session"}, status=401)
        if operation == "find_person":
            told = self.judged(call, "find.request")
            return Answer({"name": f"Nguyễn Văn Mẫu {told['personalId'][-4:]}"}, schema="person.answer")
        if operation != "enter":
            return Answer({"error": "no such service"}, status=404)
        told = self.judged(call, "enter.request")
        key = call.headers.get("idempotency-key", "")
        if not key:
            return Answer({"error": "Idempotency-Key"}, status=422)
        if key not in self._entries:
            self._entries[key] = len(self._entries) + 1
            self.ledger.record(self.clock.now(), told["dossier"], "enter", canonical(told), once=True)
        return Answer({"number": self._entries[key]}, schema="entered.answer")

    def breach(self, call: Call, error: Breach) -> Answer:
        return Answer({"error": error.problems[0]}, status=422)

    def expire(self, call: Call) -> None:
        self._sessions.discard(call.headers.get("x-session", ""))


def make(*, seed: int = 0, clock: Clock | None = None) -> Register:
    return Register(seed=seed, clock=clock)
