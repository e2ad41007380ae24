"""Walks through a body of any form, JSON in XML in base64 included, and replaces values; all other bytes stay."""

from __future__ import annotations

import base64
import binascii
import gzip
import html
import json
import re
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote, quote_plus, unquote, unquote_plus
from xml.sax.saxutils import escape

from lgsp.canonical.numbers import with_lost_zeros
from lgsp.recording.detect import find
from lgsp.recording.kinds import Kind, is_amount, kind_of
from lgsp.recording.known import Known

Replace = Callable[[Kind, str], str]
"""Gets a kind and a value, gives what stands in its place; the value itself: nothing is to be replaced."""
_DEEP = 24
_UNPACKED = 64 * 1024 * 1024
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?|[{}\[\],:]|true|false|null', re.DOTALL)
_MARKUP = re.compile(
    r"<!--.*?-->|<!\[CDATA\[.*?\]\]>|<\?.*?\?>|<![^>]*>|</[^>]*>|<[A-Za-z_](?:[^<>\"']|\"[^\"]*\"|'[^']*')*>", re.DOTALL
)
_ATTRIBUTE = re.compile(r"([\w:.-]+)(\s*=\s*)(\"[^\"]*\"|'[^']*')")
_TAG = re.compile(r"</?\s*(?:[\w.-]+:)?([\w.-]+)")
_SPLIT_NAME = re.compile(
    r"(<(?:[\w.-]+:)?Ho>)([^<]+)(</[^>]*>\s*<(?:[\w.-]+:)?(?:ChuDem|Dem|TenDem)>)([^<]*)(</[^>]*>\s*<(?:[\w.-]+:)?Ten>)([^<]+)(?=</)"
)
"""A name in three elements, as the population database answers it: one value all the same."""
_BASE64 = re.compile(r"[A-Za-z0-9+/_\-\s]{8,}={0,2}\s*")
_LONG_BASE64 = re.compile(r"(?<![A-Za-z0-9+/=_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/=_-])")
_PAIR = re.compile(r"(?:^|(?<=[&?]))([^=&?#\s]+)=([^&#]*)")
_MAGIC = (
    b"%PDF",
    b"\xff\xd8\xff",
    b"\x89PNG",
    b"PK\x03\x04",
    b"GIF8",
    b"II*\x00",
    b"MM\x00*",
    b"BM",
    b"\xd0\xcf\x11\xe0",
)
_SIGNATURE = 1024
"""Most bytes of a signature or digest; longer bytes that are no text are a file."""
_ENCODING = re.compile(rb"<\?xml[^>]*encoding=[\"']([\w-]+)")
_PLACE = re.compile(r"lgsp-file:|\*\*\*")


