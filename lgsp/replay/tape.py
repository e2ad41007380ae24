"""The recorded calls of the bus: which of them answers the call that is made now."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from urllib.parse import urlsplit

from lgsp.ledger.recover import CUT_OFF
from lgsp.recording.recording import Recording
from lgsp.wire.exchange import Opened

Asked = tuple[str, str]
"""Method and path of the call that is made now."""


class NotNow(BaseException):
    """The call that is about to be made was made later then, or never: the delivery waits. It passes through all that
    would take it for a failure of the network."""


class Killed(BaseException):
    """The daemon was killed at this point of the attempt then, before it could make its next call."""


def was_killed(one: Recording) -> bool:
    """Whether the daemon was killed while the answer was awaited: it was closed when the next one started."""
    return one.closed is None or one.closed.error.startswith(CUT_OFF)


class Tape:
    """Recorded calls, each used once."""

    def __init__(self, recordings: Iterable[Recording], restarts: Sequence[int] = ()) -> None:
        """``restarts``: when the bus was back after a kill; microseconds, in order."""
        self._all = {one.opened.id: one for one in recordings if one.opened.direction == "out"}
        self._lanes: dict[tuple[str, str, str], deque[Recording]] = defaultdict(deque)
        self._tries: dict[tuple[int, int], list[Recording]] = defaultdict(list)
        self._loose: dict[str, list[Recording]] = defaultdict(list)
        self._attempts: dict[int | None, set[int]] = defaultdict(set)
        self._looks: dict[tuple[str, str], list[Recording]] = defaultdict(list)
        self._rows: dict[tuple[str, str], deque[Recording]] = defaultdict(deque)
        for one in self._all.values():
            told = one.opened
            if told.delivery is None:
                self._loose[told.system].append(one)
            else:
                self._lanes[told.system, told.operation, told.dossier].append(one)
                self._tries[told.delivery, told.attempt].append(one)
                self._attempts[told.delivery].add(told.attempt)
                self._rows[told.system, told.dossier].append(one)
            if not told.effect:
                self._looks[told.system, told.operation].append(one)
        self._restarts = restarts
        self.used: set[int] = set()
        self._since: list[int] = []
        self._delivered: set[int | None] = set()

    def first(self, system: str, operation: str, dossier: str, asked: Asked, now: int) -> Recording | None:
        """The call of this operation for this dossier that came next then, if it was made by now."""
        lane = self._lanes[system, operation, dossier]
        while lane and lane[0].opened.id in self.used:
            lane.popleft()
        made = [one for one in lane if one.opened.id not in self.used and one.opened.opened_at <= now]
        if not made:
            return None
        found = self._exact(asked, made)
        if found is None:
            # Then it began with another call, which today is not needed; or today's is another one altogether.
            if self._exact(asked, [one for one in lane if one.opened.id not in self.used]):
                return None
            found = self._like(asked, made) or made[0]
        return self.take(found)

    def follow(self, system: str, operation: str, asked: Asked, before: Opened) -> Recording | None:
        """The next call of this operation in the same attempt as an earlier one."""
        found = [one for one in self._attempt(before, operation) if one.opened.system == system]
        like = self._like(asked, found)
        return self.take(like or found[0]) if found else None

    def _attempt(self, told: Opened, operation: str) -> list[Recording]:
        assert told.delivery is not None
        tries = self._tries[told.delivery, told.attempt]
        return [one for one in tries if one.opened.id not in self.used and one.opened.operation == operation]

    @staticmethod
    def _exact(asked: Asked, found: list[Recording]) -> Recording | None:
        mine = (one for one in found if (one.opened.method, urlsplit(one.opened.url).path) == asked)
        return next(mine, None)

    @staticmethod
    def _like(asked: Asked, found: list[Recording]) -> Recording | None:
        """The first with the same method and path, else with the same method: an operation may make several calls, of
        which a connector leaves out those whose answer it still has."""
        same = [one for one in found if one.opened.method == asked[0]]
        return next((one for one in same if urlsplit(one.opened.url).path == asked[1]), same[0] if same else None)

    def loose(self, system: str, operation: str, now: int) -> Iterator[Recording]:
        """Calls made for no delivery (polls), not used yet, the earliest first."""
        for one in self._loose[system]:
            if one.opened.opened_at > now:
                return
            if one.opened.id not in self.used and one.opened.operation == operation:
                yield one

    def soon(self, system: str, dossier: str, after: int, until: int) -> bool:
        """Whether a call to this system for this dossier that changes something left between these moments."""
        for one in self._rows[system, dossier]:
            if one.opened.opened_at > until:
                return False
            if one.opened.opened_at > after and one.opened.effect and one.opened.id not in self.used:
                return True
        return False

    def peek(self, system: str, operation: str, dossier: str) -> Recording | None:
        """The next call of an operation for a dossier, at whatever time."""
        return next((one for one in self._lanes[system, operation, dossier] if one.opened.id not in self.used), None)

    def expects(self, system: str, operation: str, dossier: str) -> bool:
        """Whether such a call was made then, at whatever time, and is not used yet."""
        return any(one.opened.id not in self.used for one in self._lanes[system, operation, dossier])

    def look_ups(self, system: str, operation: str) -> list[Recording]:
        """Calls that change nothing, whoever made them and whether used or not: their answers are kept for others."""
        return self._looks[system, operation]

    def waits(self, system: str, dossier: str, now: int) -> bool:
        """Whether some call to this system for this dossier was made by now and is not used yet."""
        row = self._rows[system, dossier]
        while row and row[0].opened.id in self.used:
            row.popleft()
        return bool(row) and row[0].opened.opened_at <= now

    def take(self, one: Recording) -> Recording:
        """Use this one."""
        self.used.add(one.opened.id)
        self._delivered.add(one.opened.delivery)
        self._since.append(one.opened.id)
        return one

    def made(self, delivery: int | None) -> bool:
        """Whether some call of a delivery was made again."""
        return delivery in self._delivered

    def mark(self) -> None:
        """From here on ``undo`` goes back to."""
        self._since.clear()

    def undo(self) -> None:
        """What was used since the mark is unused again."""
        self.used.difference_update(self._since)
        self._since.clear()

    def restart(self, after: int) -> int:
        """When the bus was back after a kill at this moment or later; the moment itself where nothing tells."""
        return next((at for at in self._restarts if at >= after), after)

    def logged_in(self, before: Opened, logins: Collection[tuple[str, str]]) -> bool:
        """Whether a log-in was made in the same attempt."""
        tries = self._tries[before.delivery or 0, before.attempt]
        return any((one.opened.system, one.opened.operation) in logins for one in tries)

    def later(self, before: Opened) -> bool:
        """Whether the same delivery was tried again after this attempt."""
        return any(
            one.opened.id not in self.used
            for attempt in self._attempts[before.delivery]
            if attempt > before.attempt
            for one in self._tries[before.delivery or 0, attempt]
        )

    def left(self) -> list[Recording]:
        """What was not used, by time."""
        return [one for one in self._all.values() if one.opened.id not in self.used]
