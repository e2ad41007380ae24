"""What really happened at the remote, in order: tests and the demo compare it with the bus's own ledger."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

_encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode


def canonical(content: Any) -> bytes:
    """The same bytes for the same content, whatever the order of keys."""
    return _encode(content).encode()


def digest(content: bytes) -> bytes:
    return hashlib.blake2b(content, digest_size=16).digest()


@dataclass(frozen=True, slots=True)
class Effect:
    """One change of the remote's state."""

    number: int
    at: datetime
    dossier: str
    kind: str
    hash: bytes
    count: int
    """How often this very content has had this effect on this dossier: 1 the first time."""
    before: str | None
    after: str | None
    flags: tuple[str, ...]

    def show(self) -> dict[str, Any]:
        return {
            "number": self.number,
            "at": self.at.isoformat(),
            "dossier": self.dossier,
            "kind": self.kind,
            "hash": self.hash.hex(),
            "count": self.count,
            "before": self.before,
            "after": self.after,
            "flags": list(self.flags),
        }


class Ledger:
    """Effects, only ever added to (until a reset)."""

    def __init__(self) -> None:
        self._effects: list[Effect] = []
        self._by_dossier: dict[str, list[int]] = {}
        self._seen: Counter[tuple[str, str, bytes]] = Counter()
        self.kinds: Counter[str] = Counter()
        self.flags: Counter[str] = Counter()

    def record(
        self,
        at: datetime,
        dossier: str,
        kind: str,
        content: bytes,
        *,
        before: str | None = None,
        after: str | None = None,
        once: bool = False,
        flags: tuple[str, ...] = (),
    ) -> Effect:
        """Write an effect down. ``once``: the same content again is a ``double``, a harm done by a repeat."""
        key = (dossier, kind, digest(content))
        self._seen[key] += 1
        count = self._seen[key]
        if once and count > 1:
            flags = (*flags, "double")
        effect = Effect(len(self._effects) + 1, at, dossier, kind, key[2], count, before, after, flags)
        self._effects.append(effect)
        self._by_dossier.setdefault(dossier, []).append(len(self._effects) - 1)
        self.kinds[kind] += 1
        if flags:
            self.flags.update(flags)
        return effect

    def __len__(self) -> int:
        return len(self._effects)

    def of(self, dossier: str) -> list[Effect]:
        return [self._effects[i] for i in self._by_dossier.get(dossier, ())]

    def after(self, number: int, limit: int, *, kind: str | None = None, flag: str | None = None) -> Iterator[Effect]:
        """At most ``limit`` effects that came after ``number``."""
        found = 0
        for index in range(max(number, 0), len(self._effects)):
            effect = self._effects[index]
            if (kind is None or effect.kind == kind) and (flag is None or flag in effect.flags):
                yield effect
                found += 1
                if found >= limit:
                    return

    def summary(self) -> dict[str, Any]:
        return {
            "effects": len(self._effects),
            "dossiers": len(self._by_dossier),
            "kinds": dict(self.kinds),
            "doubles": self.flags["double"],
            "out_of_order": self.flags["out_of_order"],
            "flags": dict(self.flags),
        }
