"""Takes base64 files out of a message while it arrives: they go to the file store, a reference stays in their place."""

from __future__ import annotations

import binascii
import json
import re
from collections.abc import Callable, Sequence
from typing import Literal

from lgsp.inbound.files import PREFIX, FileStore, Writer
from lgsp.spi.inbound import InboundInvalid

_SPACE = b" \t\r\n"
_NAME_LIMIT = 1024
_TAG_LIMIT = 64 * 1024
_FILES_LIMIT = 500

Dialect = Literal["json", "xml"]


class _Base64:
    """Decodes one value into the store, piece by piece."""

    def __init__(self, field: str, store: FileStore, writers: list[Writer]) -> None:
        self._field, self._store, self._writers = field, store, writers
        self._writer: Writer | None = None
        self._rest = b""
        self._padded = False

    def feed(self, text: bytes) -> None:
        if self._rest:
            text = self._rest + text
        text = text.translate(None, _SPACE)
        whole = len(text) & ~3
        self._rest = text[whole:]
        if not whole:
            return
        if self._padded:
            raise self._invalid("is not base64: it goes on after its end")
        try:
            data = binascii.a2b_base64(text[:whole], strict_mode=True)
        except (binascii.Error, ValueError):
            raise self._invalid("is not base64") from None
        self._padded = text[whole - 1] == 0x3D
        if self._writer is None:
            if len(self._writers) >= _FILES_LIMIT:
                raise self._invalid(f"one message may carry at most {_FILES_LIMIT} files")
            self._writer = self._store.begin()
            self._writers.append(self._writer)
        self._writer.write(data)

    def end(self) -> bytes:
        """What stands in the value's place."""
        if self._rest:
            raise self._invalid("is not base64, or cut off: its length is not a multiple of four")
        if self._writer is None:
            return b""
        self._writer.close()
        return f"{PREFIX}{self._writer.id}".encode()

    def _invalid(self, reason: str) -> InboundInvalid:
        return InboundInvalid(self._field, reason)


