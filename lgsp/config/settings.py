"""What can be set, section by section. Descriptions and defaults here are what ``lgsp config example`` prints."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr

from lgsp.network import Network

_STORE = re.compile(r"sqlite:///.+|postgresql://[^/]*/[^/]+")
_ADDRESS = re.compile(r"https?://[^/?#@\s]+(/[^?#\s]*)?")


def _store(url: str) -> str:
    if not _STORE.fullmatch(url):
        raise ValueError("must be sqlite:///<file> or postgresql://<user>@<host>/<database>")
    return url


def _address(url: str) -> str:
    if not _ADDRESS.fullmatch(url):
        raise ValueError("must be an http or https address without user, query or fragment")
    return url.rstrip("/")


Secret = Annotated[SecretStr, Field(min_length=16)]


class Section(BaseModel):
    """A frozen section that knows all of its names."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class ProvinceSettings(Section):
    """The province this bus works for."""

    code: Annotated[str, Field(pattern=r"^\S+$")] = Field(
        description="Level-1 organisation code of the province (QĐ 20/2020/QĐ-TTg)", examples=["H21"]
    )
    name: Annotated[str, Field(min_length=1)] = Field(description="Its name, for screens", examples=["Gia Lai"])
    unit_code: str = Field(
        "", description="Organisation code under which it appears at the portal (000.00.00.H21); empty: code"
    )
    national_unit_code: Annotated[str, Field(pattern=r"^(\d\d)?$")] = Field(
        "", description="Two digits of the province in the catalogue of administrative units (QĐ 19/2025/QĐ-TTg)"
    )
    fee_platform: str = Field(
        "", description="System at which fees are paid; empty: the only one switched on that can", examples=["vnpay"]
    )
    fee_platform_of: Mapping[str, str] = Field(
        default_factory=dict, description="System at which the fees of a procedure are paid, by its national code"
    )
    paper_collector: str = Field(
        "",
        description="System that collects papers from citizens; empty: the parcel_carrier",
        examples=["viettel_post"],
    )
    parcel_carrier: str = Field(
        "", description="System that carries parcels; empty: the only one switched on that can", examples=["vnpost"]
    )


class StoreSettings(Section):
    """Where events, deliveries and exchanges are kept."""

    url: Annotated[str, AfterValidator(_store)] = Field(
        "sqlite:///var/lgsp.db",
        description="sqlite:///<file> for one machine, postgresql://<user>@<host>/<database> for several",
        repr=False,
    )


class ClientSettings(Section):
    """One system that may call us."""

    secret: Secret = Field(description="Its client secret")
    systems: tuple[str, ...] = Field((), description="Whose front door addresses it may call; empty: none")
    allow_from: tuple[Network, ...] = Field((), description="Networks it may call from; empty: any")


class ServerSettings(Section):
    """The front door: what other systems call."""

    host: Annotated[str, Field(min_length=1)] = Field("127.0.0.1", description="Address to listen on")
    port: Annotated[int, Field(ge=0, le=65535)] = Field(8080, description="Port to listen on; 0: any free one")
    base_url: Annotated[str, AfterValidator(_address)] = Field(
        description="How others reach this server; links to files begin with it", examples=["https://lgsp.example.vn"]
    )
    max_body_bytes: Annotated[int, Field(ge=1024)] = Field(64 * 1024 * 1024, description="Largest request taken")
    link_secret: Secret = Field(description="Key that signs links to files")
    link_days: Annotated[int, Field(ge=1, le=3650)] = Field(30, description="Days for which such a link works")
    token_secret: Secret = Field(description="Key that signs tokens given to clients")
    token_seconds: Annotated[int, Field(ge=60, le=86400)] = Field(3600, description="Seconds for which a token works")
    clients: Mapping[str, ClientSettings] = Field(
        default_factory=dict, description="Systems that may call us, by client id", examples=["onestop"]
    )


class FilesSettings(Section):
    """The file store for papers of dossiers."""

    folder: Annotated[str, Field(min_length=1)] = Field("var/files", description="Folder of the files")
    max_bytes: Annotated[int, Field(ge=1024)] = Field(50 * 1024 * 1024, description="Largest file taken")


class CodesSettings(Section):
    """Code tables: the shipped ones are always there."""

    folder: str = Field("", description="Folder with the province's own rows (<table>.csv), over the shipped ones")


class RecordingsSettings(Section):
    """Recordings: exchanges that leave the journal, with pseudonyms in place of persons."""

    key_file: Annotated[str, Field(min_length=1)] = Field(
        "var/recordings.key", description="File with the key of pseudonyms; made when it is first needed"
    )
    origin: Literal["live", "sandbox", "mock"] = Field(
        "live", description="What the remote systems of these settings are: recordings say so"
    )


class LogSettings(Section):
    """Logs and the language of messages."""

    level: Literal["debug", "info", "warning", "error"] = Field("info", description="Least level that is written")
    format: Literal["json", "text"] = Field("json", description="One JSON object a line, or lines for people")
    language: Literal["", "vi", "en"] = Field("", description="Language of the commands; empty: as the locale says")


class WorkerSettings(Section):
    """How deliveries are worked off."""

    lease_seconds: Annotated[float, Field(ge=1, le=3600)] = Field(
        30.0, description="Seconds after which the deliveries of a worker that died are taken over"
    )
    reorder_seconds: Annotated[float, Field(ge=0, le=60)] = Field(
        0.0, description="Seconds that a step waits for an earlier one that it may have overtaken on its way to us"
    )
    idle_seconds: Annotated[float, Field(gt=0, le=60)] = Field(
        2.0, description="Seconds after which an idle lane looks for work that another process brought"
    )
    stop_seconds: Annotated[float, Field(gt=0, le=600)] = Field(
        25.0, description="Seconds given to running calls when asked to stop"
    )


class Settings(Section):
    """All settings. ``systems`` holds each system's own settings, by its word."""

    province: ProvinceSettings = Field(description="The province this bus works for")
    store: StoreSettings = Field(default_factory=StoreSettings, description="Where work is kept")
    server: ServerSettings = Field(description="The front door")
    files: FilesSettings = Field(default_factory=FilesSettings, description="The file store")
    codes: CodesSettings = Field(default_factory=CodesSettings, description="Code tables")
    recordings: RecordingsSettings = Field(
        default_factory=RecordingsSettings, description="Recordings of exchanges, for tests and replay"
    )
    log: LogSettings = Field(default_factory=LogSettings, description="Logs and language")
    worker: WorkerSettings = Field(default_factory=WorkerSettings, description="How deliveries are worked off")
    systems: Mapping[str, Any] = Field(default_factory=dict, description="Remote systems; a section switches one on")

    def system(self, name: str) -> Any:
        """The settings of a system; ``KeyError`` if it has no section."""
        return self.systems[name]
