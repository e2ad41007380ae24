"""Working days and working hours in Viet Nam: which days count, and when a time limit ends."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from enum import StrEnum

from lgsp.canonical.codes import CodeTables
from lgsp.clock import VIETNAM

Span = tuple[time, time]


@dataclass(frozen=True, slots=True)
class OfficeHours:
    """When an office works on a working day, as spans in order. Hours belong to the office, not to the country."""

    spans: tuple[Span, ...] = ((time(7), time(11, 30)), (time(13, 30), time(17)))

    def __post_init__(self) -> None:
        moments = [moment for span in self.spans for moment in span]
        if not moments or any(a >= b for a, b in itertools.pairwise(moments)):
            raise ValueError("office hours must be spans in order that do not touch, as 07:00-11:30 13:30-17:00")

    @classmethod
    def parse(cls, text: str) -> OfficeHours:
        """From ``07:00-11:30 13:30-17:00``."""
        try:
            pairs = [part.split("-") for part in text.split()]
            return cls(tuple((time.fromisoformat(start), time.fromisoformat(end)) for start, end in pairs))
        except ValueError as error:
            raise ValueError(f"office hours {text!r} cannot be read: write them as 07:00-11:30 13:30-17:00") from error

    @property
    def opening(self) -> time:
        return self.spans[0][0]

    @property
    def closing(self) -> time:
        return self.spans[-1][1]


class Outside(StrEnum):
    """What becomes of a dossier that comes outside hours; sector rules differ, so it is set for each procedure."""

    NEXT_OPENING = "next_opening"
    """It counts from the next moment at which the office works."""
    AS_IT_CAME = "as_it_came"
    """It counts from the moment it came."""


class WorkCalendar:
    """Working days: the rows of the tables ``holidays`` and ``working_time`` over the law's recurring holidays.

    A row of ``holidays`` wins over everything (``off`` or ``work``), then the library's days, then the weekend.
    Years are worked out when first asked for, and kept in this object.
    """

    def __init__(self, tables: CodeTables | None = None) -> None:
        self._tables = tables or CodeTables()
        self._own = {date.fromisoformat(r.code): r["kind"] == "work" for r in self._tables.rows("holidays")}
        self._years: dict[int, tuple[frozenset[date], frozenset[date]]] = {}

    def is_working(self, day: date) -> bool:
        """Whether offices work on this day (for a datetime: on its day in Viet Nam)."""
        day = _day(day)
        if day in self._own:
            return self._own[day]
        off, work = self._year(day.year)
        return day in work or (day.weekday() < 5 and day not in off)

    def next_working(self, day: date) -> date:
        """This day, or the first working day after it."""
        day = _day(day)
        while not self.is_working(day):
            day += timedelta(days=1)
        return day

    def add_working_days(self, start: date, days: int) -> date:
        """The day ``days`` working days after ``start``, which itself is not counted; before it, if negative.

        0 gives the next working day, ``start`` included. For a datetime see ``due_at``.
        """
        day = _day(start)
        if days == 0:
            return self.next_working(day)
        step = timedelta(days=1 if days > 0 else -1)
        left = abs(days)
        while left:
            day += step
            left -= self.is_working(day)
        return day

    def due_at(self, start: datetime, days: int, office: OfficeHours | None = None) -> datetime:
        """The moment ``days`` working days after ``start``, at the same time of day, never outside office hours."""
        local = self.received_at(start, office)
        day = self.add_working_days(local, days)
        return self.received_at(datetime.combine(day, local.time(), VIETNAM), office)

    def add_working_hours(self, start: datetime, hours: float, office: OfficeHours | None = None) -> datetime:
        """The moment at which so many working hours have passed since ``start``.

        Hours that run out at closing time end then, not at the next opening.
        """
        if hours < 0:
            raise ValueError("working hours cannot be negative")
        local = _local(start)
        office = office or self.office(on=local.date())
        left = timedelta(hours=hours)
        day = local.date()
        while True:
            if self.is_working(day):
                for opens, closes in office.spans:
                    begin = max(local, datetime.combine(day, opens, VIETNAM))
                    end = datetime.combine(day, closes, VIETNAM)
                    if begin < end:
                        if begin + left <= end:
                            return begin + left
                        left -= end - begin
            day += timedelta(days=1)

    def received_at(
        self, moment: datetime, office: OfficeHours | None = None, outside: Outside = Outside.NEXT_OPENING
    ) -> datetime:
        """The moment from which a dossier counts as received: outside hours, at a weekend or on a holiday it is the
        next moment at which the office works (TT 87/2021 art. 10 for one sector), unless ``outside`` says otherwise."""
        local = _local(moment)
        if outside is Outside.AS_IT_CAME:
            return local
        office = office or self.office(on=local.date())
        if self.is_working(local):
            if local.time() == office.closing:
                return local
            for opens, closes in office.spans:
                if local.time() < closes:
                    return max(local, datetime.combine(local.date(), opens, VIETNAM))
        day = self.next_working(local.date() + timedelta(days=1))
        return datetime.combine(day, office.opening, VIETNAM)

    def received_on(
        self, moment: datetime, office: OfficeHours | None = None, outside: Outside = Outside.NEXT_OPENING
    ) -> date:
        """The day on which a dossier counts as received."""
        return self.received_at(moment, office, outside).date()

    def pass_on_by(self, received: datetime, office: OfficeHours | None = None) -> datetime:
        """Until when a dossier taken in at the counter must be passed on: the same day, or the first hour of the next
        working day if it came after 15:00 (table ``working_time``, counter_cutoff)."""
        local = self.received_at(received, office)
        office = office or self.office(on=local.date())
        if local.time() <= self._cutoff(local.date()):
            return datetime.combine(local.date(), office.closing, VIETNAM)
        day = self.add_working_days(local, 1)
        return datetime.combine(day, office.opening, VIETNAM) + timedelta(hours=1)

    def same_day_result(self, received: datetime, office: OfficeHours | None = None) -> date:
        """The day on which a same-day procedure gives its result: the next working day if received after 15:00."""
        local = self.received_at(received, office)
        return self.add_working_days(local, 0 if local.time() <= self._cutoff(local.date()) else 1)

    def accept_by(self, submitted: datetime, office: OfficeHours | None = None) -> datetime:
        """Until when a dossier filed online must be accepted or refused: 8 working hours (table ``working_time``,
        acceptance_hours). A clock of its own, beside the one of processing."""
        limit = self._value("acceptance_hours", _day(submitted)) or "8"
        return self.add_working_hours(submitted, float(limit), office)

    def office(self, unit: str = "", *, on: date) -> OfficeHours:
        """The hours of a unit (row ``office_hours:<unit>`` of table ``working_time``), else those of the country."""
        own = self._value(f"office_hours:{unit}", on) if unit else ""
        text = own or self._value("office_hours", on)
        return OfficeHours.parse(text) if text else OfficeHours()

    def _cutoff(self, on: date) -> time:
        return time.fromisoformat(self._value("counter_cutoff", on) or "15:00")

    def _value(self, code: str, on: date) -> str:
        row = self._tables.find("working_time", code, on)
        return row["value"] if row else ""

    def _year(self, year: int) -> tuple[frozenset[date], frozenset[date]]:
        if year not in self._years:
            import holidays  # costs 0.1 s and is not needed by every command

            base = holidays.country_holidays("VN", years=year, expand=False)
            work = {day for day in getattr(base, "weekend_workdays", ()) if day.year == year}
            self._years[year] = frozenset(base), frozenset(work)
        return self._years[year]


def _local(moment: datetime) -> datetime:
    if moment.tzinfo is None:
        raise ValueError("a moment without time zone: attach Asia/Ho_Chi_Minh where it enters")
    return moment.astimezone(VIETNAM)


def _day(day: date) -> date:
    return _local(day).date() if isinstance(day, datetime) else day
