"""Plays a script: tells the bus again what it was told, lets it deliver when it did then, and compares."""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from lgsp.clock import FixedClock, from_micros, micros
from lgsp.errors import LgspError
from lgsp.ledger.types import Settlement, State
from lgsp.recording.export import endings
from lgsp.recording.recording import Recording
from lgsp.replay.bus import Candidate, ReplayBus, replay_bus
from lgsp.replay.finding import Finding, Outcome
from lgsp.replay.script import Script, happened
from lgsp.replay.stage import Elsewhere, Stage
from lgsp.replay.tape import Killed, NotNow, Tape, was_killed
from lgsp.spi.registry import Registry
from lgsp.wire.matching import differences, of_body

_AFTERWARDS = 5_000_000
"""Microseconds after the last exchange in which what was under way still ends."""
Settling = Callable[[], Awaitable[None]]
_TAKEN_UP = 1_500_000
"""Microseconds for which a delivery that was taken up may wait before its call leaves: for a log-in, a free slot."""
_ROUNDS = 200
"""Most times that one dossier is looked at in one step: a flow that goes round in circles ends."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to play."""

    sent_only: bool = False
    """Compare only what is sent (``--dry-run``)."""
    only: Collection[str] = ()
    """Systems or dossiers that count; empty: all."""
    stop_on_first: bool = False
    elsewhere: Mapping[str, Elsewhere] = field(default_factory=dict)
    codes: Path | None = None
    """The province's own code tables."""
    progress: Callable[[int, int], None] = lambda _done, _all: None


async def play(script: Script, registry: Registry, folder: Path, options: Options | None = None) -> Outcome:
    """Play a script in a fresh bus, whose database and files lie in ``folder`` afterwards."""
    how = options or Options()
    outcome = Outcome()
    clock = FixedClock(from_micros(script.recordings[0].opened.opened_at))
    volatile = {system.name: system.plugin.volatile for system in registry}
    stage = Stage(Tape(script.recordings, script.bus.restarts), clock, outcome, volatile, elsewhere=how.elsewhere)
    async with replay_bus(script.bus, registry, stage, folder, how.codes) as bus:
        await _Play(script, bus, stage, outcome, how).run()
    known = script.endings if script.whole else {}
    outcome.findings = [
        one
        for one in outcome.findings
        if _counts(one, how) and not (known and one.what == "extra" and one.dossier not in known)
    ]
    return outcome


def _counts(finding: Finding, how: Options) -> bool:
    if how.sent_only and finding.what in ("answer", "ending"):
        return False
    return not how.only or finding.system in how.only or finding.dossier in how.only


