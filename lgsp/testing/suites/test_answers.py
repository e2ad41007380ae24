"""Whatever comes back that is no answer of the contract is a ``BadAnswer``, at every call that an operation makes."""

from __future__ import annotations

from collections.abc import Callable

import httpx
import pytest

from lgsp.errors import BadAnswer, OutcomeUnknown
from lgsp.testing.conformance import Case, Send, Strike, cases, light_cases, rig_of, told
from lgsp.testing.suites.test_network import calls_of, each_place

pytestmark = pytest.mark.anyio

JSON = "application/json; charset=utf-8"
PAGE = "<!DOCTYPE html><html><body><h1>Hệ thống đang bảo trì, vui lòng thử lại sau</h1></body></html>"

Spoil = Callable[[bytes], tuple[bytes, str]]
"""Makes of the true body another one, with its content type."""

UNREADABLE: dict[str, Spoil] = {
    "half": lambda body: (body[: len(body) // 2], JSON),
    "garbled": lambda body: (body[: len(body) // 2] + b"\xff\xfe{", JSON),
    "empty": lambda body: (b"", JSON),
    "blank": lambda body: (b" \r\n", JSON),
    "html": lambda body: (PAGE.encode(), "text/html; charset=utf-8"),
    "html-called-json": lambda body: (PAGE.encode(), JSON),
    "not-its-charset": lambda body: (b'{"message": "H\xea\x80 th\xd4ng"}', JSON),
    "unknown-charset": lambda body: (b'{"message": "\x93\x9f\x81"}', "application/json; charset=klingon"),
    "image": lambda body: (b"\x89PNG\r\n\x1a\n\x00\x00", "image/png"),
    "xml": lambda body: (b"<?xml version='1.0'?><a>1</a>", "application/xml"),
    "number": lambda body: (b"42", JSON),
    "null": lambda body: (b"null", JSON),
    "list-of-nothing": lambda body: (b"[]", JSON),
    "object-of-nothing": lambda body: (b"{}", JSON),
    "another-contract": lambda body: (b'{"fault": {"faultstring": "no such policy"}}', JSON),
    "nested-without-end": lambda body: (b"[" * 100_000, JSON),
    "a-number-without-end": lambda body: (b'{"error_code": ' + b"9" * 10_000 + b"}", JSON),
}

EVERYWHERE = ("half", "html", "object-of-nothing")
"""Tried at every call of an operation, the log-in too; the others at its last."""

READABLE_OR_BAD: dict[str, Spoil] = {
    "right-under-text-plain": lambda body: (body, "text/plain"),
    "right-under-no-type": lambda body: (body, ""),
    "right-with-a-byte-order-mark": lambda body: (b"\xef\xbb\xbf" + body, JSON),
    "right-in-utf-16": lambda body: (body.decode().encode("utf-16"), "application/json; charset=utf-16"),
    "right-under-a-wrong-charset": lambda body: (body, "application/json; charset=iso-8859-1"),
}


def spoiling(place: int, spoil: Spoil, status: int | None = None) -> Strike:
    """Spoils the answer of the ``place``-th call and of all that follow."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        response = await send(request)
        if number < place:
            return response
        body, kind = spoil(await response.aread())
        headers = {"content-type": kind} if kind else {}
        return httpx.Response(status or response.status_code, headers=headers, content=body, request=request)

    return strike


@pytest.mark.parametrize("kind", EVERYWHERE)
@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_what_cannot_be_read_is_a_bad_answer_at_every_call(case: Case, kind: str) -> None:
    async for place, rig, _ in each_place(case):
        rig.tap.strike(spoiling(place, UNREADABLE[kind]))
        error = await rig.failing()
        assert isinstance(error, BadAnswer), f"call {place}: {type(error).__name__}: {error}"


@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_nothing_else_that_cannot_be_read_is_taken_for_an_answer(case: Case) -> None:
    last = len(await calls_of(case)) - 1
    for kind, spoil in UNREADABLE.items():
        async with rig_of(case) as rig:
            await rig.before()
            rig.forget_grants()
            rig.tap.strike(spoiling(last, spoil))
            error = await rig.failing()
            assert isinstance(error, BadAnswer), f"{kind}: {type(error).__name__}: {error}"


@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_the_right_answer_in_odd_clothes_is_read_or_bad_and_nothing_else(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        expected = await rig.call()
    for kind, spoil in READABLE_OR_BAD.items():
        async with rig_of(case) as rig:
            await rig.before()
            rig.tap.strike(spoiling(0, spoil))
            try:
                answer = await rig.call()
            except BadAnswer:
                continue
            assert answer == expected, kind


@pytest.mark.parametrize("status", [500, 503])
@pytest.mark.parametrize("case", light_cases(), ids=str)
async def test_an_error_page_of_a_gateway_does_not_tell_whether_it_happened(case: Case, status: int) -> None:
    async for place, rig, _ in each_place(case):
        rig.tap.strike(spoiling(place, UNREADABLE["html"], status))
        error = await rig.failing()
        assert isinstance(error, OutcomeUnknown), f"call {place}: {type(error).__name__}"
        assert "<" not in str(error)


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_an_answer_over_the_limit_is_not_read(case: Case) -> None:
    async with rig_of(case, changes={"max_answer_bytes": 1024}) as rig:
        rig.tap.strike(spoiling(0, lambda body: (b'{"x": "' + b"a" * 5000 + b'"}', JSON)))
        error = await rig.failing()
        assert isinstance(error, BadAnswer)
        assert f"systems.{case.system.name}.max_answer_bytes" in str(error)


@pytest.mark.parametrize("case", cases(), ids=str)
async def test_no_value_of_an_answer_is_in_the_error(case: Case) -> None:
    personal = "Nguyễn Thị Bí Mật 052088001234"
    async with rig_of(case) as rig:
        await rig.before()
        rig.tap.strike(
            spoiling(0, lambda body: (f'{{"data": [{{"x": "{personal}"}}], "total": "{personal}"}}'.encode(), JSON))
        )
        error = await rig.failing()
        assert personal not in told(error)
        assert "052088001234" not in told(error)
