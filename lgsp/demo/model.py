"""A province's working day, invented from a seed over the real procedures, fees and agencies. Pure."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from lgsp.canonical.calendar import WorkCalendar
from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.demo import people
from lgsp.demo.hours import OfficeTime
from lgsp.demo.lives import WORDS, Phase, phases
from lgsp.demo.people import Applicant, Officer

DAY = date(2026, 10, 8)
FULL_DAY = 5_840
"""Dossiers of a working day in a province of this size; about 15 messages come with each."""
PROVINCE = "H21"
UNMAPPED = "cho_lien_thong_thue"
UNKNOWN_PROCEDURE = "9.999999"
UNKNOWN_UNIT = "H21.998"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing an officer did."""

    id: str
    by: Officer
    department: str
    content: str
    began: datetime
    at: datetime
    word: str
    """The status told with it; empty: none, as OpenCPS does."""


@dataclass(frozen=True, slots=True)
class State:
    """The dossier as the one-stop system tells it at a moment. Dates that are not known yet are None."""

    word: str
    at: datetime
    submitted: datetime
    accepted: datetime | None
    due: datetime | None
    finished: datetime | None
    returned: datetime | None
    refused: datetime | None
    rounds: tuple[Round, ...] = ()
    paid: str = "not_paid"


@dataclass(frozen=True, slots=True)
class Round:
    """A request to supplement."""

    id: str
    by: str
    asked: datetime
    answered: datetime | None = None


@dataclass(frozen=True, slots=True)
class Dossier:
    """One dossier with its whole life."""

    code: str
    """Its code at the one-stop system; of a portal-born one it is told when it is created there."""
    national: str
    """Its code at the portal, for a portal-born one."""
    source: str
    """``push``, ``portal`` (filed there first) or ``poll`` (found by asking)."""
    procedure: CodeRow
    procedure_code: str
    unit: str
    agency: str
    applicant: Applicant
    channel: str
    by_post: bool
    states: tuple[State, ...]
    steps: tuple[Step, ...]
    paper: bytes
    """A scanned paper; empty: none was handed in as a file."""
    result: bytes
    xml: bool = False
    decomposed: bool = False
    numbered: bool = True
    """Whether messages carry an id of their own."""
    cause: str = ""
    """For a bad one: the cause for which it must be parked."""

    @property
    def portal_code(self) -> str:
        """By what the portal knows it."""
        return self.national or self.code

    def history(self) -> list[str]:
        """The statuses it had, in canonical words; one that stays is told once."""
        told: list[str] = []
        for state in self.states:
            status = WORDS.get(state.word)
            if status and (not told or told[-1] != status):
                told.append(status)
        return told

    def messages(self) -> Iterator[State | Step]:
        """What is told of it, in order of time; a state before the steps of its moment."""
        told: list[State | Step] = [*self.states, *self.steps]
        yield from sorted(told, key=lambda m: (m.at, isinstance(m, Step)))


def day(tables: CodeTables, *, seed: int, dossiers: int, bad: int, on: date = DAY) -> list[Dossier]:
    """The dossiers, the same for the same seed; ``bad`` of them must be parked, in three ways in turn."""
    return _Day(tables, seed, on).make(dossiers, bad)


