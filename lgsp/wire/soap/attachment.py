"""A file beside a message. Light: no lxml."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Attachment:
    """Bytes, or a file that is sent from and received into its place on disk without being held in memory.

    Given as the value of a ``base64Binary`` element it travels by MTOM/XOP where the port is set so, else inline; as
    the value of a ``swaRef`` or ``anyURI`` element, or in ``attachments=``, as a part of its own (SOAP with
    attachments).
    """

    data: bytes = field(default=b"", repr=False)
    path: Path | None = None
    media: str = "application/octet-stream"
    name: str = ""
    """File name told to the other side."""
    id: str = ""
    """Content-ID without angle brackets; made up where empty."""

    @property
    def size(self) -> int:
        """Its length in bytes."""
        return len(self.data) if self.path is None else self.path.stat().st_size

    def read(self) -> bytes:
        """All of it, in memory."""
        return self.data if self.path is None else self.path.read_bytes()