class _Play:
    def __init__(self, script: Script, bus: ReplayBus, stage: Stage, outcome: Outcome, how: Options) -> None:
        self._script, self._bus, self._stage, self._outcome, self._how = script, bus, stage, outcome, how
        self._calling: set[tuple[str, str]] = set()
        """Operations that are known to call: without a recorded call they need not be tried."""
        self._due: list[tuple[int, int, str, Settling | None]] = []
        self._count = 0
        self._told: set[tuple[int, str]] = set()
        self._idle: set[int] = set()
        """Deliveries that only looked up what others had looked up: they wait for their own recorded call."""
        self._freed: set[tuple[str, str]] = set()
        """Lanes in which something parked was released, which is done once."""
        self._seen: set[int] = set()
        """Deliveries that were tried: each is once, since it may park without a call."""
        self._polls: dict[tuple[str, str], str] = {}
        """Which poll makes which call, once it was seen."""

    async def run(self) -> None:
        total = len(self._script.recordings)
        for done, one in enumerate(self._script.recordings):
            await self._timers(happened(one))
            self._turn(happened(one))
            await self._step(one)
            self._how.progress(done + 1, total)
            if self._how.stop_on_first and any(_counts(f, self._how) for f in self._outcome.findings):
                self._outcome.stopped = True
                return
        await self._rest()
        await self._missing()
        await self._bus.store.flush()
        if self._script.whole:
            await self._endings()

    async def _timers(self, until: int) -> None:
        """What falls due before then without a recorded call: steps that waited for their order, deadlines."""
        while self._due and self._due[0][0] <= until:
            due, _, dossier, ending = heapq.heappop(self._due)
            self._turn(due)
            if ending is not None:
                await ending()
            await self._work(dossier)

    def _turn(self, at: int) -> None:
        self._bus.clock.set(from_micros(at))

    async def _step(self, one: Recording) -> None:
        told = one.opened
        if told.direction == "in":
            await self._tell(one)
        elif told.id in self._stage.tape.used or (told.system, told.operation) in self._stage.logins:
            return
        elif told.delivery is None:
            await self._poll(one)
        else:
            await self._work(told.dossier)
            return
        for dossier in await self._bus.touched():
            await self._work(dossier)

    async def _tell(self, one: Recording) -> None:
        told, closed = one.opened, one.closed
        if told.system not in self._bus.systems:
            return
        self._outcome.inbound += 1
        if told.dossier:
            self._outcome.dossiers.add(told.dossier)
        if key := await self._bus.key_of(told.dossier):
            await self._before(key)
        status, headers, body = await self._bus.tell(told, one.taken_at)
        if closed is None:  # the daemon was killed after the commit: nobody was answered
            return
        found = differences(
            {"status": str(status), **of_body(body, headers.get("content-type", ""))},
            {"status": str(closed.status), **of_body(closed.body, closed.headers.get("content-type", ""))},
            self._bus.systems[told.system].plugin.volatile,
        )
        if found:
            self._outcome.findings.append(
                Finding(
                    "answer", told.dossier, told.system, told.operation, told.id, told.opened_at, tuple(found),
                    then=closed.body.decode("utf-8", "replace"), now=body.decode("utf-8", "replace"),
                )
            )  # fmt: skip

    async def _poll(self, one: Recording) -> None:
        told = one.opened
        known = self._polls.get((told.system, told.operation))
        for poller in self._bus.pollers:
            if poller.system.name != told.system or known not in (None, poller.poll.name):
                continue
            try:
                await self._bus.poll(poller)
            except NotNow:
                continue
            except LgspError:
                pass  # it failed then, too
            if told.id in self._stage.tape.used:
                self._polls[told.system, told.operation] = poller.poll.name
                return

    async def _work(self, dossier: str) -> None:
        """Deliver what can be delivered for a dossier now, and what follows from that."""
        tried: set[tuple[int, int]] = set()
        for _ in range(_ROUNDS):
            now = micros(self._bus.clock.now())
            waiting = await self._bus.candidates(dossier)
            await self._released(dossier, waiting, now)
            for one in waiting:
                waits = self._stage.tape.waits(one.system, dossier, now)
                known = one.id in self._idle or (one.system, one.operation) in self._calling
                due = one.due_at <= now and not (known and one.id in self._seen)
                late = one.deadline_at is not None and one.deadline_at < now
                if (one.id, now) in tried or not (waits or due or late):
                    continue
                tried.add((one.id, now))
                self._seen.add(one.id)
                self._stage.ahead = False
                try:
                    await self._attempt(one, dossier)
                except NotNow:
                    self._calling.add((one.system, one.operation))
                    continue
                break
            else:
                self._remember(dossier, await self._bus.candidates(dossier), now)
                return

    async def _released(self, dossier: str, waiting: Sequence[Candidate], now: int) -> None:
        """What was called for then, though nothing waits to be called for, was released by a person."""
        for name in self._bus.systems:
            lane = (dossier, name)
            if lane in self._freed or any(one.system == name for one in waiting):
                continue
            if self._stage.tape.waits(name, dossier, now) and await self._bus.release(dossier, name):
                self._freed.add(lane)

    def _remember(self, dossier: str, waiting: Sequence[Candidate], now: int) -> None:
        """When to look at the dossier again, whatever is recorded."""
        mine = [one for one in waiting if one.id not in self._idle]
        times = [one.due_at for one in mine if (one.system, one.operation) not in self._calling]
        times += [one.deadline_at + 1 for one in waiting if one.deadline_at is not None]
        for due in {at for at in times if at > now}:
            self._later(due, dossier)

    def _later(self, at: int, dossier: str, ending: Settling | None = None) -> None:
        if ending is None:
            if (at, dossier) in self._told:
                return
            self._told.add((at, dossier))
        self._count += 1
        heapq.heappush(self._due, (at, self._count, dossier, ending))

    async def _attempt(self, one: Candidate, dossier: str) -> None:
        """Deliver; it is settled when the last answer came then, so that what came in between finds it under way."""
        settlement = None
        try:
            settlement = await self._bus.deliver(one)
        except Killed:
            pass
        last = self._stage.last
        if self._stage.ahead and not self._stage.effects:
            await self._bus.put_back(one)
            return
        if last is None:
            assert settlement is not None, "nobody is killed before the first call"
            if settlement.state not in (State.DONE, State.PARKED):
                self._idle.add(one.id)
            await self._bus.settle(settlement)
            return
        closed = last.closed
        ended = last.taken_at or (closed.closed_at if closed is not None else last.opened.opened_at)
        lost = settlement is None or was_killed(last)
        if settlement is None or lost or (settlement.state is State.DONE and self._stage.tape.later(last.opened)):
            self._later(self._stage.tape.restart(ended), dossier, lambda: self._bus.lose(one.id))
        else:
            self._later(ended, dossier, lambda: self._settle(dossier, settlement))

    async def _settle(self, dossier: str, settlement: Settlement) -> None:
        if settlement.events:
            await self._before(dossier)
        await self._bus.settle(settlement)

    async def _before(self, dossier: str) -> None:
        """Before a dossier is told something newer: a whole state that had been taken up by then was sent as it was,
        though its call left a little later. What it sends says whether it was."""
        now = micros(self._bus.clock.now())
        for one in await self._bus.candidates(dossier):
            if one.full_state and self._stage.tape.soon(one.system, dossier, now, now + _TAKEN_UP):
                self._stage.ahead = True
                try:
                    await self._attempt(one, dossier)
                except NotNow:
                    pass
                finally:
                    self._stage.ahead = False

    async def _rest(self) -> None:
        """What is due after the last recorded exchange, where it needs no call."""
        await self._timers(max(happened(one) for one in self._script.recordings[-200:]) + _AFTERWARDS)

    async def _missing(self) -> None:
        skipped: Counter[str] = Counter()
        for one in self._stage.tape.left():
            told = one.opened
            if (told.system, told.operation) in self._stage.logins:
                skipped["log-in"] += 1
            elif told.system not in self._bus.systems:
                skipped[f"{told.system} is not installed"] += 1
            elif told.delivery is None:
                skipped["made for no delivery"] += 1
            elif self._stage.made(one) or (not told.effect and self._stage.tape.made(told.delivery)):
                skipped["looked up already"] += 1
            elif not told.effect and told.dossier not in self._script.endings and self._script.whole:
                skipped["another dossier's look-up"] += 1
            else:
                note = await self._bus.parked_reason(told.dossier, told.system)
                self._outcome.findings.append(
                    Finding(
                        "missing", told.dossier, told.system, told.operation, told.id, told.opened_at,
                        note=note and f"parked: {note}", then=told.body.decode("utf-8", "replace"),
                    )
                )  # fmt: skip
        self._outcome.skipped = dict(skipped)

    async def _endings(self) -> None:
        keys = sorted(self._script.endings)
        now = {one.dossier: one for one in await self._bus.store.read(lambda c: endings(c, keys))}
        for key in keys:
            was, is_ = self._script.endings[key], now.get(key)
            if is_ is None:
                self._outcome.findings.append(Finding("ending", key, "", "", note="the bus knows no such dossier"))
                continue
            ours = {"status": is_.status, **self._flat(is_.deliveries)}
            theirs = {"status": was.status, **self._flat(was.deliveries)}
            if found := differences(ours, theirs):
                self._outcome.findings.append(Finding("ending", key, "", "", differences=tuple(found)))

    def _flat(self, counts: Mapping[str, Mapping[str, int]]) -> dict[str, str]:
        """How many deliveries ended how. Of whole states that say the same, either may replace the other."""
        found: Counter[str] = Counter()
        for name, states in counts.items():
            system, _, operation = name.partition(".")
            there = self._bus.systems.get(system)
            whole = there is not None and any(o.full_state for o in there.plugin.operations if o.name == operation)
            for state, count in states.items():
                ended = "done or superseded" if whole and state in ("done", "superseded") else state
                found[f"{name} {ended}"] += count
        return {name: str(count) for name, count in found.items()}