class Walker:
    """One way of replacing, applied to whole bodies, addresses and single texts."""

    def __init__(
        self,
        replace: Replace,
        *,
        bytes_too: bool = True,
        known: Known | None = None,
        kinds: Callable[[str, str], Kind | None] = kind_of,
    ) -> None:
        """``bytes_too``: contents of files (base64 that is no text) give way to a filler of the same length. ``known``:
        values that are looked for in free text beside what shows itself. ``kinds``: what a field holds, by its name
        and that of what it stands in."""
        self._replace, self._bytes_too, self._known, self._kinds = replace, bytes_too, known, kinds

    # --- bytes --------------------------------------------------------------------------------------------------------

    def body(self, data: bytes, content_type: str = "") -> bytes:
        """A body with its values replaced."""
        if not data:
            return data
        kind = content_type.lower()
        if "multipart/" in kind and (told := re.search(r'boundary="?([^";,]+)', content_type, re.IGNORECASE)):
            return self._multipart(data, told[1].encode("latin-1"))
        if data[:2] == b"\x1f\x8b":
            return self._packed(data)
        text = _text_of(data)
        if text is None:
            return self._filler(data) if self._bytes_too else data
        told_text, encoding, mark = text
        done = self.document(told_text, form="form-urlencoded" in kind)
        return (
            data
            if done == told_text
            else mark + done.encode(encoding, "xmlcharrefreplace" if "<" in done[:1] else "replace")
        )

    def _packed(self, data: bytes) -> bytes:
        try:
            inner = zlib.decompressobj(31)
            plain = inner.decompress(data, _UNPACKED)
        except zlib.error:
            return self._filler(data)
        if inner.unconsumed_tail:
            return self._filler(data)
        done = self.body(plain)
        return data if done == plain else gzip.compress(done, mtime=0)

    def _multipart(self, data: bytes, boundary: bytes) -> bytes:
        parts = data.split(b"--" + boundary)
        for place, part in enumerate(parts):
            head, gap, inner = part.partition(b"\r\n\r\n")
            if gap:
                heads = head.decode("utf-8", "replace")
                name = re.search(r'name="([^"]*)"', heads)
                kind = re.search(r"content-type:\s*([^\r\n]+)", heads, re.IGNORECASE)
                content, end = (inner[:-2], inner[-2:]) if inner.endswith(b"\r\n") else (inner, b"")
                done = self._part(content, name[1] if name else "", kind[1] if kind else "")
                shown = re.sub(r'filename="([^"]*)"', lambda m: f'filename="{self.free(m[1])}"', heads)
                parts[place] = shown.encode() + gap + done + end
        return (b"--" + boundary).join(parts)

    def _part(self, content: bytes, name: str, kind: str) -> bytes:
        if kind:
            return self.body(content, kind)
        try:
            return self.value(content.decode(), name).encode()
        except UnicodeDecodeError:
            return self.body(content)

    @staticmethod
    def _filler(data: bytes) -> bytes:
        """Of the same length and type: a reader sees at once that nothing is left of the file."""
        head = next((data[: len(magic)] for magic in _MAGIC if data.startswith(magic)), b"")
        words = head + b"\n% redacted "
        return (
            (words + b"redacted " * (len(data) // 9 + 1))[: len(data)] if len(data) > len(words) else b"r" * len(data)
        )

    # --- text ---------------------------------------------------------------------------------------------------------

    def document(self, text: str, *, form: bool = False, name: str = "", deep: int = 0) -> str:
        """A text that is a whole document: JSON, XML or HTML, a form, or plain."""
        start = text.lstrip("\ufeff \t\r\n")[:1]
        if deep < _DEEP:
            if start in ("{", "["):
                return self._json(text, deep)
            if start == "<":
                return self._xml(text, deep)
            if form or re.fullmatch(r"[\w.%\[\]-]+=[^&\s]*(?:&[\w.%\[\]-]+=[^&\s]*)+", text):
                return self.pairs(text, deep)
        return self.free(text, name=name)

    def value(self, text: str, field: str, above: str = "", deep: int = 0) -> str:
        """The value of one field."""
        if not text or _PLACE.match(text):
            return text
        kind = self._kinds(field, above)
        if kind is not None and not text.lstrip().startswith(("{", "[", "<")):
            return self._replace(kind, text)
        if deep >= _DEEP:
            return self.free(text, name=field)
        bare = text.strip()
        if bare[:1] in ("{", "[", "<") and len(bare) > 2:
            return self.document(text, deep=deep + 1, name=field)
        if "://" in bare[:12]:
            return self.url(text, deep + 1)
        if bare.startswith("data:") and ";base64," in bare[:100]:
            head, comma, content = text.partition(",")
            return head + comma + self._base64(content, deep)
        if _BASE64.fullmatch(bare) and (done := self._base64(text, deep)) != text:
            return done
        if re.fullmatch(r"[\w.%\[\]-]+=[^&\s]*(?:&[\w.%\[\]-]+=[^&\s]*)+", bare):
            return self.pairs(text, deep + 1)
        return self.free(text, alone=not is_amount(field), name=field, deep=deep)

    def url(self, text: str, deep: int = 0) -> str:
        """An address: its query by name, its path by form."""
        path, mark, query = text.partition("?")
        bare = unquote(path)
        if (done := self.free(bare)) != bare:
            path = quote(done, safe="/:@!$&'()*+,;=~-._%")
        return path + mark + (self.pairs(query, deep) if mark else "")

    def pairs(self, text: str, deep: int = 0) -> str:
        """Form fields; only those that change are written anew."""

        def one(match: re.Match[str]) -> str:
            plain = unquote_plus(match[2])
            done = self.value(plain, unquote_plus(match[1]), deep=deep + 1)
            return match[0] if done == plain else f"{match[1]}={quote_plus(done)}"

        return _PAIR.sub(one, text)

    def free(self, text: str, *, alone: bool = False, name: str = "", deep: int = 0) -> str:
        """Free text: what shows itself by its form or by the word before it, and base64 words."""
        if self._known is not None:
            text = self._known.replaced(text)
        out, last = [], 0
        for found in find(text, alone=alone):
            done = self._replace(found.kind, text[found.start : found.end])
            out += [text[last : found.start], done]
            last = found.end
        text = "".join([*out, text[last:]]) if out else text
        if deep < _DEEP and len(text) >= 16:
            text = _LONG_BASE64.sub(lambda match: self._base64(match[0], deep), text)
        return text

    # --- forms --------------------------------------------------------------------------------------------------------

    def _json(self, text: str, deep: int) -> str:
        out: list[str] = []
        last = 0
        frames = [_Frame(False)]
        for token in _TOKEN.finditer(text):
            raw, here = token[0], frames[-1]
            first = raw[0]
            if first in "{[":
                above = here.name if here.in_object or not here.above else here.above
                frames.append(_Frame(first == "{", above, "" if first == "{" else here.name))
            elif first in "}]":
                if len(frames) > 1:
                    frames.pop()
            elif first == ",":
                here.key_next = here.in_object
            elif first == ":":
                here.key_next = False
            elif first == '"' and here.key_next:
                here.name = _unquoted(raw)
            elif first == '"' or first in "-0123456789":
                done = self._json_value(raw, here.name, here.above, deep)
                if done != raw:
                    out += [text[last : token.start()], done]
                    last = token.end()
        return "".join([*out, text[last:]]) if out else text

    def _json_value(self, raw: str, name: str, above: str, deep: int) -> str:
        if raw[0] == '"':
            plain = _unquoted(raw)
            done = self.value(plain, name, above, deep)
            if done == plain:
                return raw
            return json.dumps(done, ensure_ascii="\\u" in raw and raw.isascii())
        kind = self._kinds(name, above)
        if not raw.isdigit():
            return raw
        if kind in (Kind.NUMBER, Kind.TAX, Kind.PHONE, Kind.ACCOUNT):
            whole = with_lost_zeros(raw) if kind in (Kind.NUMBER, Kind.TAX) and len(raw) < 10 else raw
            done = self._replace(kind, whole)
        elif not is_amount(name) and len(raw) in (
            11,
            12,
        ):  # a personal number that came as a number lost its first zero
            whole = raw.zfill(12)
            done = self.free(whole, alone=True)
        else:
            return raw
        return (done.lstrip("0") or "0") if done != whole and done.isdigit() else raw

    def _xml(self, text: str, deep: int) -> str:
        text = _SPLIT_NAME.sub(self._split_name, text)
        out: list[str] = []
        open_: list[str] = []
        run: list[tuple[str, str]] = []  # the pieces of one text, as they stand: text, cdata, comment
        last, opened = 0, False
        for mark in _MARKUP.finditer(text):
            if mark.start() > last:
                run.append(("text", text[last : mark.start()]))
            last, raw = mark.end(), mark[0]
            if raw.startswith("<![CDATA["):
                run.append(("cdata", raw[9:-3]))
            elif raw.startswith("<!--"):
                run.append(("comment", raw[4:-3]))
            else:
                out.extend(self._run(run, open_, deep, leaf=opened and raw.startswith("</")))
                run.clear()
                opened = False
                if raw.startswith("</"):
                    del open_[-1:]
                elif not raw.startswith(("<?", "<!")):
                    raw = self._tag(raw, open_, deep)
                    if not raw.endswith("/>"):
                        opened = True
                out.append(raw)
        if last < len(text):
            run.append(("text", text[last:]))
        out.extend(self._run(run, open_, deep, leaf=False))
        return "".join(out)

    def _split_name(self, match: re.Match[str]) -> str:
        whole = " ".join(" ".join(html.unescape(match[n]) for n in (2, 4, 6)).split())
        done = self._replace(Kind.NAME, whole)
        first, _, rest = done.partition(" ")
        middle, _, last = rest.partition(" ")
        return match[0] if done == whole else f"{match[1]}{first}{match[3]}{middle}{match[5]}{escape(last)}"

    def _run(self, run: list[tuple[str, str]], open_: list[str], deep: int, *, leaf: bool) -> Iterator[str]:
        """One text, whose pieces may be split by CDATA sections and comments, as one value."""
        told = [(kind, raw) for kind, raw in run if kind != "comment"]
        plain = "".join(raw if kind == "cdata" else html.unescape(raw) for kind, raw in told)
        done = plain
        if plain.strip():
            field, above = (["", "", *open_])[-1], (["", "", *open_])[-2]
            done = self.value(plain, field, above, deep) if leaf else self.free(plain, name=field, deep=deep)
        if done != plain:
            whole_cdata = all(kind == "cdata" for kind, raw in told if raw.strip()) and "]]>" not in done
            yield f"<![CDATA[{done}]]>" if whole_cdata else escape(done)
            run = [(kind, raw) for kind, raw in run if kind == "comment"]
        for kind, raw in run:
            yield f"<!--{self.free(raw)}-->" if kind == "comment" else f"<![CDATA[{raw}]]>" if kind == "cdata" else raw

    def _tag(self, raw: str, open_: list[str], deep: int) -> str:
        name = _TAG.match(raw)
        own = name[1] if name else ""
        if not raw.endswith("/>"):
            open_.append(own)
        if "=" not in raw:
            return raw

        def one(match: re.Match[str]) -> str:
            if match[1].startswith("xmlns") or match[1].endswith(("schemaLocation", ":type")):
                return match[0]
            plain = html.unescape(match[3][1:-1])
            done = self.value(plain, match[1].rpartition(":")[2], own, deep + 1)
            if done == plain:
                return match[0]
            return match[1] + match[2] + '"' + escape(done, {'"': "&quot;"}) + '"'

        return _ATTRIBUTE.sub(one, raw)

    def _base64(self, text: str, deep: int) -> str:
        """Base64, its line breaks and alphabet kept; a text inside is walked through, a file gives way to a filler."""
        bare = re.sub(r"\s+", "", text)
        if len(bare) < 12 or bare.isdigit() or len(bare.rstrip("=")) % 4 == 1:
            return text
        url_safe = "-" in bare or "_" in bare
        if url_safe and ("+" in bare or "/" in bare):
            return text
        padded = bare.rstrip("=") + "=" * (-len(bare.rstrip("=")) % 4)
        try:
            data = base64.b64decode(padded, altchars=b"-_" if url_safe else None, validate=True)
        except (binascii.Error, ValueError):
            return text
        done = self._decoded(data, deep)
        if done == data:
            return text
        made = (base64.urlsafe_b64encode if url_safe else base64.b64encode)(done).decode("ascii")
        if not bare.endswith("=") and len(bare) % 4:
            made = made.rstrip("=")
        lines = re.match(r"\s*([^\s]+)(\r?\n)", text)
        if lines:
            width = len(lines[1])
            return lines[2].join(made[at : at + width] for at in range(0, len(made), width)) + (
                lines[2] if text.endswith("\n") else ""
            )
        return made

    def _decoded(self, data: bytes, deep: int) -> bytes:
        if data[:2] == b"\x1f\x8b":
            return self._packed(data)
        text = _text_of(data)
        if text is None:
            known = data.startswith(_MAGIC)
            return (
                self._filler(data) if self._bytes_too and len(data) > 64 and (known or len(data) > _SIGNATURE) else data
            )
        told, encoding, mark = text
        if not _readable(told):
            return data
        done = (
            self.document(told, deep=deep + 1)
            if told.lstrip()[:1] in ("{", "[", "<")
            else self.free(told, alone=True, deep=deep + 1)
        )
        return data if done == told else mark + done.encode(encoding, "replace")


def _text_of(data: bytes) -> tuple[str, str, bytes] | None:
    """The text, its encoding and its byte order mark; None for what is no text."""
    for mark, encoding in ((b"\xff\xfe", "utf-16-le"), (b"\xfe\xff", "utf-16-be"), (b"\xef\xbb\xbf", "utf-8")):
        if data.startswith(mark):
            try:
                return data[len(mark) :].decode(encoding), encoding, mark
            except UnicodeDecodeError:
                return None
    if data[:4] in (b"<\0?\0", b"<\0s\0", b"<\0S\0"):
        try:
            return data.decode("utf-16-le"), "utf-16-le", b""
        except UnicodeDecodeError:
            return None
    try:
        return data.decode("utf-8"), "utf-8", b""
    except UnicodeDecodeError:
        pass
    if found := _ENCODING.search(data[:200]):
        try:
            encoding = found[1].decode("ascii")
            return data.decode(encoding), encoding, b""
        except (LookupError, UnicodeDecodeError):
            return None
    return None


def _readable(text: str) -> bool:
    """Whether it is text for a reader, and not bytes that happen to decode."""
    return all(letter.isprintable() or letter in "\r\n\t" for letter in text[:2000])


def _unquoted(raw: str) -> str:
    try:
        return str(json.loads(raw, strict=False))
    except ValueError:
        return raw[1:-1]


@dataclass(slots=True)
class _Frame:
    """An object or list of JSON that is being read."""

    in_object: bool
    above: str = ""
    name: str = ""
    key_next: bool = field(init=False)

    def __post_init__(self) -> None:
        self.key_next = self.in_object
