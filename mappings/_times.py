"""Days as officials count them: local ones, never UTC's."""

from __future__ import annotations

from datetime import date, datetime

from lgsp.canonical.dossier import Dossier
from lgsp.clock import VIETNAM


def local_day(moment: datetime) -> date:
    """The day in Viet Nam; at 06:00 local time UTC still has the day before."""
    return moment.astimezone(VIETNAM).date()


def reception_day(dossier: Dossier, otherwise: date) -> date:
    """The day whose rules and codes hold for a dossier: that of its reception, whatever changed later."""
    start = dossier.accepted_at or dossier.submitted_at
    return local_day(start) if start else otherwise


def read_local(text: str, *formats: str) -> datetime | None:
    """Text of one of these formats as a local time; None if it is empty or fits none."""
    for pattern in formats:
        try:
            return datetime.strptime(text.strip(), pattern).replace(tzinfo=VIETNAM)
        except ValueError:
            continue
    return None
