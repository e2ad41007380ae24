"""What can go wrong, by operation, rate, count and seed. Each fault draws from its own seeded chance."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

BEFORE = frozenset(
    {"refuse", "cut_before", "slow", "status", "html", "expired_session", "duplicate"}
)  # the remote's state stays as it is
AFTER = frozenset({"cut_after", "cut_midway", "drip", "garbled", "empty", "partial_catalogue", "wrong_content_type"})
KINDS = BEFORE | AFTER
"""
refuse              connection reset, nothing read, nothing answered
cut_before          connection closed without an answer, no effect
slow                ``seconds`` pass before the call is handled
status              answers ``status`` (503) with plain text; no effect unless ``effect``
html                answers an HTML page with ``status`` (200 or 502); no effect unless ``effect``
expired_session     the session is forgotten before the call is handled
duplicate           a create is answered as if the thing existed already; no effect
cut_after           the effect happens, connection closed without an answer
cut_midway          the effect happens, connection closed in the middle of the answer
drip                the effect happens, the answer comes byte by byte over ``seconds``
garbled             the effect happens, half of the JSON is answered, complete in the eyes of HTTP
empty               the effect happens, 200 with an empty body
partial_catalogue   a list is cut to its first ``share`` (0.1)
wrong_content_type  the right body under text/plain
"""


@dataclass(slots=True)
class Fault:
    kind: str
    operation: str = "*"
    rate: float = 1.0
    count: int | None = None
    """How often it may strike; None = always."""
    skip: int = 0
    """How many calls it lets pass first."""
    seed: int = 0
    seconds: float = 1.0
    status: int = 0
    share: float = 0.1
    effect: bool = False
    id: int = 0
    seen: int = 0
    struck: int = 0
    chance: random.Random = field(default_factory=random.Random, repr=False)

    def matches(self, operation: str) -> bool:
        return self.operation in ("*", operation) or (
            self.operation.endswith("*") and operation.startswith(self.operation[:-1])
        )

    def wants(self) -> bool:
        """Draw for one matching call. What it wants does not depend on the other faults."""
        self.seen += 1
        draw = self.chance.random()
        return self.seen > self.skip and (self.count is None or self.struck < self.count) and draw < self.rate

    def show(self) -> dict[str, Any]:
        return {
            name: getattr(self, name)
            for name in ("id", "kind", "operation", "rate", "count", "skip", "seed", "seconds", "status", "share",
                         "effect", "seen", "struck")
        }  # fmt: skip


class Plan:
    """The faults switched on. The first that strikes is the one that happens; every match draws."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed
        self._next = 1
        self._faults: list[Fault] = []

    def add(self, given: Mapping[str, Any]) -> Fault:
        """Switch a fault on; ``ValueError`` names what is wrong with the description."""
        allowed = {"kind", "operation", "rate", "count", "skip", "seed", "seconds", "status", "share", "effect"}
        if unknown := sorted(set(given) - allowed):
            raise ValueError(f"a fault has no {', '.join(unknown)}; it has {', '.join(sorted(allowed))}")
        kind = given.get("kind")
        if kind not in KINDS:
            raise ValueError(f"kind must be one of {', '.join(sorted(KINDS))}")
        for name, kinds in _TYPES.items():
            if name in given and (not isinstance(given[name], kinds) or (kinds is not bool and given[name] is True)):
                raise ValueError(f"{name} is of the wrong type")
        values = dict(given)
        values.setdefault("seed", self._seed)
        values.setdefault("status", 502 if kind == "html" else 503)
        fault = Fault(**values)
        if not 0 <= fault.rate <= 1:
            raise ValueError("rate must be from 0 to 1")
        fault.id = self._next
        self._next += 1
        fault.chance = random.Random(f"{fault.seed}:{fault.id}:{fault.kind}:{fault.operation}")
        self._faults.append(fault)
        return fault

    def draw(self, operation: str) -> Fault | None:
        struck = None
        for fault in self._faults:
            if fault.matches(operation) and fault.wants() and struck is None:
                struck = fault
        if struck is not None:
            struck.struck += 1
        return struck

    def remove(self, number: int | None = None) -> int:
        before = len(self._faults)
        self._faults = [] if number is None else [f for f in self._faults if f.id != number]
        return before - len(self._faults)

    def show(self) -> list[dict[str, Any]]:
        return [fault.show() for fault in self._faults]


_TYPES: dict[str, Any] = {
    "operation": str,
    "rate": int | float,
    "count": int | None,
    "skip": int,
    "seed": int,
    "seconds": int | float,
    "status": int,
    "share": int | float,
    "effect": bool,
}
