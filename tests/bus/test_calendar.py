"""Working days and hours, on days whose answer is known from published holiday decisions."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from lgsp.canonical.calendar import OfficeHours, Outside, WorkCalendar
from lgsp.canonical.codefiles import load_all, parse_csv
from lgsp.canonical.codes import CodeTables
from lgsp.clock import VIETNAM


@pytest.fixture(scope="module")
def calendar() -> WorkCalendar:
    return WorkCalendar(load_all())


def at(day: int, month: int, hour: int, minute: int = 0, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=VIETNAM)


@pytest.mark.parametrize(
    ("day", "working"),
    [
        pytest.param(date(2026, 1, 2), False, id="swapped day that the library calls working"),
        pytest.param(date(2026, 1, 10), True, id="its make-up Saturday"),
        pytest.param(date(2026, 4, 27), False, id="Monday for a holiday on Sunday"),
        pytest.param(date(2026, 8, 22), True, id="make-up Saturday of August"),
        pytest.param(date(2026, 8, 29), False, id="ordinary Saturday"),
        pytest.param(date(2026, 11, 24), False, id="Culture Day, new in 2026"),
        pytest.param(date(2026, 10, 8), True, id="ordinary Thursday"),
        pytest.param(date(2031, 4, 30), False, id="a year without rows: the law's days"),
    ],
)
def test_which_days_are_worked(calendar: WorkCalendar, day: date, working: bool) -> None:
    assert calendar.is_working(day) is working


@pytest.mark.parametrize(
    ("start", "days", "end"),
    [
        pytest.param(date(2026, 2, 13), 3, date(2026, 2, 25), id="over Tet"),
        pytest.param(date(2026, 8, 28), 1, date(2026, 9, 3), id="over National Day"),
        pytest.param(date(2026, 11, 23), 1, date(2026, 11, 25), id="over Culture Day"),
        pytest.param(date(2026, 1, 9), 1, date(2026, 1, 10), id="into a make-up Saturday"),
        pytest.param(date(2026, 2, 25), -3, date(2026, 2, 13), id="backwards over Tet"),
        pytest.param(date(2026, 10, 10), 0, date(2026, 10, 12), id="nought from a Saturday"),
        pytest.param(date(2026, 10, 9), 0, date(2026, 10, 9), id="nought from a working day"),
    ],
)
def test_adding_working_days(calendar: WorkCalendar, start: date, days: int, end: date) -> None:
    assert calendar.add_working_days(start, days) == end


def test_a_local_row_wins_in_both_directions() -> None:
    rows = parse_csv("holidays", "code,valid_from,valid_to,document,kind\n2026-10-08,,,,off\n2026-10-10,,,,work\n")
    calendar = WorkCalendar(CodeTables(rows))
    assert not calendar.is_working(date(2026, 10, 8))
    assert calendar.is_working(date(2026, 10, 10))


def test_the_day_of_a_moment_is_the_day_in_viet_nam(calendar: WorkCalendar) -> None:
    friday_evening_utc = datetime(2026, 10, 9, 18, 0, tzinfo=UTC)  # 01:00 on Saturday in Viet Nam
    assert not calendar.is_working(friday_evening_utc)
    assert calendar.add_working_days(friday_evening_utc, 1) == date(2026, 10, 12)


@pytest.mark.parametrize(
    ("start", "hours", "end"),
    [
        pytest.param(at(8, 10, 7), 8, at(8, 10, 17), id="a whole day ends at closing"),
        pytest.param(at(8, 10, 10), 2, at(8, 10, 14), id="over the lunch break"),
        pytest.param(at(8, 10, 12), 1, at(8, 10, 14, 30), id="from the lunch break"),
        pytest.param(at(9, 10, 16), 8, at(12, 10, 16), id="over a weekend"),
        pytest.param(at(8, 10, 16), 1, at(8, 10, 17), id="to closing, not to next opening"),
        pytest.param(at(10, 10, 9), 0.5, at(12, 10, 7, 30), id="from a Saturday"),
        pytest.param(at(8, 10, 5), 40, at(14, 10, 17), id="five days"),
    ],
)
def test_adding_working_hours(calendar: WorkCalendar, start: datetime, hours: float, end: datetime) -> None:
    assert calendar.add_working_hours(start, hours) == end
    assert calendar.add_working_hours(start.astimezone(UTC), hours) == end


def test_hours_belong_to_an_office() -> None:
    rows = parse_csv(
        "working_time",
        "code,valid_from,valid_to,document,value\n"
        "office_hours,,,,07:00-11:30 13:30-17:00\n"
        "office_hours:H19.5,,,,07:30-11:30 13:00-16:30\n",
    )
    calendar = WorkCalendar(CodeTables(rows))
    day = date(2026, 10, 8)
    assert calendar.office("H19.5", on=day) == OfficeHours.parse("07:30-11:30 13:00-16:30")
    assert calendar.office("H19.6", on=day) == OfficeHours()
    assert calendar.add_working_hours(at(8, 10, 16), 1, calendar.office("H19.5", on=day)) == at(9, 10, 8)


@pytest.mark.parametrize(
    ("came", "counts"),
    [
        pytest.param(at(8, 10, 9, 12), at(8, 10, 9, 12), id="in hours"),
        pytest.param(at(8, 10, 5), at(8, 10, 7), id="before opening: the same day"),
        pytest.param(at(8, 10, 12), at(8, 10, 13, 30), id="lunch break"),
        pytest.param(at(8, 10, 17), at(8, 10, 17), id="at the stroke of closing"),
        pytest.param(at(8, 10, 17, 1), at(9, 10, 7), id="after closing"),
        pytest.param(at(9, 10, 20), at(12, 10, 7), id="Friday evening"),
        pytest.param(at(14, 2, 10), at(23, 2, 7), id="first Saturday of Tet"),
    ],
)
def test_when_a_dossier_counts_as_received(calendar: WorkCalendar, came: datetime, counts: datetime) -> None:
    assert calendar.received_at(came) == counts
    assert calendar.received_on(came) == counts.date()
    assert calendar.received_at(came, outside=Outside.AS_IT_CAME) == came


@pytest.mark.parametrize(
    ("received", "passed_on", "result"),
    [
        pytest.param(at(8, 10, 9), at(8, 10, 17), date(2026, 10, 8), id="morning"),
        pytest.param(at(8, 10, 15), at(8, 10, 17), date(2026, 10, 8), id="15:00 sharp"),
        pytest.param(at(8, 10, 15, 1), at(9, 10, 8), date(2026, 10, 9), id="after 15:00"),
        pytest.param(at(9, 10, 16), at(12, 10, 8), date(2026, 10, 12), id="Friday after 15:00"),
        pytest.param(
            at(9, 10, 19), at(12, 10, 17), date(2026, 10, 12), id="Friday after closing counts as Monday 7:00"
        ),
    ],
)
def test_the_15_00_rule(calendar: WorkCalendar, received: datetime, passed_on: datetime, result: date) -> None:
    assert calendar.pass_on_by(received) == passed_on
    assert calendar.same_day_result(received) == result


def test_the_acceptance_limit_is_eight_working_hours(calendar: WorkCalendar) -> None:
    assert calendar.accept_by(at(13, 2, 16)) == at(23, 2, 16)
    assert calendar.accept_by(at(8, 10, 22)) == at(9, 10, 17)


def test_a_due_moment_keeps_the_time_of_day_and_stays_in_hours(calendar: WorkCalendar) -> None:
    assert calendar.due_at(at(13, 2, 10), 3) == at(25, 2, 10)
    assert calendar.due_at(at(13, 2, 21), 3) == at(26, 2, 7)
    assert calendar.due_at(at(8, 10, 12), 1) == at(9, 10, 13, 30)


@pytest.mark.parametrize("text", ["", "7-11", "11:30-07:00", "07:00-11:30 11:00-17:00", "25:00-26:00", "07:00"])
def test_wrong_office_hours_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="office hours"):
        OfficeHours.parse(text)


@pytest.mark.parametrize("method", ["received_at", "accept_by", "pass_on_by"])
def test_a_moment_without_zone_is_refused(calendar: WorkCalendar, method: str) -> None:
    with pytest.raises(ValueError, match="without time zone"):
        getattr(calendar, method)(datetime(2026, 10, 8, 9))  # noqa: DTZ001  # the mistake itself


def test_two_calendars_share_nothing() -> None:
    rows = parse_csv("holidays", "code,valid_from,valid_to,document,kind\n2026-10-08,,,,off\n")
    one, other = WorkCalendar(CodeTables(rows)), WorkCalendar()
    assert not one.is_working(date(2026, 10, 8))
    assert other.is_working(date(2026, 10, 8))


def test_importing_the_calendar_does_not_import_holidays() -> None:
    code = "import sys, lgsp.canonical.calendar; sys.exit('holidays' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_a_step_never_goes_back(calendar: WorkCalendar) -> None:
    start: Any = at(1, 1, 0)
    for hour in range(0, 24 * 40, 7):
        moment = start + timedelta(hours=hour)
        counted = calendar.received_at(moment)
        assert counted >= moment
        assert calendar.is_working(counted)
        assert calendar.received_at(counted) == counted
        assert calendar.add_working_hours(moment, 3) == calendar.add_working_hours(counted, 3)
