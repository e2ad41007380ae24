"""The same step, pushed without its number and polled with it, is told once; what merely looks alike is told twice."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lgsp.canonical.dossier import Step
from lgsp.truth.steps import repeats, same
from tests.support.ledgers import NINE

AT = NINE.replace(second=17, microsecond=345_000)
NEXT = AT.replace(second=18, microsecond=0)
PUSHED: dict[str, object] = {"id": "6f1e", "unnumbered": True}
POLLED: dict[str, object] = {"id": "action-9"}


def step(**fields: object) -> Step:
    told = {"id": "s", "dossier": "H21.14-261008-0001", "officer": "Trần Thị Mẫu", "content": "Thẩm định", "at": AT}
    return Step.model_validate({**told, **fields})


TABLE: list[tuple[str, dict[str, object], dict[str, object], bool]] = [
    ("pushed-and-polled", PUSHED, POLLED, True),
    ("pushed-twice", PUSHED, {**PUSHED, "id": "77aa"}, False),
    ("polled-twice", POLLED, {"id": "action-10"}, False),
    ("another-officer", PUSHED, {**POLLED, "officer": "Lê Văn Mẫu"}, False),
    ("other-content", PUSHED, {**POLLED, "content": "Thẩm định lại"}, False),
    ("spaces-and-case", PUSHED, {**POLLED, "officer": "TRẦN  Thị Mẫu ", "content": "thẩm\nđịnh"}, True),
    ("decomposed-letters", PUSHED, {**POLLED, "content": "Tha\u0302\u0309m \u0111i\u0323nh"}, True),
    ("fraction-lost", PUSHED, {**POLLED, "at": AT.replace(microsecond=0)}, True),
    ("fraction-rounded-up", {**PUSHED, "at": AT.replace(microsecond=700_000)}, {**POLLED, "at": NEXT}, True),
    ("seconds-apart", PUSHED, {**POLLED, "at": AT + timedelta(seconds=2)}, False),
    ("minute-only", PUSHED, {**POLLED, "at": AT.replace(second=0, microsecond=0)}, True),
    ("minute-only-of-the-next", PUSHED, {**POLLED, "at": AT.replace(minute=1, second=0, microsecond=0)}, False),
    ("by-position-and-status", {**PUSHED, "position": "Chuyên viên", "status": "processing"}, POLLED, True),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other", "wanted"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_two_steps_are_one(one: dict[str, object], other: dict[str, object], wanted: bool) -> None:
    first, second = step(**one), step(**other)
    assert same(first, second) is same(second, first) is wanted
    assert repeats([first, second]) == repeats([second, first]) == [False, wanted]


def test_done_twice_in_a_second_it_is_told_twice_by_whatever_way_it_comes() -> None:
    pushed, polled = step(**PUSHED), step(**POLLED)
    assert repeats([pushed, pushed, polled, polled]) == [False, False, True, True]
    assert repeats([pushed, polled, pushed, polled]) == [False, True, False, True]
    assert repeats([polled, polled, pushed, polled]) == [False, False, True, False]


seconds = st.sampled_from([0, 1, 17, 18, 45, 60, 61, 77, 120])
steps = st.lists(
    st.builds(
        lambda unnumbered, officer, second: step(
            unnumbered=unnumbered, officer=officer, at=NINE + timedelta(seconds=second)
        ),
        st.booleans(),
        st.sampled_from(["Trần Thị Mẫu", "Lê Văn Mẫu"]),
        seconds,
    ),
    max_size=12,
)


@settings(max_examples=300, deadline=None)
@given(steps)
def test_no_step_is_left_out_and_none_that_could_be_joined_is_told_twice(told: list[Step]) -> None:
    found = repeats(told)
    for kind in (True, False):
        of_kind = [again for one, again in zip(told, found, strict=True) if one.unnumbered is kind]
        others = [one for one in told if one.unnumbered is not kind]
        assert sum(of_kind) <= len(others), "each is the same as one other at most"
    for index, (one, again) in enumerate(zip(told, found, strict=True)):
        twins = [other for other in told[:index] if same(one, other)]
        assert not again or twins, "what is left out was told before"
        assert repeats(told[: index + 1]) == found[: index + 1], "what comes later changes nothing"
    if all(not again for again in found):
        assert not any(same(one, other) for one in told for other in told)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.booleans(), max_size=12))
def test_of_equal_steps_as_many_go_as_the_fuller_source_told(kinds: list[bool]) -> None:
    told = [step(unnumbered=kind) for kind in kinds]
    assert repeats(told).count(False) == max(kinds.count(True), kinds.count(False))
