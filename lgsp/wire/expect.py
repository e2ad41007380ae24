"""Turns the HTTP statuses that no contract speaks of into errors."""

from __future__ import annotations

from lgsp.errors import AccessRefused, BadAnswer, CallError, OutcomeUnknown, Rejected, SessionRejected, Throttled
from lgsp.wire.again import NOT_TOLD
from lgsp.wire.reply import Reply

_ERRORS: dict[int, tuple[type[CallError], str]] = {
    401: (SessionRejected, "the token or session is not taken"),
    403: (AccessRefused, "access refused; check the account, the agreement and the address list of the gateway"),
    404: (Rejected, "no such address or record"),
    405: (Rejected, "this address does not take this method"),
    407: (SessionRejected, "the gateway does not take our credentials"),
    408: (OutcomeUnknown, "the remote says that it waited too long"),
    410: (Rejected, "this address is gone"),
    425: (OutcomeUnknown, "the remote says that it is too early"),
}


def expect(reply: Reply, *statuses: int) -> Reply:
    """The reply if its status is one of these (200 if none is named), else the error that the status stands for.

    A gateway's 500, 502, 503 and 504 do not tell whether the system behind it acted: ``OutcomeUnknown``.
    """
    if reply.status in (statuses or (200,)):
        return reply
    raise _error(reply)


def _error(reply: Reply) -> CallError:
    status, system, operation = reply.status, reply.system, reply.operation
    if status == 429:
        # The wire raises this by itself; here for replies that come from elsewhere.
        return Throttled("HTTP 429", retry_after=NOT_TOLD, system=system, operation=operation)
    if status in _ERRORS:
        kind, meaning = _ERRORS[status]
    elif 300 <= status < 400:
        kind, meaning = BadAnswer, "a redirect to another address; correct the address in the settings"
    elif 400 <= status < 500:
        kind, meaning = Rejected, "the remote refused the request"
    elif status >= 500:
        kind, meaning = OutcomeUnknown, "an error at the remote or its gateway"
    else:
        kind, meaning = BadAnswer, "an answer that this operation does not have"
    return kind(f"HTTP {status}: {meaning}", system=system, operation=operation, code=str(status))
