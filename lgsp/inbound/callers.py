"""Who may call, and how often: decided before a byte of the body is read."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Sequence

from lgsp.inbound.body import Refusal
from lgsp.network import among
from lgsp.spi.inbound import Verdict

_MOST_CALLERS = 4096
"""Callers remembered at once; the one not heard of for longest is forgotten, and begins with a full allowance."""


class Callers:
    """The allowance of each caller of each system: ``rate`` calls a second, twice as many at once.

    ``seconds`` is a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._left: OrderedDict[tuple[str, str], tuple[float, float]] = OrderedDict()

    def admit(self, system: str, address: str, networks: Sequence[str], rate: float) -> None:
        """Take one call from the caller's allowance; ``Refusal`` where it may not call, or not so often."""
        if networks and not among(address, networks):
            raise Refusal(Verdict.UNAUTHORISED, "the caller's network is not allowed here")
        if not rate:
            return
        most, now = max(2 * rate, 1.0), self._seconds()
        left, at = self._left.pop((system, address), (most, now))
        left = min(most, left + max(now - at, 0.0) * rate)
        self._left[system, address] = (left - 1.0 if left >= 1.0 else left, now)
        if len(self._left) > _MOST_CALLERS:
            self._left.popitem(last=False)
        if left < 1.0:
            raise Refusal(Verdict.THROTTLED, "too many calls: wait and send it again")
