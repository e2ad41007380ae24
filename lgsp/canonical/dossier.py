"""The dossier (hồ sơ): what the bus holds to be true of it, and the steps taken on it."""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum

from pydantic import model_validator

from lgsp.canonical.base import Canonical, Code, Moment, Name, Text
from lgsp.canonical.check import Check
from lgsp.canonical.documents import Document, SupplementRound
from lgsp.canonical.fee import Fee, PaidThrough
from lgsp.canonical.party import Party
from lgsp.canonical.payment import Payment
from lgsp.canonical.shipment import Shipment
from lgsp.canonical.status import Status


class Channel(StrEnum):
    """Kênh thực hiện: how the dossier was filed."""

    DIRECT = "direct"
    ONLINE = "online"
    POST = "post"


class Origin(StrEnum):
    """Where the dossier was first filed."""

    PROVINCE = "province"
    PORTAL = "portal"


class ReturnChannel(StrEnum):
    """Hình thức trả kết quả."""

    DIRECT = "direct"
    POST = "post"


class Procedure(Canonical):
    """An administrative procedure (thủ tục hành chính) as its source names it."""

    code: Code
    name: Text = ""
    field_code: Text = ""
    field_name: Text = ""


class Unit(Canonical):
    """An agency (cơ quan, đơn vị), by either code shape: ``000.00.00.H21`` or ``H21.14``."""

    code: Text = ""
    name: Text = ""


class LocalStatus(Canonical):
    """A status in the source's own words, for the code tables to translate."""

    system: Code
    status: Code
    sub_status: Text = ""


class Dossier(Canonical):
    """A dossier in full.

    Three clocks start at different moments (NĐ 309/2026 art. 8): ``submitted_at`` when the citizen filed it,
    ``accepted_at`` when it was found complete and received, ``competent_received_at`` when the competent agency got
    it, where another agency took it in. ``due_at`` is the appointed day, ``finished_at`` the end of processing and
    ``returned_at`` the hand-over of the result.
    """

    code: Code
    """The dossier code at the one-stop system, or the portal's until the one-stop system has given its own."""
    origin: Origin = Origin.PROVINCE
    national_code: Text = ""
    procedure: Procedure
    applicant: Party
    submitter: Party | None = None
    receiving_unit: Unit = Unit()
    competent_unit: Unit = Unit()
    channel: Channel | None = None
    """None: the source does not say."""
    return_channel: ReturnChannel = ReturnChannel.DIRECT
    summary: Text = ""
    note: Text = ""

    status: Status | None = None
    """None: what the source said does not tell; ``local_status`` has its words, if any."""
    local_status: LocalStatus | None = None

    status_at: Moment | None = None
    """Since when the source says that the status holds, where it says so."""

    submitted_at: Moment | None = None
    accepted_at: Moment | None = None
    competent_received_at: Moment | None = None
    due_at: Moment | None = None
    finished_at: Moment | None = None
    returned_at: Moment | None = None
    refused_at: Moment | None = None

    documents: tuple[Document, ...] = ()
    results: tuple[Document, ...] = ()
    fees: tuple[Fee, ...] = ()
    supplements: tuple[SupplementRound, ...] = ()

    paid_through: PaidThrough = PaidThrough.NOT_PAID
    population_checked: bool = False

    payments: tuple[Payment, ...] = ()
    """Attempts to pay, oldest first; the bus's own record, told by no source as a whole."""
    receipts: tuple[Document, ...] = ()
    shipments: tuple[Shipment, ...] = ()
    checks: tuple[Check, ...] = ()

    @property
    def to_pay(self) -> Decimal:
        """What is still to be paid, in dong."""
        return sum((fee.amount for fee in self.fees if fee.paid is PaidThrough.NOT_PAID), Decimal(0))

    @property
    def as_of(self) -> Moment | None:
        """The latest moment the dossier itself tells of: the order of two full states, whatever order they came in.

        ``due_at`` lies in the future and does not count.
        """
        moments = [
            self.status_at,
            self.submitted_at,
            self.accepted_at,
            self.competent_received_at,
            self.finished_at,
            self.returned_at,
            self.refused_at,
            *(s.requested_at for s in self.supplements),
            *(s.received_at for s in self.supplements),
        ]
        return max((m for m in moments if m is not None), default=None)


class Step(Canonical):
    """One step of processing (tiến độ), told once."""

    id: Code
    """Unique in its dossier: the source's number or, failing that, one derived from the step's own content."""
    unnumbered: bool = False
    """Its id is derived; told in another way, the same step may have a number."""
    dossier: Code
    officer: Name
    position: Text = ""
    department: Text = ""
    content: Name
    at: Moment
    status: Status | None = None
    local_status: LocalStatus | None = None
    started_at: Moment | None = None
    due_at: Moment | None = None

    @model_validator(mode="after")
    def _starts_before_it_ends(self) -> Step:
        if self.started_at and self.started_at > self.at:
            raise ValueError("started_at is after at")
        return self
