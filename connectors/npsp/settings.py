"""Settings of the national portal: where it is, which generation it speaks, and what its documents leave open."""

from __future__ import annotations

import re
from typing import Annotated, Literal, Self

from pydantic import Field, SecretStr, field_validator, model_validator

from lgsp.spi.connector import SystemSettings
from lgsp.wire.address import AdapterSettings

_UNIT = re.compile(r"(?:[0-9]{3}\.[0-9]{2}\.[0-9]{2}\.[A-Z][0-9]{2}|[A-Z][0-9]{2}(?:\.[0-9]{1,3}){0,4})")


def _adapter() -> AdapterSettings:
    return AdapterSettings(dstcode="VN:GOV:000.00.00.G22:vpcpdvcprovider")


class NpspSettings(SystemSettings):
    """The National Public Service Portal (Cổng Dịch vụ công quốc gia)."""

    address: str = Field("", description="Address of the local security server, as http://10.0.0.5:8080")
    generation: Literal["G1", "G1+", "G2"] = Field(
        "G1+", description="G1: session services; G1+: the same with the fields of QĐ 766; G2: OAuth2 services"
    )
    adapter: AdapterSettings = Field(default_factory=_adapter, description="How calls pass the adapter")
    login_path: str = Field("mapi/login", description="Path of the log-in")
    share_path: str = Field("mapi/g", description="Path of dictionaries and the catalogue")
    integration_path: str = Field("mapi/g", description="Path of dossiers, procedures, questions and ratings")
    username: str = Field("", description="Account at the portal")
    password: SecretStr = Field(SecretStr(""), description="Its password")
    unit: str = Field("", description="madonvi: code of the unit that calls, as 000.00.00.H21 or H21")
    session_seconds: Annotated[float, Field(gt=0, lt=600)] = Field(
        480.0, description="Seconds for which a session is used; the portal does not tell, ten minutes is the custom"
    )
    lookup_lists_steps: bool = Field(
        True,
        description="Whether TraCuuHoSo lists a dossier's steps (DanhSachTienDo); without it a lost step is parked",
    )
    catalogue_share: Annotated[float, Field(gt=0, le=1)] = Field(
        0.9, description="A catalogue smaller than this share of the last one is not believed"
    )
    catalogue_least: Annotated[int, Field(ge=1)] = Field(
        1, description="A catalogue with fewer procedures than this is not believed"
    )

    session_patterns: tuple[str, ...] = Field(
        (
            "session",
            "phiên làm việc",
            "phiên đăng nhập",
            "phiên không hợp lệ",
            "phiên đã hết",
            "hết phiên",
            "chưa đăng nhập",
            "đăng nhập lại",
            "phien lam viec",
            "phien dang nhap",
            "dang nhap lai",
        ),
        description="Words of a refusal that mean the session is no longer taken",
    )
    exists_patterns: tuple[str, ...] = Field(
        ("đã tồn tại",), description="Words that, with code 3 or -3, mean the portal has the dossier already"
    )
    missing_patterns: tuple[str, ...] = Field(
        ("hồ sơ không tồn tại", "hồ sơ chưa tồn tại", "không tồn tại hồ sơ", "không tìm thấy hồ sơ", "chưa có hồ sơ"),
        description="Words of a refused update that mean the portal does not have the dossier",
    )
    busy_patterns: tuple[str, ...] = Field(
        ("hệ thống đang bận", "hệ thống bận", "đang bảo trì", "vui lòng thử lại sau"),
        description="Words of a refusal that mean it may be asked again later",
    )

    default_channel: Literal["", "direct", "online", "post"] = Field(
        "", description="KenhThucHien of a dossier whose source does not say how it was filed; empty: park it"
    )
    portal_born_place: Literal["1", "2"] = Field(
        "2", description="NoiNopHoSo of a dossier filed at the portal; local systems are known to send 2 only"
    )
    paper_type: Annotated[int, Field(ge=0, le=99)] = Field(
        1, description="LoaiGiayTo of a paper without a file; the portal's list is not published"
    )
    default_officers: tuple[str, ...] = Field(
        ("admin", "administrator", "system", "test", "user", "cán bộ", "cán bộ xử lý", "cán bộ tiếp nhận",
         "người xử lý", "không xác định", "n/a", "na", "null", "none", "-", "."),
        description="Names that stand for no officer: a step under one of them is parked, not sent",
    )  # fmt: skip
    answered_statuses: tuple[str, ...] = Field(
        ("received", "refused", "processing", "payment_requested", "withdrawn", "stopped", "finished", "returned"),
        description="Statuses of a portal-born dossier told by DongBoTrangThaiHoSo; the full state tells all of them",
    )

    inbound_keys: tuple[SecretStr, ...] = Field(
        (), description="Keys (SecurityKey, session) by which the portal's calls to us are known"
    )
    inbound_trust_adapter: bool = Field(
        False,
        description="Take the portal's calls without a key: only where nothing but the security server reaches us",
    )
    inbound_adapters: tuple[str, ...] = Field(
        ("XrdAdapter", "VXPAdapter"), description="First parts of the addresses at which the portal calls us"
    )

    dvclt_address: str = Field("", description="Address of the linked birth and death service; empty: not used")
    dvclt_username: str = Field("", description="Account there")
    dvclt_password: SecretStr = Field(SecretStr(""), description="Its password")
    dvclt_token_path: str = Field("api/tokens", description="Path of its token request")
    dvclt_list_path: str = Field("api/lienthongdvclt/hosolienthong", description="Path of the waiting dossiers")
    dvclt_detail_path: str = Field("api/lienthongdvclt/hosolienthong/{id}", description="Path of one dossier")
    dvclt_acknowledge_path: str = Field("api/lienthongdvclt/hosolienthong", description="Path of the acknowledgement")
    dvclt_status_path: str = Field("api/lienthongdvclt/capnhattrangthai", description="Path of the status back")
    dvclt_page: Annotated[int, Field(ge=1, le=500)] = Field(50, description="Most dossiers taken in one poll")
    dvclt_seconds: Annotated[float, Field(gt=0)] = Field(600.0, description="Seconds for which its token is used")
    dvclt_agency: Annotated[int, Field(ge=0, lt=10**9)] = Field(0, description="coQuanXuLy: our number there")
    dvclt_codes: str = Field("", description="Regular expression of its dossier codes; needed with dvclt_address")

    g2_address: str = Field("", description="Address of the G2 services; empty: address")
    g2_client_id: str = Field("", description="Client id of G2")
    g2_client_secret: SecretStr = Field(SecretStr(""), description="Its secret")
    g2_token_path: str = Field("token", description="Path of the token request")
    g2_next_code_path: str = Field("GetNextValue", description="Path of the request for a dossier number")
    g2_upload_path: str = Field("upload", description="Path of the file upload")
    g2_file_bytes: Annotated[int, Field(ge=1024, le=64 * 1024 * 1024)] = Field(
        10 * 1024 * 1024, description="Largest file that is uploaded to G2"
    )
    g2_create_path: str = Field("NoiHoSo", description="Path at which a dossier is created")
    g2_progress_path: str = Field("CapNhatTienTrinh", description="Path of progress steps")
    g2_status_path: str = Field("CapNhatTrangThai", description="Path of statuses")
    g2_success: tuple[str, ...] = Field(("0", "00", "200"), description="Codes of G2 that mean success")

    @field_validator("unit")
    @classmethod
    def _a_unit(cls, value: str) -> str:
        if value and not _UNIT.fullmatch(value):
            raise ValueError("an organisation code such as 000.00.00.H21 or H21.14 is needed")
        return value

    @field_validator("dvclt_codes")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"not a regular expression: {error}") from None
        return value

    @model_validator(mode="after")
    def _complete(self) -> Self:
        if not self.enabled:
            return self
        needed = {"g2_client_id", "g2_client_secret"} if self.generation == "G2" else {"username", "password", "unit"}
        if not (self.generation == "G2" and self.g2_address):
            needed.add("address")
        if self.dvclt_address:
            needed |= {"dvclt_username", "dvclt_password", "dvclt_codes"}
        empty = sorted(name for name in needed if not _said(getattr(self, name)))
        if empty:
            raise ValueError(f"generation {self.generation} needs {', '.join(empty)}")
        return self


def _said(value: str | SecretStr) -> str:
    return value.get_secret_value() if isinstance(value, SecretStr) else value
