"""What came back from one call, read whole."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ValidationError

from lgsp.errors import BadAnswer
from lgsp.wire import parse


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back, read whole and within the size limit."""

    status: int
    headers: Mapping[str, str]
    """Names in lower case."""
    body: bytes
    system: str = ""
    operation: str = ""

    @property
    def content_type(self) -> str:
        """The media type in lower case without parameters; ``""`` if none is named."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def text(self) -> str:
        """The body as text by its charset or BOM (UTF-8 if none is named); ``BadAnswer`` if it does not decode."""
        try:
            return parse.text(self.body, self.headers.get("content-type", ""))
        except parse.Unreadable as error:
            raise self.bad(str(error)) from None

    def json(self) -> Any:
        """The body as JSON (numbers with a fraction as ``Decimal``); ``BadAnswer`` for an HTML page, an empty,
        cut-off, garbled or too deeply nested body. JSON inside a JSON string is *not* unwrapped here."""
        if not self.body.strip():
            raise self.bad("an empty body instead of JSON")
        try:
            document = parse.json_text(self.body, self.headers.get("content-type", "")).strip()
            if "html" in self.content_type or document.startswith("<"):
                raise self.bad("an HTML page instead of JSON")
            return parse.loads(document)
        except parse.Unreadable as error:
            raise self.bad(str(error)) from None

    def model(self, model: type[Any]) -> Any:
        """``json()`` validated into a wire model; ``BadAnswer`` naming the fields that do not fit, no values."""
        return self.fit(self.json(), model)

    def fit(self, value: Any, model: type[Any]) -> Any:
        """A value read from this reply (unwrapped, say) as a wire model; ``BadAnswer`` as ``model`` has it."""
        assert issubclass(model, BaseModel)
        try:
            return model.model_validate(value)
        except ValidationError as error:
            faults = error.errors(include_url=False, include_input=False, include_context=False)
            named = [f"{'.'.join(str(part) for part in e['loc']) or 'the whole'} ({e['type']})" for e in faults[:5]]
            more = f" and {len(faults) - 5} more" if len(faults) > 5 else ""
            raise self.bad(f"{model.__name__}: fields that do not fit: {', '.join(named)}{more}") from None

    def bad(self, reason: str) -> BadAnswer:
        """The error for an answer that cannot be read, with the HTTP status beside the reason."""
        return BadAnswer(f"HTTP {self.status}: {reason}", system=self.system, operation=self.operation)
