"""Settings of the National Portal's payment platform."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.spi.connector import SystemSettings
from lgsp.wire.access import AccessSettings


class AccountSettings(BaseModel):
    """A beneficiary's account."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    number: Annotated[str, Field(pattern=r"^[0-9]{1,19}$")] = Field(
        description="TKThuHuong", examples=["1012345678901"]
    )
    bank: Annotated[str, Field(min_length=1)] = Field(description="MaNHThuHuong", examples=["VCB"])
    name: str = Field("", description="TenTKThuHuong")


class NpspPaymentSettings(SystemSettings):
    """Settings of the payment platform."""

    access: AccessSettings = Field(default_factory=AccessSettings, description="How it is reached")
    init_path: str = Field("init", description="Path of INIT below the address")
    query_path: str = Field("query", description="Path of QUERY")
    bill_path: str = Field("bill", description="Path of GET_BILL; empty: receipts are not fetched")
    partner: str = Field("", description="MaDoiTac, given to the province")
    secret: SecretStr = Field(SecretStr(""), description="MaBiMat, the secret of all checksums")
    legacy: bool = Field(False, description="Checksums as HMAC-SHA256, as an early client had them")
    version: str = Field("1.0.6", description="PhienBan")
    channel: str = Field("1", description="MaKenhThanhToan")
    device: str = Field("1", description="MaThietBi")
    ip: str = Field("127.0.0.1", description="Ip: the payer's address, which the bus does not know")
    unit: str = Field("", description="MaDonVi; empty: the dossier's own agency")
    accounts: Mapping[str, AccountSettings] = Field(
        default_factory=dict, description="Beneficiary accounts by procedure code; default: of all others"
    )
    service_codes: Mapping[str, str] = Field(default_factory=dict, description="MaDVC by procedure code")
    service_suffix: str = Field(
        "", description="What follows the procedure code in MaDVC where service_codes has none; empty: it parks"
    )
    fee_kinds: Mapping[str, str] = Field(
        default_factory=lambda: {"phi": "1", "le_phi": "2"}, description="LoaiPhiLePhi of phi and le_phi"
    )
    inbound_key: SecretStr = Field(
        SecretStr(""), description="SecurityKey that the portal sends with its look-up; empty: the look-up is closed"
    )
    access_words: tuple[str, ...] = Field(
        ("sai ma xac thuc", "sai mã xác thực", "sai ma doi tac", "sai mã đối tác"),
        description="Words of MoTaLoi by which the platform says that it does not take us",
    )
    ask_first: Annotated[float, Field(ge=0)] = Field(
        1800.0, description="Seconds after which the platform is asked what became of a payment it has not told"
    )
    ask_every: Annotated[float, Field(gt=0)] = Field(1800.0, description="Seconds between two such questions")
    ask_days: Annotated[float, Field(gt=0)] = Field(3.0, description="Days of asking, then it is a person's work")
