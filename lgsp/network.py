"""Addresses and networks, as settings name them."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from typing import Annotated

from pydantic import AfterValidator


def _network(text: str) -> str:
    try:
        return str(ipaddress.ip_network(text, strict=False))
    except ValueError:
        raise ValueError("must be an address or network, such as 10.1.2.0/24") from None


Network = Annotated[str, AfterValidator(_network)]
"""An address or a network, such as ``10.1.2.0/24``."""


def among(address: str, networks: Iterable[str]) -> bool:
    """Whether an address belongs to one of the networks; what is no address belongs to none."""
    try:
        where = ipaddress.ip_address(address)
    except ValueError:
        return False
    where = getattr(where, "ipv4_mapped", None) or where
    return any(where in ipaddress.ip_network(network, strict=False) for network in networks)
