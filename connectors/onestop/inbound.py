"""The provincial LGSP API that installed one-stop systems call: SyncDocument and UpdateDocumentTraces, JSON or XML."""

from __future__ import annotations

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, NoReturn, TypeVar
from xml.parsers import expat
from xml.sax.saxutils import escape

from pydantic import BaseModel, ValidationError

from connectors.onestop.wire import DocumentTrace, SyncDocument
from lgsp.spi.inbound import InboundHook, InboundInvalid, InboundReply, InboundRequest, Received, Verdict

_DEPTH = 32
_ELEMENTS = 200_000
_LISTS: Mapping[str, str] = {
    "Attachments": "Attachment",
    "ResultAttachments": "Attachment",
    "DocFees": "DocFee",
    "DocPapers": "DocPaper",
    "Supplementaries": "Supplementary",
}
"""Lists of SyncDocument with the element of one item in XML; an item may also stand in the list's own element."""

Model = TypeVar("Model", bound=BaseModel)


def sync_document(request: InboundRequest, _settings: Any) -> Received:
    told = _read(request)
    if not isinstance(told, dict):
        raise InboundInvalid("", "the message must be one document, not a list")
    document = _fit(told, SyncDocument)
    return Received("sync_document", (document,), document.MessageId)


def document_traces(request: InboundRequest, _settings: Any) -> Received:
    told = _read(request)
    if isinstance(told, dict):
        inner = [told[name] for name in ("Traces", "DocumentTraces", "Trace", "DocumentTrace") if name in told]
        told = inner[0] if inner else told
        if isinstance(told, dict) and len(told) == 1 and isinstance(next(iter(told.values())), (list, dict)):
            told = next(iter(told.values()))
    listed = told if isinstance(told, list) else [told]
    if not listed:
        raise InboundInvalid("", "the message holds no trace")
    traces = tuple(_fit(one, DocumentTrace, "" if len(listed) == 1 else f"{n}.") for n, one in enumerate(listed))
    if len(traces) > 1:  # one id for several steps names none of them: each is known by its content
        traces = tuple(trace.model_copy(update={"MessageId": ""}) for trace in traces)
    # A step with a number of its own is known by it, whether pushed or polled; only others live by the message id.
    return Received("document_trace", traces, "" if traces[0].TraceId else traces[0].MessageId)


_REPLIES: Mapping[Verdict, tuple[int, str]] = {
    Verdict.ACCEPTED: (200, "Thành công"),
    Verdict.DUPLICATE: (200, "Thành công: bản tin này đã được tiếp nhận trước đó"),
    Verdict.INVALID: (400, "Bản tin không hợp lệ"),
    Verdict.UNAUTHORISED: (401, "Không được phép"),
    Verdict.CONFLICT: (409, "Mã bản tin đã dùng cho nội dung khác"),
    Verdict.TOO_LARGE: (413, "Bản tin quá lớn"),
    Verdict.UNSUPPORTED: (415, "Định dạng không được hỗ trợ"),
    Verdict.UNKNOWN_REFERENCE: (404, "Không có khoản thanh toán này"),
    Verdict.WRONG_AMOUNT: (409, "Số tiền không khớp"),
    Verdict.THROTTLED: (429, "Gọi quá nhiều lần"),
    Verdict.BUSY: (503, "Hệ thống đang bận, đề nghị gửi lại"),
}


def answer(request: InboundRequest, verdict: Verdict, detail: str) -> InboundReply:
    """``{Status, Message}`` in the caller's format. Installed systems read ``Status`` and never the HTTP status."""
    status, text = _REPLIES[verdict]
    message = f"{text}: {detail}" if detail and status != 200 else text
    if "xml" in request.content_type:
        body = f"<Response><Status>{status}</Status><Message>{escape(message)}</Message></Response>"
        head = '<?xml version="1.0" encoding="UTF-8"?>'
        return InboundReply(status, (head + body).encode(), "application/xml; charset=utf-8")
    return InboundReply(status, json.dumps({"Status": status, "Message": message}, ensure_ascii=False).encode())


def _fit(told: object, model: type[Model], where: str = "") -> Model:
    try:
        return model.model_validate(told)
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=False, include_context=False)
        place = where + ".".join(str(part) for part in faults[0]["loc"])
        also = [where + ".".join(str(part) for part in f["loc"]) for f in faults[1:6]]
        more = f" (also wrong: {', '.join(also)})" if also else ""
        raise InboundInvalid(place, _REASONS.get(faults[0]["type"], faults[0]["msg"]) + more) from None


_REASONS = {"missing": "is missing or empty", "model_type": "must be an object"}


def _read(request: InboundRequest) -> Any:
    try:
        text = request.body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InboundInvalid("", f"the body is not UTF-8 text (byte {error.start})") from None
    if not text.strip():
        raise InboundInvalid("", "the body is empty")
    return _xml(text) if "xml" in request.content_type else _json(text)


