"""X-Road REST, protocol r1: addresses, headers, and the bus's refusals told from the registry's.

Source: X-Road message protocol for REST (pr-rest) 1.0, sections 4 to 6.
"""

from __future__ import annotations

from collections.abc import Mapping
from urllib.parse import unquote

from lgsp.errors import BadAnswer
from lgsp.wire.address import join
from lgsp.wire.reply import Reply
from lgsp.wire.xroad.faults import fault_error
from lgsp.wire.xroad.identifiers import Member


def address(base: str, provider: Member, path: str) -> str:
    """``<base>/r1/<instance>/<class>/<member>/<subsystem>/<path>``; ``path`` begins with the service's code."""
    return join(join(base, f"r1/{provider.path}"), path)


def headers(
    client: Member, number: str, *, user: str = "", issue: str = "", security_server: str = "", represented: str = ""
) -> dict[str, str]:
    """Who calls, under which number, on whose behalf."""
    sent = {"X-Road-Client": client.path, "X-Road-Id": number}
    if user:
        sent["X-Road-UserId"] = user
    if issue and issue.isascii() and issue.isprintable():
        sent["X-Road-Issue"] = issue
    if security_server:
        sent["X-Road-Security-Server"] = security_server
    if represented:
        sent["X-Road-Represented-Party"] = represented
    return sent


def checked(reply: Reply, sent: Mapping[str, str]) -> Reply:
    """The reply, if the registry sent it and it is the one to this request.

    A fault of the bus is raised (``error.by`` is ``bus``), and so is ``BadAnswer`` for an answer that carries another
    request's number or client. ``X-Road-Request-Hash`` is evidence kept in the journal; checking it is the consumer's
    security server's.
    """
    told = reply.headers.get("x-road-error")
    if told is not None:
        raise bus_error(reply, told)
    for name in ("X-Road-Id", "X-Road-Client"):
        came = reply.headers.get(name.lower())
        if came is not None and unquote(came.strip()) != unquote(sent.get(name, came).strip()):
            raise _other(reply, name)
    return reply


def _other(reply: Reply, name: str) -> BadAnswer:
    return reply.bad(f"the answer of another request: its {name} is not the one sent")


def bus_error(reply: Reply, told: str) -> Exception:
    """The error of a refusal by the bus: its header names the code, its body has the number for the operator."""
    detail = ""
    try:
        body = reply.json()
        detail = str(body.get("detail", "")) if isinstance(body, dict) else ""
    except BadAnswer:
        pass  # the header is enough
    return fault_error(told, detail, system=reply.system, operation=reply.operation)
