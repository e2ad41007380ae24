"""The one-stop side of the day: each message is sent until it is acknowledged; some twice, some in the wrong order."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from lgsp.demo import messages
from lgsp.demo.http import Control, Door
from lgsp.demo.model import Dossier, State, Step

SWAPPED, TWICE, ECHOED = 0.04, 0.03, 0.02
"""Shares of messages that overtake the one before, or are sent again at once, and of lives whose first message comes
again at their end."""
_PAUSE = 0.15
"""Seconds before a message that was not acknowledged is sent again."""
_REFUSALS = 3
"""Refusals (4xx) after which the one-stop side gives a message up: the comparison will miss it."""
_STALLED = 90.0
"""Seconds without a message fed after which the day is given up."""


@dataclass(frozen=True, slots=True)
class Sending:
    """One message on its way to the front door."""

    told: State | Step
    delay: float = 0.0
    """It left late: the one after it is there already."""
    twice: bool = False
    again: bool = False
    """It was sent before and counts no more."""


@dataclass(slots=True)
class Fed:
    """What was fed so far."""

    total: int = 0
    messages: int = 0
    resent: int = 0
    repeated: int = 0
    swapped: int = 0
    filed: int = 0
    seeded: int = 0
    failures: Counter[str] = field(default_factory=Counter)


@dataclass(slots=True)
class _Journey:
    """A dossier and what is still to be told of it."""

    dossier: Dossier
    number: int
    plan: list[Sending]
    done: int = 0
    local: str = ""
    known: bool = False
    """Whether the mock of the one-stop system has the dossier that is pushed."""
    record: str = ""
    """Its dossierId in the one-stop system's REST v2."""