class Diverter:
    """Feed it the chunks of a message as they come; what it gives back is the message without its files.

    Nothing but the unread end of a chunk is held. ``keep`` makes the files durable and must have returned before the
    message is accepted; ``discard`` drops them. Malformed messages pass through for the parser to refuse; only what
    cannot be a file (``InboundInvalid``) and a DTD are refused here.
    """

    def __init__(self, fields: Sequence[str], dialect: Dialect, store: FileStore) -> None:
        self._fields = frozenset(fields)
        self._store = store
        self._writers: list[Writer] = []
        self._value: _Base64 | None = None
        self._step: Callable[[], bool] = self._json_outside if dialect == "json" else self._xml_outside
        self._buffer = b""
        self._at = 0
        """How far the buffer has been read."""
        self._from = 0
        """From where on what was read is still to be given back."""
        self._out: list[bytes] = []
        self._name = b""
        self._field = ""
        self._stop = b""

    def feed(self, chunk: bytes) -> bytes:
        """The next chunk in, what remains of it out."""
        self._buffer += chunk
        while self._step():
            pass
        return self._taken()

    def finish(self) -> bytes:
        """The end of the message: what was still held back."""
        if self._value is not None:
            raise InboundInvalid(self._field, "the message ends inside the file")
        self._at = len(self._buffer)
        return self._taken()

    def keep(self) -> None:
        """Make all files durable (blocking: call it in a thread)."""
        for writer in self._writers:
            writer.keep()

    def discard(self) -> None:
        """Drop all files not yet kept."""
        for writer in self._writers:
            writer.discard()

    def _taken(self) -> bytes:
        self._out.append(self._buffer[self._from : self._at])
        self._buffer = self._buffer[self._at :]
        self._at = self._from = 0
        out = b"".join(self._out)
        self._out.clear()
        return out

    def _begin_file(self, field: str) -> None:
        self._out.append(self._buffer[self._from : self._at])
        self._field, self._value = field, _Base64(field, self._store, self._writers)

    def _file_text(self, end: int) -> None:
        """The buffer up to ``end`` is a piece of the file; it is not given back."""
        assert self._value is not None
        self._value.feed(self._buffer[self._at : end])
        self._at = self._from = end

    def _end_file(self) -> None:
        assert self._value is not None
        self._out.append(self._value.end())
        self._value = None

    # Each step reads what it can of the buffer and returns whether there may be more to do now.

    # --- JSON ---

    def _json_outside(self) -> bool:
        quote = self._buffer.find(b'"', self._at)
        if quote < 0:
            self._at = len(self._buffer)
            return False
        self._at = quote + 1
        self._name = b""
        self._step = self._json_string
        return True

    def _json_string(self) -> bool:
        found = _JSON_STOP.search(self._buffer, self._at)
        end = found.start() if found else len(self._buffer)
        self._remember(end)
        if found is None:
            return False
        if self._buffer[end] == 0x22:
            self._at = end + 1
            self._step = self._json_colon
            return True
        if len(self._buffer) < end + 2:  # a backslash and what it escapes stay together
            return False
        self._remember(end + 2)
        return True

    def _remember(self, end: int) -> None:
        if len(self._name) <= _NAME_LIMIT:
            self._name += self._buffer[self._at : min(end, self._at + _NAME_LIMIT + 1)]
        self._at = end

    def _json_colon(self) -> bool:
        mark = self._next_mark()
        if mark == b":":
            self._at += 1
        self._step = self._json_value if mark == b":" else self._json_outside if mark else self._step
        return bool(mark)

    def _json_value(self) -> bool:
        mark = self._next_mark()
        if not mark:
            return False
        self._step = self._json_outside
        if mark == b'"' and (name := _unescaped(self._name)) in self._fields:
            self._at += 1
            self._begin_file(str(name))
            self._step = self._json_file
        return True

    def _next_mark(self) -> bytes:
        """The next byte that is not white space, unread; empty if it has not come yet."""
        found = _NOT_SPACE.search(self._buffer, self._at)
        self._at = found.start() if found else len(self._buffer)
        return found[0] if found else b""

    def _json_file(self) -> bool:
        assert self._value is not None
        found = _JSON_STOP.search(self._buffer, self._at)
        self._file_text(found.start() if found else len(self._buffer))
        if found is None:
            return False
        if found[0] == b'"':
            self._end_file()
            self._at += 1  # the closing quote is given back, and does not open another string
            self._step = self._json_outside
            return True
        length = 6 if self._buffer[self._at + 1 : self._at + 2] == b"u" else 2
        if len(self._buffer) < self._at + length:
            return False
        plain = _unescaped(self._buffer[self._at : self._at + length])
        if plain is None or not plain.isascii():
            raise InboundInvalid(self._field, "is not base64")
        self._value.feed(plain.encode())
        self._at = self._from = self._at + length
        return True

    # --- XML ---

    def _xml_outside(self) -> bool:
        at = self._buffer.find(b"<", self._at)
        self._at = at if at >= 0 else len(self._buffer)
        if at < 0:
            return False
        start = self._buffer[at : at + len(_CDATA)]
        for opening, closing in _XML_SKIPPED:
            if start.startswith(opening):
                self._stop = closing
                self._at += len(opening)
                self._step = self._xml_skip
                return True
            if opening.startswith(start):
                return False
        if start.startswith(b"<!"):
            raise InboundInvalid("", "a document type declaration (DTD) is not taken: leave it out")
        return self._xml_tag()

    def _xml_tag(self) -> bool:
        tag = _XML_TAG.match(self._buffer, self._at)
        if tag is None:
            if len(self._buffer) - self._at > _TAG_LIMIT:
                raise InboundInvalid("", f"a tag is longer than {_TAG_LIMIT} bytes")
            return False
        self._at = tag.end()
        name = tag[1].rpartition(b":")[2].decode("utf-8", "replace")
        if name in self._fields and not tag[0].endswith(b"/>"):
            self._begin_file(name)
            self._from = self._at
            self._step = self._xml_file
        return True

    def _xml_skip(self) -> bool:
        at = self._buffer.find(self._stop, self._at)
        if at < 0:
            self._at = max(self._at, len(self._buffer) - len(self._stop) + 1)
            return False
        self._at = at + len(self._stop)
        self._step = self._xml_outside
        return True

    def _xml_file(self) -> bool:
        at = self._buffer.find(b"<", self._at)
        self._file_text(at if at >= 0 else len(self._buffer))
        if at < 0:
            return False
        start = self._buffer[at : at + len(_CDATA)]
        if start.startswith(b"</"):
            self._end_file()
            self._step = self._xml_outside
            return True
        if start == _CDATA:
            self._at = self._from = at + len(_CDATA)
            self._step = self._xml_cdata
            return True
        if _CDATA.startswith(start):
            return False
        raise InboundInvalid(self._field, "holds something else than base64 text")

    def _xml_cdata(self) -> bool:
        at = self._buffer.find(b"]", self._at)
        self._file_text(at if at >= 0 else len(self._buffer))
        if at < 0:
            return False
        end = self._buffer[at : at + 3]
        if end == b"]]>":
            self._at = self._from = at + 3
            self._step = self._xml_file
            return True
        if b"]]>".startswith(end):
            return False
        raise InboundInvalid(self._field, "is not base64")


_JSON_STOP = re.compile(rb'["\\]')
_NOT_SPACE = re.compile(rb"[^ \t\r\n]")
_CDATA = b"<![CDATA["
_XML_SKIPPED = ((b"<!--", b"-->"), (_CDATA, b"]]>"), (b"<?", b"?>"))
_XML_TAG = re.compile(rb"""<([^\s>/"']*)(?:[^>"']|"[^"]*"|'[^']*')*>""")


def _unescaped(raw: bytes) -> str | None:
    """The text of a JSON string's inside, or None if it is none. A name may be written in escapes as well."""
    try:
        text = json.loads(b'"' + raw + b'"')
    except ValueError:
        return None
    return text if isinstance(text, str) else None
