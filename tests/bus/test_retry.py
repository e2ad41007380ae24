"""Backoff: doubles, capped, with seeded jitter."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lgsp.retry import backoff


@pytest.mark.parametrize(("attempts", "least", "most"), [
    (0, 0.5, 1), (1, 0.5, 1), (2, 1, 2), (3, 2, 4), (4, 4, 8), (9, 128, 256), (10, 150, 300), (1000, 150, 300),
    (10**9, 150, 300),
])  # fmt: skip
def test_the_wait_lies_between_half_and_the_whole(attempts: int, least: float, most: float) -> None:
    for seed in range(50):
        assert least <= backoff(attempts, first=1, cap=300, seed=str(seed)) <= most


@given(st.integers(0, 10**6), st.floats(0.001, 100), st.floats(0.001, 1000), st.text(max_size=5))
def test_it_is_finite_positive_capped_and_the_same_for_the_same_seed(
    n: int, first: float, cap: float, seed: str
) -> None:
    wait = backoff(n, first=first, cap=cap, seed=seed)
    assert 0 < wait <= cap
    assert wait == backoff(n, first=first, cap=cap, seed=seed)


def test_many_that_failed_together_do_not_come_back_together() -> None:
    waits = {round(backoff(5, first=1, cap=300, seed=f"key-{n}"), 1) for n in range(200)}
    assert len(waits) > 50
