"""Calls of many dossiers at once keep their answers apart, and each exchange stays with its own delivery."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from lgsp.ledger.types import State
from lgsp.testing.conformance import Case, Rig, Send, cases, rig_of

pytestmark = pytest.mark.anyio
NUMBERS = range(1, 9)


def told_apart() -> list[Case]:
    """Examples whose request says which dossier it is for."""
    return [case for case in cases() if "{n}" in json.dumps(case.example["request"])]


async def readied(rig: Rig) -> None:
    for number in NUMBERS:
        await rig.before(number)


class Gate:
    """Lets a round of calls through when all of them have arrived, so that all are in flight at the same time."""

    def __init__(self) -> None:
        self._waiting: list[asyncio.Future[None]] = []
        self.most = 0

    async def __call__(self, _number: int, request: httpx.Request, send: Send) -> httpx.Response:
        response = await send(request)
        gate: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(gate)
        self.most = max(self.most, len(self._waiting))
        await gate
        return response

    async def open(self, tasks: Sequence[asyncio.Task[Any]]) -> None:
        """Answers leave in the order in which the requests came, but only after nothing more can come."""
        while not all(task.done() for task in tasks):
            before = -1
            while before != len(self._waiting):
                before = len(self._waiting)
                for _ in range(25):
                    await asyncio.sleep(0)
            round_, self._waiting = self._waiting, []
            for gate in round_:
                gate.set_result(None)


@pytest.mark.parametrize("case", told_apart(), ids=str)
async def test_many_calls_at_once_get_their_own_answers(case: Case) -> None:
    async with rig_of(case) as rig:
        await readied(rig)
        expected = [await rig.call(number) for number in NUMBERS]
    async with rig_of(case) as rig:
        await readied(rig)
        gate = Gate()
        rig.tap.strike(gate)
        tasks = [asyncio.create_task(rig.call(number)) for number in NUMBERS]
        await gate.open(tasks)
        assert [task.result() for task in tasks] == expected
        assert gate.most > 1, "they were in flight together"


@pytest.mark.parametrize("case", told_apart(), ids=str)
async def test_each_exchange_belongs_to_its_delivery(case: Case) -> None:
    async with rig_of(case) as rig:
        await readied(rig)
        start = len(rig.sink.opened)
        gate = Gate()
        rig.tap.strike(gate)
        tasks = [asyncio.create_task(rig.deliver(number)) for number in NUMBERS]
        await gate.open(tasks)
        assert {task.result().state for task in tasks} == {State.DONE}
        for opened in rig.sink.opened[start:]:
            if not opened.effect and opened.delivery is None:
                continue
            assert opened.delivery in NUMBERS
            text = opened.body.decode() + opened.url
            others = [n for n in NUMBERS if n != opened.delivery and f"{n:04d}" in _named(case, text)]
            assert others == [], f"the exchange of delivery {opened.delivery} speaks of {others}"
            assert opened.dossier.endswith(f"{opened.delivery:04d}")


def _named(case: Case, text: str) -> str:
    """The parts of a message in which the example says which dossier it is for."""
    marks = {part.partition("{n}")[0][-6:] for part in _templates(case.example["request"])}
    found = []
    for mark in marks:
        pieces = text.split(mark)[1:] if mark else [text]
        found += [mark + piece[:4] for piece in pieces]
    return "\n".join(found)


def _templates(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value] if "{n}" in value else []
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [template for one in inner for template in _templates(one)]
