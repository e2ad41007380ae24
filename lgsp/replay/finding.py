"""What a replay found to be otherwise than it was."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

from lgsp.wire.matching import Difference

What = Literal["changed", "missing", "extra", "answer", "order", "ending"]
"""``changed``: a request says something else; ``missing``: a call that was made then is not made; ``extra``: one that
was not made then is; ``answer``: a caller is answered otherwise; ``order``: calls of a dossier go in another order;
``ending``: a dossier or its deliveries end otherwise."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it was."""

    what: What
    dossier: str
    system: str
    operation: str
    exchange: int = 0
    """The recorded exchange; 0: there is none."""
    at: int = 0
    """When it happened then; microseconds."""
    differences: tuple[Difference, ...] = ()
    """Field by field: ``ours`` is today, ``theirs`` was then."""
    note: str = ""
    then: str = ""
    now: str = ""
    """The two bodies, where there are two."""


@dataclass(slots=True)
class Outcome:
    """The result of a replay."""

    findings: list[Finding] = field(default_factory=list)
    inbound: int = 0
    """Calls that were told again."""
    calls: int = 0
    """Calls that the bus made."""
    same: int = 0
    """Those that said the same as then."""
    shared: int = 0
    """Look-ups that were answered as another dossier's were."""
    dossiers: set[str] = field(default_factory=set)
    skipped: dict[str, int] = field(default_factory=dict)
    """Recorded exchanges that no replay tells again, by reason: log-ins, look-ups of a person."""
    stopped: bool = False
    """Whether it ended at the first finding."""

    @property
    def passed(self) -> bool:
        return not self.findings
