"""Which contract a system speaks, and the settings a person may choose. Light: neither lxml nor zeep is loaded."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import BaseModel, ConfigDict, Field

from lgsp.errors import ConfigError

if TYPE_CHECKING:
    from lgsp.wire.soap.service import SoapService

Check = Literal["off", "warn", "refuse"]
Version = Literal["", "1.1", "1.2"]


class SoapSettings(BaseModel):
    """What a SOAP system lets a person choose; a connector embeds it as ``soap``."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    version: Version = Field("", description="SOAP version, 1.1 or 1.2; empty: the first that the WSDL has")
    port: str = Field("", description="Name of the WSDL's port; empty: the first of this version")
    check: Check = Field(
        "refuse", description="Messages that break the contract's XSD: off (not looked at), warn (in the log), refuse"
    )


@dataclass(frozen=True, slots=True)
class SoapContract:
    """A WSDL in a system's ``contract/`` and how it is used.

    Addresses that it imports are looked up in ``urls.json`` beside it (address or namespace to file name), then among
    the well-known schemas that come with the wire. Nothing is fetched.
    """

    wsdl: Path
    version: Version = ""
    port: str = ""
    service: str = ""
    check: Check = "refuse"

    @classmethod
    def of(cls, wsdl: Path, settings: SoapSettings) -> SoapContract:
        """This WSDL, used as set."""
        return cls(wsdl, settings.version, settings.port, "", settings.check)

    def load(self) -> SoapService:
        """Read and compile it, once in a process. Takes a moment: call it off the event loop."""
        return _loaded(self)


@lru_cache(maxsize=64)
def _loaded(contract: SoapContract) -> SoapService:
    from lgsp.wire.soap.service import SoapService

    return SoapService.load(
        contract.wsdl, version=contract.version, port=contract.port, service=contract.service,
        url_map=url_map(contract.wsdl.parent), check=contract.check,
    )  # fmt: skip


def url_map(folder: Path) -> Mapping[str, Path]:
    """``urls.json`` of a contract's folder: address or namespace to a file in it."""
    path = folder / "urls.json"
    if not path.exists():
        return {}
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        pairs = {str(url): folder / str(name) for url, name in told.items()}
    except (ValueError, AttributeError):
        raise ConfigError(
            f'{path}: must be an object of addresses and file names: {{"http://...": "copy.xsd"}}'
        ) from None
    missing = [f"{path}: {url}: no such file {file.name}" for url, file in pairs.items() if not file.is_file()]
    if missing:
        raise ConfigError(missing)
    return pairs
