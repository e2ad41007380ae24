"""When a delivery is tried again: a value from the number of attempts. Pure."""

from __future__ import annotations

import random


def backoff(attempts: int, *, first: float, cap: float, seed: str) -> float:
    """Seconds to wait after ``attempts`` failed ones: doubled each time up to ``cap``, with jitter from one half to
    the whole. The same seed and attempt give the same wait."""
    whole = min(cap, first * 2.0 ** min(max(attempts - 1, 0), 60))
    chance = random.Random(f"{seed}:{attempts}")  # noqa: S311  # spreads load, guards nothing
    return whole * chance.uniform(0.5, 1.0)
