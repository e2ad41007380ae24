"""What goes wrong on purpose: the portal fails now and then and is down for a while; the daemon is killed."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

from lgsp.demo.http import Control, Door
from lgsp.demo.processes import Process
from lgsp.errors import LgspError

_DOWN: dict[str, Any] = {"kind": "refuse", "rate": 1.0}
_PORTAL: tuple[dict[str, Any], ...] = (
    {"kind": "refuse", "rate": 0.01},
    {"kind": "cut_before", "rate": 0.01},
    {"kind": "cut_after", "rate": 0.02},
    {"kind": "cut_midway", "rate": 0.005},
    {"kind": "slow", "rate": 0.02, "seconds": 0.4},
    {"kind": "status", "rate": 0.01},
    {"kind": "html", "rate": 0.01},
    {"kind": "html", "rate": 0.005, "status": 200},
    {"kind": "garbled", "rate": 0.01},
    {"kind": "empty", "rate": 0.005},
    {"kind": "expired_session", "rate": 0.01},
)
_ONE_STOP: tuple[dict[str, Any], ...] = (
    {"kind": "cut_after", "rate": 0.03, "operation": "dossiers.create"},
    {"kind": "status", "rate": 0.01},
    {"kind": "cut_before", "rate": 0.01},
)


class Faults:
    """The faults of both mocks, and how often each struck."""

    def __init__(self, control: Control, seed: int) -> None:
        self._control, self._seed = control, seed
        self._struck: Counter[str] = Counter()
        self.down = False

    async def switch_on(self) -> None:
        """The rates at which things usually fail."""
        await self._add("npsp", _PORTAL)
        await self._add("onestop", _ONE_STOP)

    async def portal_down(self, seconds: float) -> None:
        """Nobody answers at the portal for a while."""
        await self._collect("npsp")
        await self._control.delete("npsp", "faults")
        await self._add("npsp", (_DOWN,))
        self.down = True
        try:
            await asyncio.sleep(seconds)
        finally:
            self.down = False
        await self._collect("npsp", "down")
        await self._control.delete("npsp", "faults")
        self._seed += 1
        await self._add("npsp", _PORTAL)

    async def end(self) -> dict[str, int]:
        """How often each kind struck."""
        await self._collect("npsp")
        await self._collect("onestop")
        return dict(sorted(self._struck.items()))

    async def _add(self, system: str, faults: tuple[dict[str, Any], ...]) -> None:
        await self._control.post(system, "faults", [{**fault, "seed": self._seed} for fault in faults])

    async def _collect(self, system: str, name: str = "") -> None:
        told = await self._control.get(system, "faults")
        for fault in told["faults"]:
            if fault["struck"]:
                self._struck[f"{system}.{name or fault['kind']}"] += fault["struck"]


class Kills:
    """Kills the daemon at random points of the day and starts it again at once."""

    def __init__(self, daemon: Process, door: Door, count: int, seed: int) -> None:
        self._daemon, self._door = daemon, door
        chance = random.Random(f"{seed} kills")  # noqa: S311 - seeded on purpose
        self._at = sorted(chance.uniform(0.05, 0.97) for _ in range(count))
        self._more = [chance.uniform(0.0, 0.2) for _ in range(count)]
        self.done = 0

    async def run(self, share: Callable[[], float]) -> None:
        """``share`` tells how much of the day is fed, 0 to 1."""
        for at, more in zip(self._at, self._more, strict=True):
            while share() < at:  # noqa: ASYNC110 - looked at, not told
                await asyncio.sleep(0.03)
            await asyncio.sleep(more)
            await self._daemon.kill()
            self.done += 1
            await start(self._daemon, self._door)


async def start(daemon: Process, door: Door, seconds: float = 30.0) -> None:
    """Start the daemon and wait until it is ready."""
    await daemon.start()
    try:
        async with asyncio.timeout(seconds):
            while not await door.ready():
                if not daemon.running:
                    raise LgspError(f"the daemon did not start; {_end_of(daemon)}")
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise LgspError(f"the daemon was not ready in {seconds:g} s; {_end_of(daemon)}") from None


def _end_of(daemon: Process) -> str:
    return f"its log {daemon.log} ends with:\n{daemon.tail()}"
