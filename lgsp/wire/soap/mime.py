"""Messages of several parts: MTOM/XOP and SOAP with attachments, written and read piece by piece.

Sources: SOAP Messages with Attachments (W3C note, 2000); XML-binary Optimized Packaging (W3C, 2005); RFC 2046, 2387.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import quopri
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from email.message import Message
from email.utils import collapse_rfc2231_value
from pathlib import Path
from typing import BinaryIO
from urllib.parse import unquote

from lgsp.wire.answer import Body
from lgsp.wire.soap.attachment import Attachment
from lgsp.wire.soap.xml import Unreadable
from lgsp.wire.upload import Upload, digest

XOP = "http://www.w3.org/2004/08/xop/include"
MOST_PARTS = 200
_MOST_HEAD = 16 * 1024
_SAFE = re.compile(r"[^\x20-\x7e]|[\r\n\"<>]")


def new_id() -> str:
    """A Content-ID that nobody else has."""
    return f"{secrets.token_hex(12)}@lgsp"


def package(
    root: bytes, root_type: str, attachments: Sequence[Attachment], *, xop: bool, boundary: str = ""
) -> tuple[Upload, str]:
    """A ``multipart/related`` body with the envelope as its first part, and its content type.

    Files are sent from disk. Reads each file once for its digest: call it off the event loop.
    """
    boundary = boundary or f"lgsp-{secrets.token_hex(16)}"
    media, _, parameters = root_type.partition(";")
    first = f'application/xop+xml; charset=utf-8; type="{media}"' if xop else root_type
    if xop and "action=" in parameters:
        first += ";" + parameters.partition(";")[2]
    pieces: list[bytes | Path] = []
    shown: list[bytes] = []

    def add(text: bytes) -> None:
        pieces.append(text)
        shown.append(text)

    add(
        f"--{boundary}\r\nContent-Type: {first}\r\nContent-Transfer-Encoding: 8bit\r\nContent-ID: <root@lgsp>\r\n\r\n"
        .encode() + root
    )  # fmt: skip
    for attachment in attachments:
        name = (
            f'Content-Disposition: attachment; filename="{_SAFE.sub("_", attachment.name)}"\r\n'
            if attachment.name
            else ""
        )
        add(
            f"\r\n--{boundary}\r\nContent-Type: {_SAFE.sub('', attachment.media)}\r\n"
            "Content-Transfer-Encoding: binary\r\n"
            f"Content-ID: <{_SAFE.sub('', attachment.id)}>\r\n{name}\r\n".encode()
        )
        if attachment.path is None:
            pieces.append(attachment.data)
            told = hashlib.sha256(attachment.data).hexdigest()
        else:
            pieces.append(attachment.path)
            told = digest(attachment.path)
        shown.append(f"[{attachment.size} bytes, sha256 {told}]".encode())
    add(f"\r\n--{boundary}--\r\n".encode())
    kind = "application/xop+xml" if xop else media
    content_type = f'multipart/related; boundary="{boundary}"; type="{kind}"; start="<root@lgsp>"'
    if xop:
        content_type += f'; start-info="{media}"'
    return Upload(tuple(pieces), b"".join(shown)), content_type


def parameters(content_type: str) -> dict[str, str]:
    """The parameters of a content type, names in lower case."""
    holder = Message()
    holder["content-type"] = content_type
    found = holder.get_params(failobj=[], header="content-type") or []
    return {name.lower(): collapse_rfc2231_value(value) for name, value in found[1:]}


def is_multipart(content_type: str) -> bool:
    """Whether a body of this content type comes in parts."""
    return content_type.partition(";")[0].strip().lower().startswith("multipart/")


class _Part:
    """One part under way: the envelope in memory, others in memory or in a file."""

    def __init__(self, headers: Mapping[str, str], folder: Path | None, number: int) -> None:
        self.headers = headers
        self.id = headers.get("content-id", "").strip().strip("<>")
        self.media = headers.get("content-type", "application/octet-stream")
        self.path = folder / f"part-{number}-{secrets.token_hex(4)}" if folder is not None else None
        self._file: BinaryIO | None = None
        if self.path is not None:
            self.path.touch(mode=0o600, exist_ok=False)  # papers of citizens
            self._file = self.path.open("wb")
        self._kept: list[bytes] = []
        self._encoding = headers.get("content-transfer-encoding", "").strip().lower()
        self._left = b""
        self.size = 0
        self.digest = hashlib.sha256()
        if self._encoding not in ("", "7bit", "8bit", "binary", "base64", "quoted-printable"):
            raise Unreadable("a part in a transfer encoding that is not known here")
        if self._encoding == "quoted-printable" and folder is not None:
            raise Unreadable("a file in quoted-printable, which is not taken")

    def write(self, data: bytes) -> None:
        if self._encoding == "base64":
            data = self._left + b"".join(data.split())
            whole = len(data) // 4 * 4
            data, self._left = data[:whole], data[whole:]
            try:
                data = base64.b64decode(data, validate=True)
            except binascii.Error:
                raise Unreadable("a part that is not the base64 it says it is") from None
        self.size += len(data)
        self.digest.update(data)
        if self._file is not None:
            self._file.write(data)
        else:
            self._kept.append(data)

    def end(self) -> None:
        self.close()
        if self._left:
            raise Unreadable("a part whose base64 is cut off")
        if self._encoding == "quoted-printable":
            self._kept = [quopri.decodestring(b"".join(self._kept))]

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    @property
    def data(self) -> bytes:
        return b"".join(self._kept)

    def attachment(self) -> Attachment:
        name = parameters(self.headers.get("content-disposition", "")).get("filename", "")
        media = self.media.partition(";")[0].strip().lower()
        return Attachment(self.data, self.path, media, name, self.id)


class Splitter:
    """Takes a body in pieces and gives its parts; holds no more than a piece and the envelope in memory."""

    def __init__(self, content_type: str, folder: Path | None = None) -> None:
        """``folder``: where parts other than the envelope go; None: they stay in memory. ``Unreadable`` without a
        boundary."""
        told = parameters(content_type)
        boundary = told.get("boundary", "")
        if not boundary or len(boundary) > 70 or not boundary.isascii():
            raise Unreadable("a multipart body without a boundary")
        self._start = told.get("start", "").strip().strip("<>")
        self._folder = folder
        self._mark = b"\n--" + boundary.encode()
        self._buffer = b"\n"  # the first boundary need not follow a line break
        self._state = "preamble"
        self._part: _Part | None = None
        self._skip = False
        self.parts: list[_Part] = []

    def feed(self, data: bytes) -> None:
        """The next piece."""
        self._buffer += data
        while self._step():
            pass

    def end(self) -> None:
        """All has come. ``Unreadable`` if the last boundary has not."""
        if self._state != "end":
            raise Unreadable("a multipart body that is cut off")

    def close(self) -> None:
        """Give files up: nothing was made of them."""
        for part in [*self.parts, *([self._part] if self._part else [])]:
            part.close()
            if part.path is not None:
                part.path.unlink(missing_ok=True)

    def root(self) -> _Part:
        """The part with the envelope."""
        found = next((part for part in self.parts if self._is_root(part)), None)
        if found is None:
            raise Unreadable("a multipart body without an envelope")
        return found

    def attachments(self) -> tuple[Attachment, ...]:
        """The other parts, in their order."""
        root = self.root()
        return tuple(part.attachment() for part in self.parts if part is not root)

    def _is_root(self, part: _Part) -> bool:
        return part.id == self._start if self._start else part is self.parts[0]

    def _step(self) -> bool:
        if self._state in ("preamble", "body"):
            return self._until_mark()
        if self._state == "mark":
            return self._after_mark()
        if self._state == "head":
            return self._head()
        self._buffer = b""  # after the last boundary: nothing counts
        return False

    def _until_mark(self) -> bool:
        place = self._buffer.find(self._mark)
        if place < 0:
            keep = len(self._mark) + 1  # a boundary, and the CR before it, may be half here
            self._write(self._buffer[:-keep])
            self._buffer = self._buffer[-keep:]
            return False
        content = self._buffer[:place]
        self._write(content.removesuffix(b"\r"))
        self._buffer = self._buffer[place + len(self._mark) :]
        if self._part is not None:
            self._part.end()
            self.parts.append(self._part)
            self._part = None
        self._state = "mark"
        return True

    def _write(self, data: bytes) -> None:
        if self._part is not None and data:
            # The line break that ends the headers may begin the boundary of an empty part; it is no content.
            self._part.write(data[1:] if self._skip else data)
            self._skip = False

    def _after_mark(self) -> bool:
        if len(self._buffer) < 2:
            return False
        if self._buffer.startswith(b"--"):
            self._state = "end"
            return True
        place = self._buffer.find(b"\n")
        if place < 0:
            if len(self._buffer) > _MOST_HEAD:
                raise Unreadable("a multipart body whose boundary does not end")
            return False
        self._buffer = b"\n" + self._buffer[place + 1 :]
        self._state = "head"
        return True

    def _head(self) -> bool:
        found = re.search(rb"\n\r?\n", self._buffer)
        if found is None or found.start() > _MOST_HEAD:
            if len(self._buffer) > _MOST_HEAD:
                raise Unreadable("a part whose headers do not end")
            return False
        headers = _headers(self._buffer[: found.start()])
        if len(self.parts) >= MOST_PARTS:
            raise Unreadable(f"more than {MOST_PARTS} parts")
        number = len(self.parts)
        identity = headers.get("content-id", "").strip().strip("<>")
        root = identity == self._start if self._start else number == 0
        self._part = _Part(headers, None if root else self._folder, number)
        self._buffer = b"\n" + self._buffer[found.end() :]
        self._state, self._skip = "body", True
        return True


def _headers(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    unfolded = re.sub(rb"\r?\n[ \t]+", b" ", raw)
    for line in unfolded.split(b"\n"):
        name, colon, value = line.decode("latin-1").strip().partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    return headers


class PartsBody(Body):
    """An answer's body that puts its attachments into files as it comes, for ``Wire.request(body=...)``."""

    def __init__(self, limit: int, content_type: str, folder: Path) -> None:
        super().__init__(limit)
        self.splitter: Splitter | None = Splitter(content_type, folder) if is_multipart(content_type) else None

    def _add(self, chunk: bytes) -> None:
        if self.splitter is None:
            super()._add(chunk)
            return
        self._count(chunk)
        self.splitter.feed(chunk)

    def so_far(self, most: int | None = None) -> bytes:
        """For the journal: the envelope, and of each file its length and digest."""
        if self.splitter is None:
            return super().so_far(most)
        shown = []
        for part in self.splitter.parts:
            if part.path is None:
                shown.append(part.data)
            else:
                told = f"[part {part.id}: {part.media}, {part.size} bytes, sha256 {part.digest.hexdigest()}]"
                shown.append(told.encode("utf-8", "replace"))
        whole = b"\r\n".join(shown)
        return whole if most is None else whole[:most]


def split(body: bytes, content_type: str) -> tuple[bytes, str, tuple[Attachment, ...]]:
    """The envelope, its content type and the attachments of a body that is in memory."""
    splitter = Splitter(content_type)
    splitter.feed(body)
    splitter.end()
    root = splitter.root()
    return root.data, root.media, splitter.attachments()


def finder(attachments: Sequence[Attachment]) -> Callable[[str], Attachment | None]:
    """Finds the attachment that ``cid:...`` or a Content-Location refers to."""
    by_id = {attachment.id: attachment for attachment in attachments}

    def find(reference: str) -> Attachment | None:
        name = unquote(reference.removeprefix("cid:")) if reference.startswith("cid:") else reference
        return by_id.get(name) or by_id.get(reference)

    return find
