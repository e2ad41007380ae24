"""The only door to the network: one ``Wire`` per system, with its own pool, limits, timeouts and journal."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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
    def content_type(self) -> str: ...

    def text(self) -> str:
        """The body as text by its charset or BOM (UTF-8 if none is named); ``BadAnswer`` if it does not decode."""

    def json(self) -> Any:
        """The body as JSON (numbers with a fraction as ``Decimal``); ``BadAnswer`` for an HTML page, an empty,
        cut-off, garbled or too deeply nested body. JSON inside a JSON string is *not* unwrapped here."""

    def model(self, model: type[Any]) -> Any:
        """``json()`` validated into a wire model; ``BadAnswer`` naming the fields that do not fit, no values."""


class Wire:
    """Calls of one system. Made by the daemon, ``lgsp doctor`` and tests; handed to the connector.

    Attributes a connector uses: ``settings``, ``grants`` (a ``GrantStore``), ``clock``.
    """

    async def request(
        self,
        operation: str,
        method: str,
        url: str,
        *,
        json: Any = None,
        form: Mapping[str, str] | None = None,
        content: bytes | None = None,
        content_type: str = "",
        headers: Mapping[str, str] | None = None,
        query: Mapping[str, str] | None = None,
        effect: bool = True,
    ) -> Reply:
        """Send one request and read its whole answer, whatever its status.

        ``json`` is anything ``json.dumps`` takes or a pydantic model (dumped by alias). ``effect=False`` says that the
        call changes nothing at the remote (log-in, look-up). Raises ``NotSent`` (after in-call retries),
        ``OutcomeUnknown``, ``BadAnswer`` (too large, cut off), ``Throttled`` (429, or 503 with ``Retry-After``);
        other statuses come back as a ``Reply``: what they mean is the connector's to say (see ``expect``).
        """
