"""WS-Addressing 1.0: where a message goes, what it wants, and which answer is its own.

Source: W3C Web Services Addressing 1.0, Core and SOAP Binding.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

from lgsp.wire.reply import Reply
from lgsp.wire.soap.blocks import Context

if TYPE_CHECKING:
    from lgsp.wire.soap.service import SoapAnswer

WSA = "http://www.w3.org/2005/08/addressing"


def new_id() -> str:
    """A message id as the standard suggests."""
    return f"urn:uuid:{uuid.uuid4()}"


@dataclass(frozen=True, slots=True)
class Addressed:
    """The blocks of one request."""

    number: str
    to: str = ""
    action: str = ""

    def block(self, context: Context) -> str:
        """Action, MessageID, To and ReplyTo."""
        action = self.action or context.addressing or context.action
        must = ' s:mustUnderstand="1"' if context.version == "1.1" else ' s:mustUnderstand="true"'
        return (
            f'<wsa:Action xmlns:wsa="{WSA}"{must}>{escape(action)}</wsa:Action>'
            f'<wsa:MessageID xmlns:wsa="{WSA}">{escape(self.number)}</wsa:MessageID>'
            f'<wsa:To xmlns:wsa="{WSA}"{must}>{escape(self.to or context.url)}</wsa:To>'
            f'<wsa:ReplyTo xmlns:wsa="{WSA}"><wsa:Address>{WSA}/anonymous</wsa:Address></wsa:ReplyTo>'
        )

    def check(self, answer: SoapAnswer, reply: Reply) -> None:
        """An answer that says whose it is must be this request's; one that does not say is taken."""
        for block in answer.headers:
            if block.tag == f"{{{WSA}}}RelatesTo" and (block.text or "").strip() != self.number:
                raise reply.bad("the answer of another request: its RelatesTo is not the MessageID sent")


class Addressing:
    """Makes the blocks of each call; for ``SoapPort(talks=[Addressing().talk])``."""

    def __init__(self, to: str = "", *, number: Callable[[], str] = new_id) -> None:
        """``to``: the address that the remote calls its own, where it is not the one posted to."""
        self._to, self._number = to, number

    def talk(self, method: str) -> Addressed:
        """The blocks for one call."""
        return Addressed(self._number(), self._to)
