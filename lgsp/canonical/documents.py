"""Papers and files of a dossier. Content lives in the file store; a value here only refers to it."""

from __future__ import annotations

from lgsp.canonical.base import Canonical, Code, Moment, Text


class FileRef(Canonical):
    """A file in the bus's file store, or one that a remote serves."""

    id: Text = ""
    """The bus's own file id; empty where only ``url`` is known."""
    name: Text
    size: int | None = None
    media_type: Text = ""
    sha256: Text = ""
    url: Text = ""
    """Where a remote serves it, if it is not in the file store."""


class Document(Canonical):
    """One paper of the dossier: submitted (thành phần hồ sơ) or issued as a result (giấy tờ kết quả)."""

    id: Text
    name: Text
    file: FileRef | None = None
    part_code: Text = ""
    """MAGIAYTO of the procedure's dossier list."""
    result_code: Text = ""
    """MAKETQUA of the procedure's results."""
    deleted: bool = False
    digitised: bool = False
    reused: bool = False
    from_national_store: bool = False
    copies: int = 1


class SupplementRound(Canonical):
    """One request to supplement the dossier (yêu cầu bổ sung) and what came of it."""

    id: Code
    requested_by: Text = ""
    content: Text = ""
    requested_at: Moment
    received_by: Text = ""
    received_at: Moment | None = None
    documents: tuple[Document, ...] = ()
    due_before: Moment | None = None
    due_after: Moment | None = None
