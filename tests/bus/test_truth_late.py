"""The fold and reports that come late: what changes nothing must not make news look old."""

from __future__ import annotations

from datetime import UTC, datetime

from lgsp.canonical.codes import CodeRow, CodeTables
from lgsp.canonical.dossier import Dossier, LocalStatus, Procedure
from lgsp.canonical.events import DossierReported, Event
from lgsp.canonical.party import Party, PartyKind
from lgsp.canonical.status import Status
from lgsp.truth import fold

CODES = CodeTables([CodeRow("status_onestop", "posting", values={"status": "ignore"})])
RECEIVED, FINISHED, POSTED = (datetime(2026, 10, 8, hour, tzinfo=UTC) for hour in (1, 5, 7))


def reported(status: Status | None, at: datetime, word: str = "", finished: datetime | None = None) -> Event:
    dossier = Dossier(
        code="H21.14-261008-0001",
        procedure=Procedure(code="2.000033"),
        applicant=Party(kind=PartyKind.CITIZEN, name="Nguyễn Văn Mẫu"),
        status=status,
        local_status=LocalStatus(system="onestop", status=word) if word else None,
        status_at=at,
        accepted_at=RECEIVED,
        finished_at=finished,
    )
    return Event(
        type="dossier.reported",
        source="onestop",
        source_id=f"{status}-{word}",
        dossier=dossier.code,
        occurred_at=at,
        body=DossierReported(dossier=dossier),
    )


def test_a_word_that_changes_nothing_does_not_outdate_a_status_told_after_it() -> None:
    known = fold(None, reported(Status.PROCESSING, RECEIVED), CODES).dossier
    posted = fold(known, reported(None, POSTED, "posting", FINISHED), CODES).dossier
    assert posted is not None
    assert posted.status is Status.PROCESSING
    late = fold(posted, reported(Status.FINISHED, FINISHED, finished=FINISHED), CODES)
    assert not late.stale
    assert late.dossier is not None
    assert late.dossier.status is Status.FINISHED


def test_a_word_that_no_row_has_ends_the_status_held_before() -> None:
    known = fold(None, reported(Status.PROCESSING, RECEIVED), CODES).dossier
    told = fold(known, reported(None, POSTED, "cho_lien_thong_thue"), CODES)
    assert told.dossier is not None
    assert told.dossier.status is None
    assert told.dossier.local_status is not None
    assert [event.type for event in told.events] == ["dossier.changed"]
