"""Addresses: joining a base and a path, and the address style of the X-Road type adapter."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field


def join(base: str, path: str) -> str:
    """``base`` and ``path`` with exactly one slash between them; neither is cut or changed otherwise."""
    if not path:
        return base
    return base.rstrip("/") + "/" + path.lstrip("/")


class AdapterSettings(BaseModel):
    """How a system is reached through the local security server's adapter."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    adapter: str = Field("XrdAdapter", pattern=r"^[A-Za-z]\w*$", description="XrdAdapter; later builds say VXPAdapter")
    dstcode: str = Field(
        "", pattern=r"^[\x21-\x7e]*$", description="Address of the service, as VN:GOV:000.00.00.G22:vpcpdvcprovider"
    )
    dstcode_in: Literal["query", "header"] = Field("query", description="Where dstcode travels")
    providerurl: str = Field(
        "", description="Back end behind the subsystem, where one subsystem fronts several; empty: none"
    )
    path: str = Field("", description="Put before every operation's path; empty: nothing")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a call goes: give ``url`` and ``headers`` to ``Wire.request``."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict)


def adapter_address(base: str, settings: AdapterSettings, path: str) -> Address:
    """``<base>/<adapter>/RestService/forward/<path>`` with ``dstcode`` and ``providerurl`` as set."""
    url = join(join(base, f"{settings.adapter}/RestService/forward"), join(settings.path, path).lstrip("/"))
    query = []
    headers = {}
    if settings.dstcode and settings.dstcode_in == "header":
        headers["dstcode"] = settings.dstcode
    elif settings.dstcode:
        query.append("dstcode=" + quote(settings.dstcode, safe=":"))  # documented with bare colons
    if settings.providerurl:
        query.append("providerurl=" + quote(settings.providerurl, safe=""))
    if query:
        url += ("&" if "?" in url else "?") + "&".join(query)
    return Address(url, headers)
