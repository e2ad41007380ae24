"""The clock of one mock, or of all mocks on a port: real unless the control API turns or stops it."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta


class Clock:
    """Tells aware UTC time."""

    def __init__(self, at: datetime | None = None) -> None:
        self._frozen = at
        self._shift = timedelta()

    def now(self) -> datetime:
        return (self._frozen or datetime.now(UTC)) + self._shift

    def set(self, at: datetime, *, frozen: bool = True) -> None:
        """Show ``at``; stand still there, or go on from there."""
        if at.tzinfo is None:
            raise ValueError("the clock takes an aware time, such as 2026-11-23T08:00:00+07:00")
        self._frozen = at.astimezone(UTC) if frozen else None
        self._shift = timedelta() if frozen else at - datetime.now(UTC)

    def advance(self, seconds: float) -> None:
        self._shift += timedelta(seconds=seconds)

    def turn(self, at: datetime | None, seconds: float, *, real: bool = False, frozen: bool = True) -> None:
        """Several turns at once; where one of them cannot be, the clock stays as it was."""
        before = self._frozen, self._shift
        try:
            if real:
                self.real()
            if at is not None:
                self.set(at, frozen=frozen)
            self.advance(seconds)
            self.now()
        except (ValueError, OverflowError):
            self._frozen, self._shift = before
            raise

    def real(self) -> None:
        """Go back to real time."""
        self._frozen = None
        self._shift = timedelta()

    @property
    def frozen(self) -> bool:
        return self._frozen is not None