def _json(text: str) -> Any:
    try:
        told = json.loads(text, object_pairs_hook=_once_each, parse_float=Decimal, parse_constant=_no_number)
    except InboundInvalid:
        raise
    except RecursionError:
        raise InboundInvalid("", f"the message is nested more than {_DEPTH} levels deep") from None
    except json.JSONDecodeError as error:
        raise InboundInvalid("", f"not JSON at line {error.lineno}, column {error.colno}") from None
    except ValueError:
        raise InboundInvalid("", "a number has too many digits") from None
    if _deeper_than(told, _DEPTH):
        raise InboundInvalid("", f"the message is nested more than {_DEPTH} levels deep")
    if ("\\u" in text or "\x00" in text) and (place := _unstorable(told)) is not None:
        raise InboundInvalid(place[:80], "a text holds a NUL or half a character (a lone surrogate)")
    return told


def _unstorable(value: object, place: str = "") -> str | None:
    """Where a text stands that no database can hold; None: nowhere."""
    if isinstance(value, dict):
        if any(_unstorable(key) is not None for key in value):
            return place
        inner = [(value[key], f"{place}.{key}".lstrip(".")) for key in value]
    elif isinstance(value, list):
        inner = [(one, f"{place}.{number}") for number, one in enumerate(value)]
    else:
        bad = isinstance(value, str) and any(c == "\x00" or "\ud800" <= c <= "\udfff" for c in value)
        return place if bad else None
    return next((found for one, where in inner if (found := _unstorable(one, where)) is not None), None)


def _deeper_than(value: object, levels: int) -> bool:
    inner: Any = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    if inner is None:
        return False
    return levels == 0 or any(_deeper_than(one, levels - 1) for one in inner)


def _once_each(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    told = dict(pairs)
    if len(told) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise InboundInvalid(twice[:80], "stands twice in one object")
    return told


def _no_number(_name: str) -> NoReturn:
    raise InboundInvalid("", "NaN and Infinity are no numbers")


class _Element:
    __slots__ = ("inner", "name", "text")

    def __init__(self, name: str) -> None:
        self.name = name
        self.text: list[str] = []
        self.inner: list[_Element] = []


def _xml(text: str) -> Any:
    """The document below the root, whatever the root is called: elements to keys, namespaces left out."""
    parser = expat.ParserCreate(encoding="utf-8", namespace_separator="\n")
    root = _Element("")
    open_elements = [root]
    count = 0

    def start(name: str, _attributes: dict[str, str]) -> None:
        nonlocal count
        count += 1
        if len(open_elements) > _DEPTH:
            raise InboundInvalid("", f"the message is nested more than {_DEPTH} levels deep")
        if count > _ELEMENTS:
            raise InboundInvalid("", f"the message has more than {_ELEMENTS} elements")
        element = _Element(name.rpartition("\n")[2])
        open_elements[-1].inner.append(element)
        open_elements.append(element)

    def no_doctype(*_: object) -> NoReturn:
        raise InboundInvalid("", "a document type declaration (DTD) is not taken: leave it out")

    parser.StartElementHandler = start
    parser.EndElementHandler = lambda _name: open_elements.pop()
    parser.CharacterDataHandler = lambda data: open_elements[-1].text.append(data)
    parser.StartDoctypeDeclHandler = no_doctype
    parser.EntityDeclHandler = no_doctype
    try:
        parser.Parse(text.encode(), True)
    except expat.ExpatError as error:
        reason = expat.ErrorString(error.code)
        raise InboundInvalid("", f"not XML at line {error.lineno}, column {error.offset + 1}: {reason}") from None
    told = _value(root.inner[0])
    return told if isinstance(told, (dict, list)) else {}


def _value(element: _Element) -> Any:
    if not element.inner:
        return "".join(element.text)
    names = [inner.name for inner in element.inner]
    if element.name in _LISTS and set(names) == {_LISTS[element.name]}:
        return [_value(inner) for inner in element.inner]
    if len(names) > 1 and len(set(names)) == 1 and all(inner.inner for inner in element.inner):
        return [_value(inner) for inner in element.inner]  # a list of traces under any root
    told: dict[str, Any] = {}
    for inner in element.inner:
        value = _value(inner)
        if inner.name in _LISTS:
            items = value if isinstance(value, list) else [value] if isinstance(value, dict) else []
            told[inner.name] = [*told.get(inner.name, []), *items]
        elif inner.name in told:
            raise InboundInvalid(inner.name[:80], "stands twice in one element")
        else:
            told[inner.name] = value
    return told


def _hooks() -> tuple[InboundHook, ...]:
    """Each address with and without an adapter's name before it: both are configured in the field."""
    made = []
    for name, call, receive, files in (
        ("sync_document", "SyncDocument", sync_document, ("Base64",)),
        ("document_traces", "UpdateDocumentTraces", document_traces, ()),
    ):
        for suffix, prefix in (("", ""), ("_adapter", "/{adapter}")):
            path = f"{prefix}/Document/{call}"
            made.append(InboundHook(f"{name}{suffix}", "POST", path, receive, answer, file_fields=files))
    return tuple(made)


HOOKS = _hooks()
