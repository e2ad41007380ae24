"""What a registry said of the applicant. It never blocks a dossier: officers see it and decide."""

from __future__ import annotations

from enum import StrEnum

from lgsp.canonical.base import Canonical, Code, Moment, Text


class Finding(StrEnum):
    """What came of asking."""

    VERIFIED = "verified"
    NOT_FOUND = "not_found"
    MISMATCH = "mismatch"
    UNREACHED = "unreached"  # the registry could not be asked in time; ``proof`` names the attempt


class Check(Canonical):
    """One question to a registry about the applicant, answered or proved to have been tried."""

    registry: Code
    """The word of the registry's system."""
    finding: Finding
    fields: tuple[Code, ...] = ()
    """Of a mismatch: which of the applicant's fields differ, by their canonical names; never a value."""
    asked_at: Moment
    proof: Text = ""
    """What the question or the failed attempt is known by: the message id at the bus, the registry's own number."""
    officer: Text = ""
    """On whose behalf it was asked, where the registry wants to know."""
    purpose: Text = ""
    """Under which agreed service and scenario of the registry it was asked."""
    note: Text = ""
    """A remark for the officer, without personal data: e.g. the company is dissolved."""
