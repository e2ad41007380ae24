"""What travels between the bus and a one-stop system: the provincial LGSP API it calls, and its REST v2 that we call.

Where each name comes from, and which are proposed by us, is told in ``contract/ORIGIN``.
"""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

# --- what a one-stop system tells us --------------------------------------------------------------------------------


class _Told(BaseModel):
    """Unknown fields are tolerated; null, an empty text and a field left out are the same thing: not said."""

    model_config = ConfigDict(
        frozen=True, extra="ignore", populate_by_name=True, hide_input_in_errors=True, coerce_numbers_to_str=True
    )

    @model_validator(mode="before")
    @classmethod
    def _unsaid(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {k: v for k, v in data.items() if v is not None and not (isinstance(v, str) and not v.strip())}


class Attachment(_Told):
    """A file, inline in base64. Behind the front door ``Base64`` holds ``lgsp-file:<id>``."""

    AttachmentId: str = ""
    AttachmentName: str = ""
    IsDeleted: bool = False
    Base64: str = ""
    IsVerified: bool = False
    PartCode: str = ""
    """Proposed: MAGIAYTO of the procedure's list."""
    ResultCode: str = ""
    """Proposed, in ``ResultAttachments``: MAKETQUA."""


class DocFee(_Told):
    FeeName: str = ""
    FeeType: int | None = None
    Price: Decimal = Decimal(0)


class DocPaper(_Told):
    PaperName: str = ""
    Amount: int = 1
    PaperType: int | None = None


class Supplementary(_Told):
    """One request to supplement. OpenCPS never fills the list; the fields are proposed."""

    SupplementaryId: str
    RequesterName: str = ""
    Content: str = ""
    RequireDate: str
    ReceiverName: str = ""
    ReceivedDate: str = ""
    AppointedBefore: str = ""
    AppointedAfter: str = ""


class SyncDocument(_Told):
    """``POST /{adapter}/Document/SyncDocument``: the state of one dossier.

    Dates are ``yyyy-MM-dd'T'HH:mm:ss.SSSZ``. An unknown ``SuccessDate`` is sent as year 0000; ``ReturnedDate`` carries
    the due date until ``IsReturned`` is true.
    """

    MessageId: str = Field("", max_length=200)
    DocTypeCode: str
    DocTypeName: str = ""
    DocCode: str
    NationalDocCode: str = ""
    CitizenName: str
    CitizenInfo: str = ""
    ApplicantsId: str = ""
    ApplicantsIdType: str = ""
    ApplicantsType: int = Field(ge=1, le=4)
    """1 citizen, 2 business, 3 organisation, 4 other."""
    VneidVerified: bool | None = None
    Address: str = ""
    Email: str = ""
    Phone: str = ""
    Compendium: str = ""
    Channel: str = ""
    DateStatus: str = ""
    """Proposed: since when ``DossierStatus`` holds. It orders states that reach us in another order."""
    DateSubmitted: str = ""
    DateReceived: str = ""
    DateCompetentReceived: str = ""
    DateAppointed: str = ""
    DateFinished: str = ""
    DateRefused: str = ""
    IsSuccess: bool = False
    SuccessDate: str = ""
    ApproverName: str = ""
    ApproverPosition: str = ""
    SuccessNote: str = ""
    IsReturned: bool = False
    ReturnedDate: str = ""
    ReturnNote: str = ""
    ReturnedType: int | None = None
    """0 direct, 1 post."""
    FinishedDate: str = ""
    Status: int | None = None
    DossierStatus: str = ""
    DossierSubStatus: str = ""
    ProcessingOrganName: str = ""
    HasSupplementary: bool = False
    RequireSupplementaryDate: str = ""
    Note: str = ""
    OrganInchargeIdLevel1: str = ""
    OrganInchargeName: str = ""
    PaidThrough: str = ""
    """not_paid, national_portal, other_online or counter."""
    Attachments: tuple[Attachment, ...] = ()
    ResultAttachments: tuple[Attachment, ...] = ()
    DocFees: tuple[DocFee, ...] = ()
    DocPapers: tuple[DocPaper, ...] = ()
    Supplementaries: tuple[Supplementary, ...] = ()


class DocumentTrace(_Told):
    """``POST /{adapter}/Document/UpdateDocumentTraces``: one step of processing; a body may carry a list of them."""

    MessageId: str = Field("", max_length=200)
    TraceId: str = ""
    """Proposed: the source's own number of the step (``dossierActionId``)."""
    DocumentId: str = ""
    DocCode: str
    UserName: str
    UserPosition: str = ""
    Department: str = ""
    DateCreated: str
    DateBegin: str = ""
    DateDue: str = ""
    Comment: str
    Status: int = 0
    """OpenCPS always sends 0; other vendors the national 1 to 10."""
    DossierStatus: str = ""
    DossierSubStatus: str = ""
    OrganizationInchargeIdLevel1: str = ""
    OrganizationInchargeName: str = ""


class PushReply(BaseModel):
    """What the caller of either reads: 200 is success, whatever the HTTP status."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    Status: int
    Message: str


# --- its REST v2: what it answers -----------------------------------------------------------------------------------


class DossierRecord(_Told):
    """A dossier of ``GET dossiers``, ``GET dossiers/{id}`` and the answer of ``POST dossiers``; times in epoch ms."""

    dossierId: int
    referenceUid: str = ""
    dossierNo: str = ""
    serviceCode: str = ""
    serviceName: str = ""
    govAgencyCode: str = ""
    govAgencyName: str = ""
    applicantName: str = ""
    applicantIdType: str = ""
    """citizen, business or organization: the kind of applicant, not of the number."""
    applicantIdNo: str = ""
    address: str = ""
    contactTelNo: str = ""
    contactEmail: str = ""
    submitDate: int = 0
    receiveDate: int = 0
    dueDate: int = 0
    releaseDate: int = 0
    finishDate: int = 0
    dossierStatus: str = ""
    dossierSubStatus: str = ""
    dossierNote: str = ""
    briefNote: str = ""
    viaPostal: int = 0
    online: bool | None = None
    originality: int = 0
    originDossierNo: str = ""
    systemId: int = 0
    """5: it came from the national portal."""
    modifiedDate: int = 0
    metaData: str = ""


class DossierPage(_Told):
    """``GET dossiers?modifiedSince=&start=&end=`` or ``?dossierNo=``."""

    total: int
    data: tuple[DossierRecord, ...] = ()


class ActionRecord(_Told):
    """One action of ``GET dossiers/{id}/actions``."""

    dossierActionId: int
    actionCode: str = ""
    actionName: str = ""
    actionUser: str = ""
    actionNote: str = ""
    fromStepCode: str = ""
    stepCode: str = ""
    stepName: str = ""
    sequenceNo: str = ""
    dueDate: int = 0
    createDate: int = 0
    state: int = 0
    """0 waiting, 1 processed, 2 rolled back."""


class ActionPage(_Told):
    total: int
    data: tuple[ActionRecord, ...] = ()


class PaymentRecord(_Told):
    """One payment of ``GET dossiers/{id}/payments``."""

    referenceUid: str = ""
    paymentStatus: int
    paymentAmount: Decimal = Decimal(0)
    paymentMethod: str = ""
    confirmNote: str = ""
    confirmDate: int = 0
    modifiedDate: int = 0


class PaymentPage(_Told):
    total: int
    data: tuple[PaymentRecord, ...] = ()


class FileRecord(_Told):
    """The answer of ``POST dossiers/{id}/files``."""

    referenceUid: str
    dossierFileId: int = 0
    displayName: str = ""


class ChangedDossier(BaseModel):
    """A dossier found changed by a poll, with its actions and payments as they were read right after."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)
    record: DossierRecord
    actions: tuple[ActionRecord, ...] = ()
    payments: tuple[PaymentRecord, ...] = ()


# --- its REST v2: what we send --------------------------------------------------------------------------------------


class _Sent(BaseModel):
    model_config = ConfigDict(
        frozen=True, extra="forbid", populate_by_name=True, hide_input_in_errors=True, regex_engine="python-re"
    )


Said = Annotated[str, Field(min_length=1, pattern=r"\S")]
Address = Annotated[str, Field(pattern=r"^https?://[^\s]+$")]


class SentFile(_Sent):
    """A paper of a new dossier: fetched by the one-stop system from a signed address."""

    referenceUid: str = Field(min_length=1, max_length=75)
    displayName: Said
    dossierPartNo: str = ""
    fileUrl: Address


class CreateDossier(_Sent):
    """``POST dossiers``. The remote creates one dossier for one ``referenceUid``, however often it is sent."""

    referenceUid: str = Field(min_length=1, max_length=75)
    serviceCode: Said
    serviceName: str = ""
    govAgencyCode: Said
    govAgencyName: str = ""
    applicantName: Said
    applicantIdType: Literal["citizen", "business", "organization"]
    applicantIdNo: str = ""
    address: str = ""
    contactTelNo: str = ""
    contactEmail: str = ""
    dossierNote: str = ""
    briefNote: str = ""
    submitDate: int = Field(ge=1, le=4_102_444_800_000)
    viaPostal: int = Field(0, ge=0, le=1)
    online: bool = True
    originality: Literal[0, 1, 2, 3, 4, 9] = 1
    originDossierNo: Said
    systemId: int = 5
    metaData: str = "{}"
    dossierFiles: tuple[SentFile, ...] = ()


class NewAction(_Sent):
    """The body of ``POST dossiers/{id}/actions``. ``actionNote`` ends in a mark by which a probe knows it again."""

    actionCode: Said
    actionUser: Said
    actionNote: str = ""
    payload: str = "{}"


class ReportAction(_Sent):
    dossierNo: Said
    action: NewAction
    mark: str = Field(min_length=4)


class NewPayment(_Sent):
    """The body of ``PUT dossiers/{id}/payments``: the state of the payment; the same again changes nothing."""

    paymentStatus: int = Field(ge=0, le=5)
    paymentAmount: int = Field(ge=0)
    paymentMethod: str = ""
    confirmNote: str = ""


class ReportPayment(_Sent):
    dossierNo: Said
    payment: NewPayment


class NewFile(_Sent):
    """The body of ``POST dossiers/{id}/files``: one file for one ``referenceUid``, fetched from ``fileUrl``."""

    referenceUid: str = Field(min_length=1, max_length=75)
    displayName: Said
    dossierPartNo: str = ""
    fileTemplateNo: str = ""
    fileUrl: Address


class AddResult(_Sent):
    dossierNo: Said
    file: NewFile


class FetchDossier(_Sent):
    """``GET dossiers/{id}`` where ``dossierId`` is known, else ``GET dossiers?dossierNo=``."""

    dossierNo: str = ""
    dossierId: int = 0