class Feeder:
    """Feeds dossiers in order of their days. ``slack`` waits while the bus has enough to do."""

    def __init__(
        self,
        dossiers: Sequence[Dossier],
        door: Door,
        control: Control,
        *,
        target: str,
        key: str,
        seed: int,
        workers: int,
        slack: Callable[[], bool],
    ) -> None:
        self._door, self._control, self._target, self._key = door, control, target, key
        self._workers, self._slack = workers, slack
        chance = random.Random(f"{seed} feed")  # noqa: S311 - seeded on purpose
        self.fed = Fed()
        self._journeys = [_Journey(d, n, _plan(d, chance)) for n, d in enumerate(dossiers)]
        for journey in self._journeys:
            journey.local = journey.dossier.code
            self.fed.total += sum(not sending.again for sending in journey.plan) + bool(journey.dossier.national)
            self.fed.swapped += sum(sending.delay > 0 for sending in journey.plan)
        self._queue: asyncio.PriorityQueue[tuple[float, int]] = asyncio.PriorityQueue()
        self._filed: dict[str, _Journey] = {}
        self._left = len(self._journeys)
        self._over = asyncio.Event()
        self._knocking = asyncio.Lock()
        self.locals: dict[str, str] = {}
        """The code that the one-stop system gave to each portal-born dossier."""

    async def run(self) -> None:
        """Return when everything is told and acknowledged, or when nothing goes on."""
        for journey in self._journeys:
            self._queue.put_nowait((journey.dossier.states[0].at.timestamp(), journey.number))
        if not self._left:
            return
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(self._work()) for _ in range(self._workers)]
            tasks.append(group.create_task(self._watch()))
            fed = -1
            while fed != self.fed.messages and not self._over.is_set():
                fed = self.fed.messages
                try:
                    async with asyncio.timeout(_STALLED):
                        await self._over.wait()
                except TimeoutError:
                    pass
            for task in tasks:
                task.cancel()

    async def _work(self) -> None:
        while True:
            _, number = await self._queue.get()
            while not self._slack():  # noqa: ASYNC110 - looked at, not told
                await asyncio.sleep(0.05)
            journey = self._journeys[number]
            if journey.dossier.national and not journey.local:
                await self._file(journey)
                continue
            sending = journey.plan[journey.done]
            journey.done += 1
            if journey.dossier.source == "poll":
                await self._act(journey, sending.told)
            else:
                await self._push(journey, sending)
            if journey.done < len(journey.plan):
                self._later(journey)
            else:
                self._left -= 1
                if not self._left:
                    self._over.set()

    def _later(self, journey: _Journey) -> None:
        self._queue.put_nowait((journey.plan[journey.done].told.at.timestamp(), journey.number))

    # --- pushed ---

    async def _push(self, journey: _Journey, sending: Sending) -> None:
        if sending.delay:
            await asyncio.sleep(sending.delay)
        if not journey.known and not journey.dossier.national:
            # It has what it pushes: the bus will tell it of findings, payments and parcels by this number.
            journey.known = True
            first = messages.record(journey.dossier, journey.dossier.states[0])
            code = first["serviceCode"] if not journey.dossier.cause else "1.000105"
            await self._control.post("onestop", "dossiers", {**first, "serviceCode": code, "unlisted": True})
        call, content, media = messages.body(journey.dossier, journey.local, sending.told)
        await self._until_acknowledged(call, content, media)
        if sending.again:
            self.fed.repeated += 1
        else:
            self.fed.messages += 1
        if sending.twice:
            await self._until_acknowledged(call, content, media)
            self.fed.repeated += 1

    async def _until_acknowledged(self, call: str, content: bytes, media: str) -> None:
        refusals = 0
        while failure := await self._door.push(call, content, media):
            self.fed.failures[failure] += 1
            self.fed.resent += 1
            refusals += failure.startswith("HTTP 4")
            if refusals >= _REFUSALS:
                return
            await asyncio.sleep(_PAUSE)
            async with self._knocking:  # while nobody answers, one asks for all
                while not await self._door.ready():  # noqa: ASYNC110 - looked at, not told
                    await asyncio.sleep(_PAUSE)

    # --- filed at the portal ---

    async def _file(self, journey: _Journey) -> None:
        """The portal pushes it to the front door by itself; the one-stop side goes on when it has the dossier."""
        dossier = journey.dossier
        self._filed[dossier.national] = journey
        await self._control.post(
            "npsp",
            "file",
            {
                "target": self._target,
                "code": dossier.national,
                "procedure": dossier.procedure_code,
                "headers": {"SecurityKey": self._key},
                "data": messages.filing(dossier),
            },
        )
        self.fed.messages += 1
        self.fed.filed += 1

    async def _watch(self) -> None:
        """See which dossiers of the portal have come to the one-stop system."""
        seen = 0
        while True:
            if self._filed:
                fresh = await self._control.all("onestop", "dossiers", "dossiers", seen)
                seen += len(fresh)
                for kept in fresh:
                    journey = self._filed.pop(kept["record"]["originDossierNo"], None)
                    if journey is not None:
                        journey.local = kept["record"]["dossierNo"]
                        self.locals[journey.dossier.national] = journey.local
                        self._later(journey)
            await asyncio.sleep(0.3)

    # --- found by asking ---

    async def _act(self, journey: _Journey, told: State | Step) -> None:
        """An official works in the one-stop system, which pushes nothing."""
        dossier = journey.dossier
        if isinstance(told, Step):
            await self._control.post("onestop", f"dossiers/{journey.record}/move", messages.action(told))
        elif journey.record:
            await self._control.post("onestop", "dossiers", {"dossierNo": dossier.code, **messages.changes(told)})
        else:
            made = await self._control.post("onestop", "dossiers", messages.record(dossier, told))
            journey.record = str(made["dossiers"][0]["dossierId"])
            self.fed.seeded += 1
        self.fed.messages += 1


def _plan(dossier: Dossier, chance: random.Random) -> list[Sending]:
    told = list(dossier.messages())
    if dossier.source == "poll":
        return [Sending(one) for one in told]
    plan: list[Sending] = []
    while told:
        one = told.pop(0)
        if told and chance.random() < SWAPPED:
            plan += [Sending(told.pop(0)), Sending(one, delay=chance.uniform(0.05, 0.3))]
        else:
            plan.append(Sending(one, twice=chance.random() < TWICE))
    if chance.random() < ECHOED:
        plan.append(Sending(plan[0].told, again=True))
    return plan
