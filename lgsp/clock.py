"""The one place that knows what time it is; tests turn it by hand."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Protocol
from zoneinfo import ZoneInfo

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
"""Every wire format of the national systems carries this local time without naming it."""

_SINCE_BOOT = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
"""Counts on while the machine is suspended, where there is such a clock: leases ran out meanwhile."""


class Clock(Protocol):
    """Two clocks: what the calendar says, and one that never goes back and measures waiting."""

    def now(self) -> datetime:
        """The present moment, aware, in UTC."""

    def monotonic(self) -> float:
        """Seconds since some fixed moment; never goes back when the system clock is set."""


class SystemClock:
    """The machine's clock."""

    def now(self) -> datetime:
        return datetime.now(UTC)

    def monotonic(self) -> float:
        return time.clock_gettime(_SINCE_BOOT)


class AgreedClock:
    """The time that machines which work together agree on: what one of them told last, and what has passed since.

    Until it is told, and where nobody tells it, the machine's own. Setting the machine's clock does not move it.
    """

    def __init__(self, own: Clock | None = None) -> None:
        self._own: Clock = own or SystemClock()
        self._told: tuple[datetime, float] | None = None

    def tell(self, moment: datetime, at: float) -> None:
        """It was ``moment`` when the monotonic clock said ``at``."""
        self._told = (moment, at)

    def now(self) -> datetime:
        if self._told is None:
            return self._own.now()
        moment, at = self._told
        return moment + timedelta(seconds=self._own.monotonic() - at)

    def monotonic(self) -> float:
        return self._own.monotonic()


class FixedClock:
    """A clock that stands still until it is turned."""

    def __init__(self, at: datetime | None = None) -> None:
        self._now = at or datetime(2026, 10, 8, 1, 0, tzinfo=UTC)
        self._elapsed = 0.0

    def now(self) -> datetime:
        return self._now

    def monotonic(self) -> float:
        return self._elapsed

    def turn(self, seconds: float) -> None:
        """Let ``seconds`` pass on both clocks."""
        self._now += timedelta(seconds=seconds)
        self._elapsed += seconds

    def set(self, moment: datetime) -> None:
        """Make it this moment, earlier or later; the other clock moves on only."""
        self._elapsed += max(0.0, (moment - self._now).total_seconds())
        self._now = moment

    def jump(self, seconds: float) -> None:
        """Set the calendar clock, as an administrator or a time server would; the other does not move."""
        self._now += timedelta(seconds=seconds)


def micros(moment: datetime) -> int:
    """Microseconds since 1970 in UTC: how the store keeps times."""
    delta = moment - datetime(1970, 1, 1, tzinfo=UTC)
    return (delta.days * 86_400 + delta.seconds) * 1_000_000 + delta.microseconds


def from_micros(value: int) -> datetime:
    """The aware UTC time of a stored value."""
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=value)
