"""Holds the mock portal's ledger against what was pushed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import httpx

from tests.support.feeding import Life


@dataclass
class Difference:
    """What does not agree; all empty is what a test wants."""

    lost: list[str] = field(default_factory=list)
    doubled: list[str] = field(default_factory=list)
    out_of_order: list[str] = field(default_factory=list)


async def dossiers_at(mocks: str) -> dict[str, dict[str, Any]]:
    """All dossiers of the mock portal by code."""
    found: dict[str, dict[str, Any]] = {}
    start: int | None = 0
    async with httpx.AsyncClient(trust_env=False, timeout=30) as client:
        while start is not None:
            answer = await client.get(f"{mocks}/_mock/npsp/dossiers", params={"start": start, "limit": 1000})
            page = answer.json()
            found |= {d["code"]: d for d in page["dossiers"]}
            start = page["next"]
    return found


def compare(lives: list[Life], at_portal: dict[str, dict[str, Any]], final: str = "10") -> Difference:
    """Every dossier there once and in its last status; every step there once, in order of time."""
    result = Difference()
    for life in lives:
        there = at_portal.get(life.code)
        if there is None:
            result.lost.append(life.code)
            continue
        if there["status"] != final:
            result.lost.append(f"{life.code}: status {there['status']}")
        if there["creates"] != 1:
            result.doubled.append(f"{life.code}: created {there['creates']} times")
        steps = [s["NoiDungXuLy"] for s in there["steps"]]
        wanted = [f"Bước {n}" for n in range(life.steps)]
        result.lost += [f"{life.code}: {s}" for s in wanted if s not in steps]
        result.doubled += [f"{life.code}: {s}" for s in set(steps) if steps.count(s) > 1]
        if sorted(set(steps)) == sorted(wanted) and list(dict.fromkeys(steps)) != wanted:
            result.out_of_order.append(f"{life.code}: {steps}")
        order = [int(s) for s in there["statuses"]]
        if order != sorted(order):
            result.out_of_order.append(f"{life.code}: statuses {order}")
    result.lost += [f"{code}: nobody pushed it" for code in at_portal if code not in {life.code for life in lives}]
    return result
