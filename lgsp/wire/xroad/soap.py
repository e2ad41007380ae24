"""X-Road SOAP, message protocol 4.0: header blocks, their echo in the answer, the bus's faults.

Source: X-Road message protocol (pr-mess) 4.0.25, sections 2.2 to 2.4.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from xml.sax.saxutils import escape

from lgsp.errors import CallError
from lgsp.wire.exchange import current_scope
from lgsp.wire.reply import Reply
from lgsp.wire.soap.blocks import Context
from lgsp.wire.soap.fault import Fault
from lgsp.wire.xroad.faults import fault_error, is_known, side
from lgsp.wire.xroad.identifiers import Member, code

if TYPE_CHECKING:
    from lgsp.wire.soap.service import SoapAnswer

HEADERS = "http://x-road.eu/xsd/xroad.xsd"
IDENTIFIERS = "http://x-road.eu/xsd/identifiers"
_ID = f"{{{IDENTIFIERS}}}"
_XRD = f"{{{HEADERS}}}"
_PARTS = ("xRoadInstance", "memberClass", "memberCode", "subsystemCode")


def new_number() -> str:
    """A message id: unique, as the protocol wants it."""
    return str(uuid.uuid4())


@dataclass(frozen=True, slots=True)
class Talk:
    """One request's header blocks, and the check of the answer's."""

    client: Member
    provider: Member
    service: str
    version: str
    number: str
    user: str = ""
    issue: str = ""

    def block(self, context: Context) -> str:
        """The blocks in the protocol's order."""
        out = [
            f'<xrd:client xmlns:xrd="{HEADERS}" xmlns:id="{IDENTIFIERS}" id:objectType="{self.client.kind}">',
            _member(self.client),
            f'</xrd:client><xrd:service xmlns:xrd="{HEADERS}" xmlns:id="{IDENTIFIERS}" id:objectType="SERVICE">',
            _member(self.provider),
            f"<id:serviceCode>{escape(self.service)}</id:serviceCode>",
            f"<id:serviceVersion>{escape(self.version)}</id:serviceVersion>" if self.version else "",
            "</xrd:service>",
        ]
        for name, value in (("id", self.number), ("userId", self.user), ("issue", self.issue)):
            if value:
                out.append(f'<xrd:{name} xmlns:xrd="{HEADERS}">{escape(value)}</xrd:{name}>')
        out.append(f'<xrd:protocolVersion xmlns:xrd="{HEADERS}">4.0</xrd:protocolVersion>')
        return "".join(out)

    def check(self, answer: SoapAnswer, reply: Reply) -> None:
        """``BadAnswer`` unless the answer's headers are those of the request."""
        blocks = {str(block.tag): block for block in answer.headers}
        for name in ("client", "service", "id", "userId", "issue", "protocolVersion"):
            block = blocks.get(_XRD + name)
            if block is None:
                if name in ("client", "service", "id", "protocolVersion") or (name == "userId" and self.user):
                    raise reply.bad(f"an answer without the X-Road header {name}")
                continue
            if _told(name, block) != self._sent(name):
                raise reply.bad(f"the answer of another request: its X-Road header {name} is not the one sent")

    def _sent(self, name: str) -> Any:
        if name == "client":
            return self.client.parts
        if name == "service":
            return (*self.provider.parts, self.service, *((self.version,) if self.version else ()))
        return {"id": self.number, "userId": self.user, "issue": self.issue, "protocolVersion": "4.0"}[name]


def _member(member: Member) -> str:
    return "".join(f"<id:{name}>{escape(part)}</id:{name}>" for name, part in zip(_PARTS, member.parts, strict=False))


def _told(name: str, block: Any) -> Any:
    if name in ("client", "service"):
        return tuple((part.text or "").strip() for part in block if str(part.tag).startswith(_ID))
    return (block.text or "").strip()


class XRoadSoap:
    """Makes the header blocks of each call of one provider's services."""

    def __init__(
        self, client: Member, provider: Member, *, version: str = "", user: str = "",
        number: Callable[[], str] = new_number,
    ) -> None:  # fmt: skip
        self._client, self._provider, self._version = client, provider, version
        self._user, self._number = user, number

    def talk(self, method: str) -> Talk:
        """The blocks for a call of this service; the dossier on whose behalf it is made goes into ``issue``."""
        service = code(method, "the service's name in the WSDL")
        return Talk(
            self._client, self._provider, service, self._version, self._number(), self._user, current_scope().dossier
        )


def bus_fault(fault: Fault) -> CallError | None:
    """The error of a fault that the bus raised; None if it is the registry's own.

    The bus names its part in the code and puts a number for its operator into ``detail/faultDetail``; a plain
    ``Client`` or ``Server`` is the registry's.
    """
    speaks = side(fault.code)
    number = fault.detail.get("faultDetail", fault.detail.get("", ""))
    if not speaks or (speaks == "client" and not (is_known(fault.code) and number)):
        return None
    return fault_error(fault.code, number if isinstance(number, str) else "", system="", operation="")
