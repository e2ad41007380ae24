"""Keeps the control API, which has no log-in, from being steered by a web page that a person has open."""

from __future__ import annotations

from urllib.parse import urlsplit

from starlette.types import Scope


def foreign(scope: Scope) -> str | None:
    """Why a control call is refused: a browser made it for a page of another origin. None for all other calls.

    A browser names the origin of every request that can change something; curl, httpx and the suites name none.
    """
    if not scope["path"].startswith("/_mock") or scope["method"] in ("GET", "HEAD"):
        return None
    headers = {name: value.decode("latin-1") for name, value in scope["headers"] if name in (b"origin", b"host")}
    origin = headers.get(b"origin")
    if origin is None:
        return None
    try:
        own = urlsplit(origin).netloc.lower() == headers.get(b"host", "").lower() != ""
    except ValueError:
        own = False
    return None if own else "this call comes from a page of another origin; the control API takes none of these"