class _Day:
    def __init__(self, tables: CodeTables, seed: int, on: date) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - a model, not a secret
        self._calendar = WorkCalendar(tables)
        self._on = on
        self._time = OfficeTime(self._calendar, on, 12)
        rows = [row for row in tables.rows("procedures", on) if row.valid_to == date.max]
        ours = [row for row in rows if {"province", "commune"} & set(row["level"].split("|")) and row["agency_vi"]]
        self._promotions = [row for row in ours if "khuyến mại" in row["name_vi"]] or ours[:1]
        chosen = self._chance.sample(ours, min(400, len(ours)))
        # A few procedures make most of the work: the k-th most wanted gets 1/k of the first one's dossiers.
        self._procedures = chosen
        self._weights = [1 / (k + 2) for k in range(len(chosen))]
        agencies = sorted({row["agency_vi"] for row in (*chosen, *self._promotions)})
        self._numbers = {agency: f"{PROVINCE}.{n:02d}" for n, agency in enumerate(agencies, 1)}
        self._officers: dict[tuple[str, str], list[Officer]] = {}

    def make(self, count: int, bad: int) -> list[Dossier]:
        ways: Sequence[str] = ("procedure", "unit", "status")
        wrong = set(self._chance.sample(range(count), min(bad, count)))
        made: list[Dossier] = []
        for number in range(1, count + 1):
            if number - 1 in wrong:
                made.append(self._bad(number, ways[len([d for d in made if d.cause]) % 3]))
                continue
            draw = self._chance.random()
            source = "portal" if draw < 0.08 else "poll" if draw < 0.11 else "push"
            made.append(self._dossier(number, source))
        return made

    def _dossier(self, number: int, source: str, lives: list[Phase] | None = None) -> Dossier:
        chance = self._chance
        promotion = source == "portal"
        procedure = chance.choice(self._promotions) if promotion else chance.choices(self._procedures, self._weights)[0]
        channel = "online" if promotion else chance.choices(("online", "direct", "post"), (60, 32, 8))[0]
        by_post = chance.random() < 0.2 and not promotion  # the portal tells no address
        fee = procedure["fee_vnd"]
        told = lives or phases(
            chance,
            online=channel != "direct",  # what comes by post is registered first, too
            by_post=by_post,
            pays=(fee.isdigit() and fee != "0") or chance.random() < 0.1,
            posting=source != "poll",
        )
        agency = procedure["agency_vi"]
        states, steps = self._life(told, agency, procedure, fee, chance.random() < 0.6)
        unit = self._numbers[agency]
        opened = states[0].at
        return Dossier(
            code="" if promotion else f"{unit}-{opened:%y%m%d}-{number:05d}",
            national=f"G09.20-{opened:%y%m%d}-{number:05d}" if promotion else "",
            source=source,
            procedure=procedure,
            procedure_code=procedure.code,
            unit=unit,
            agency=agency,
            applicant=people.business(chance) if promotion else people.applicant(chance),
            channel=channel,
            by_post=by_post,
            states=states,
            steps=steps,
            paper=_paper("don", number) if chance.random() < 0.3 else b"",
            result=_paper("ket-qua", number) if states[-1].finished else b"",
            xml=chance.random() < 0.06,
            decomposed=chance.random() < 0.06,
            numbered=chance.random() < 0.8,
        )

    def _bad(self, number: int, way: str) -> Dossier:
        last = UNMAPPED if way == "status" else "processing"
        lives = [Phase("new", (("Công chức một cửa", "Tiếp nhận hồ sơ"),)),
                 Phase("processing", (("Chuyên viên", "Thẩm định hồ sơ"),))]  # fmt: skip
        if way == "status":
            lives.append(Phase(last, ()))
        good = self._dossier(number, "push", lives)
        if way == "procedure":
            cause = f"code:local_procedures:{UNKNOWN_PROCEDURE}"
            return replace(good, procedure_code=UNKNOWN_PROCEDURE, cause=cause)
        if way == "unit":
            return replace(good, unit=UNKNOWN_UNIT, agency="", cause=f"code:organisations:{UNKNOWN_UNIT}")
        return replace(good, cause=f"code:status_onestop:{UNMAPPED}")

    # --- one life ---------------------------------------------------------------------------------------------------

    def _life(
        self, told: list[Phase], agency: str, procedure: CodeRow, fee: str, tells_words: bool
    ) -> tuple[tuple[State, ...], tuple[Step, ...]]:
        chance = self._chance
        moments = iter(self._time.moments(chance, sum(max(1, len(p.deeds)) for p in told) + 1))
        submitted = next(moments)
        states: list[State] = []
        steps: list[Step] = []
        dates: dict[str, datetime] = {}
        rounds: list[Round] = []
        paid = "not_paid"
        first = True
        before = submitted
        for phase in told:
            at = submitted if first and phase.word == "receiving" else next(moments)
            last_word = states[-1].word if states else ""
            if phase.word == "new":
                dates["accepted"] = at
                dates["due"] = self._due(at, procedure)
                asked_later = any(later.word == "paying" for later in told)
                if fee.isdigit() and fee != "0" and not asked_later and chance.random() < 0.7:
                    paid = chance.choice(("counter", "national_portal", "other_online"))
            if phase.word == "waiting":
                rounds.append(Round(str(len(rounds) + 1), self._officer(agency, "Chuyên viên").name, at))
            if last_word == "waiting" and rounds[-1].answered is None:
                done = rounds[-1]
                rounds[-1] = Round(done.id, done.by, done.asked, at)
            if last_word == "paying":
                paid = "national_portal"
            names = {"releasing": "finished", "unresolved": "finished", "done": "returned", "denied": "refused"}
            if phase.word in names:
                dates[names[phase.word]] = at
            states.append(
                State(
                    phase.word,
                    at,
                    submitted if told[0].word == "receiving" else dates["accepted"],
                    dates.get("accepted"),
                    dates.get("due"),
                    dates.get("finished"),
                    dates.get("returned"),
                    dates.get("refused"),
                    tuple(rounds),
                    paid,
                )
            )
            for n, (position, content) in enumerate(phase.deeds):
                when = at if n == 0 and not (first and phase.word == "receiving") else next(moments)
                officer = self._officer(agency, position)
                word = phase.word if tells_words else ""
                steps.append(Step(str(len(steps) + 1), officer, agency, content, before, when, word))
                before = when
            first = False
        return tuple(states), tuple(steps)

    def _due(self, accepted: datetime, procedure: CodeRow) -> datetime:
        days = procedure["processing_time"]
        working = days.isdigit() and procedure["time_unit"] == "working_day" and 0 < int(days) < 200
        return self._calendar.due_at(accepted, int(days) if working else 10)

    def _officer(self, agency: str, position: str) -> Officer:
        staff = self._officers.setdefault((agency, position), [])
        if len(staff) < 3:
            staff.append(people.officer(self._chance, position))
        return self._chance.choice(staff)


def _paper(name: str, number: int) -> bytes:
    """A small file that is like no other."""
    return f"%PDF-1.4\n% {name} {number}\n".encode() + b"% invented for the demo\n" * 8 + b"%%EOF\n"
