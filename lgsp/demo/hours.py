"""Moments at which offices work, as one line of seconds that ends with the demo's day."""

from __future__ import annotations

import random
from bisect import bisect_right
from datetime import date, datetime, timedelta

from lgsp.canonical.calendar import WorkCalendar
from lgsp.clock import VIETNAM


class OfficeTime:
    """The working seconds of ``days`` working days up to and with ``last``."""

    def __init__(self, calendar: WorkCalendar, last: date, days: int) -> None:
        first = last if days == 1 else calendar.add_working_days(last, 1 - days)
        self._opens: list[datetime] = []
        self._starts: list[int] = []
        self.seconds = 0
        day = first
        while day <= last:
            if calendar.is_working(day):
                for begin, end in calendar.office(on=day).spans:
                    opens = datetime.combine(day, begin, VIETNAM)
                    self._opens.append(opens)
                    self._starts.append(self.seconds)
                    self.seconds += int((datetime.combine(day, end, VIETNAM) - opens).total_seconds())
            day += timedelta(days=1)

    def at(self, second: int) -> datetime:
        """The moment after so many working seconds."""
        span = bisect_right(self._starts, second) - 1
        return self._opens[span] + timedelta(seconds=second - self._starts[span])

    def moments(self, chance: random.Random, count: int) -> list[datetime]:
        """So many different moments in order, over some hours to some days."""
        length = min(chance.randrange(max(count * 60, 3 * 3600), 70 * 3600), self.seconds - 1)
        start = chance.randrange(self.seconds - length)
        inner = sorted(chance.sample(range(1, length), count - 1))
        return [self.at(start + offset) for offset in (0, *inner)]
