"""SOAP faults, and what each kind of them means for a delivery. Light: no lxml."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from lgsp.errors import AccessRefused, CallError, OutcomeUnknown, Rejected, Unavailable


@dataclass(frozen=True, slots=True)
class Fault:
    """What the remote said instead of an answer. ``text`` is the remote's and may hold data: never into an error."""

    version: str
    code: str
    """Local name: ``Client``, ``Server.ClientProxy.ServiceFailed`` (1.1), ``Sender``, ``Receiver`` (1.2)."""
    subcodes: tuple[str, ...] = ()
    text: str = ""
    actor: str = ""
    """``faultactor`` (1.1) or ``Role`` (1.2)."""
    detail: Mapping[str, Any] = field(default_factory=dict)
    """Each detail element by its local name: a typed value where the contract has its element, else its text, or the
    lxml element where it has children."""
    signed: bool | None = None
    """Whether its signature was checked; None where none is asked for."""
    status: int = 0

    @property
    def name(self) -> str:
        """The most exact code: the last subcode, or the code."""
        return self.subcodes[-1] if self.subcodes else self.code

    @property
    def ours(self) -> bool:
        """Whether the code blames our message."""
        first = self.code.partition(".")[0]
        return first in ("Client", "Sender", "MustUnderstand", "VersionMismatch", "DataEncodingUnknown")


Classify = Callable[[Fault], "CallError | None"]
"""A system's own reading of its faults; None: as the standard has it."""

_ACCESS = frozenset({"FailedAuthentication", "FailedCheck", "InvalidSecurityToken", "UnsupportedSecurityToken"})
_LATER = frozenset({"MessageExpired", "EndpointUnavailable"})
_ADDRESSING = frozenset(
    {"InvalidAddressingHeader", "MessageAddressingHeaderRequired", "DestinationUnreachable", "ActionNotSupported"}
)


def error_of(fault: Fault, *, system: str, operation: str, own: Classify | None = None) -> CallError:
    """The error that a fault stands for.

    ``Rejected`` where it blames our message; ``AccessRefused`` for WS-Security's refusals; a fault of the server says
    nothing about how far it came: ``OutcomeUnknown``. The fault itself is in ``error.fault``.
    """
    error = own(fault) if own is not None else None
    if error is None:
        kind, what = _standard(fault)
        error = kind(f"SOAP fault {_shown(fault)}: {what}", system=system, operation=operation, code=_code(fault.name))
    error.system, error.operation = error.system or system, error.operation or operation
    error.fault = fault
    return error


def _standard(fault: Fault) -> tuple[type[CallError], str]:
    name = fault.name.rpartition(".")[2]
    if name in _ACCESS or fault.code in ("Client.Authentication", "Client.Authorization"):
        return AccessRefused, "our credentials or signature are not taken; correct the security settings"
    if name in _LATER:
        return Unavailable, "the remote asks to try again later"
    if name in _ADDRESSING:
        return Rejected, "the remote does not take the addressing of the message; check the address and the action"
    if fault.code == "VersionMismatch":
        return Rejected, "the remote wants the other SOAP version; set soap.version"
    if fault.code == "MustUnderstand":
        return Rejected, "the remote does not know a header block that it must understand; check the security settings"
    if fault.ours:
        return Rejected, "the remote refused the message; its words are in the exchange"
    return OutcomeUnknown, "an error at the remote; its words are in the exchange"


def _code(name: str) -> str:
    """A fault code as a key: what a remote invents may be text of any kind, and codes go into causes and metrics."""
    kept = "".join(c for c in name if c.isascii() and (c.isalnum() or c in "._-"))
    return kept[:64] or "fault"


def _shown(fault: Fault) -> str:
    names = [_code(fault.code), *(_code(name) for name in fault.subcodes[:3])]
    return "/".join(names)
