"""The national population database: SOAP 1.1 posted to X-Road REST paths, identity in HTTP headers."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from connectors.population.wire import LookUpPerson, People, Verified, VerifyPerson
from lgsp.clock import Clock
from lgsp.errors import AccessRefused, CallError, Rejected
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.access import Access, AccessSettings
from lgsp.wire.client import Wire
from lgsp.wire.mask import Secret
from lgsp.wire.soap import Fault, SoapContract, SoapPort, SoapSettings

WSDL = Path(__file__).parent / "contract" / "population.wsdl"


class GatewaySettings(BaseModel):
    """A header that some gateways want beside the identity."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    api_key: SecretStr = Field(SecretStr(""), description="Header ApiKey; empty: not sent")


class PopulationSettings(SystemSettings):
    """Settings of the population database."""

    access: AccessSettings = Field(default_factory=AccessSettings, description="How it is reached; usually style xroad")
    soap: SoapSettings = Field(default_factory=SoapSettings, description="How strictly messages are judged")
    service: Literal["look_up", "verify"] = Field(
        "look_up", description="How applicants are checked: look_up compares what it tells, verify asks yes or no"
    )
    look_up_path: str = Field("TraCuuThongTinCongDan", description="Path of the look-up below the provider")
    verify_path: str = Field("XacThucThongTinCongDan", description="Path of the verification below the provider")
    look_up_service_path: str = Field(
        "/TraCuuThongTinCongDan", description="servicePath in the hash of the look-up, as agreed"
    )
    verify_service_path: str = Field(
        "/XacThucThongTinCongDan", description="servicePath in the hash of the verification, as agreed"
    )
    username: str = Field("", description="Account agreed with the registry")
    secret: SecretStr = Field(SecretStr(""), description="Its secret key")
    timestamp: Literal["milliseconds", "seconds"] = Field("milliseconds", description="Unit of the header Timestamp")
    gateway: GatewaySettings = Field(default_factory=GatewaySettings, description="What some gateways want besides")
    content_type: str = Field("application/xml", description="Content type of what is posted")
    request_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9.]{1,20}$")] = Field(
        "lgsp", description="Beginning of every MaYeuCau"
    )
    service_code: str = Field("", description="MaDVC of the look-up: unit and procedure code as agreed, e.g. H21-TP110")
    integration_code: str = Field("037", description="MaTichHop of the look-up: the scenario agreed")
    verify_code: str = Field("033", description="MaDichVu of the verification")
    officer: str = Field("", description="MaCanBo: the account on whose behalf the bus asks")
    check_deadline: float = Field(
        900.0, gt=0, description="Seconds after which an applicant who could not be looked up is reported as unreached"
    )


def signature(service_path: str, username: str, timestamp: str, secret: str) -> str:
    """Lower-case hex SHA-256 of the four, put together plainly."""
    return hashlib.sha256(f"{service_path}{username}{timestamp}{secret}".encode()).hexdigest()


class Population:
    """Asks about one person at a time; every question has a number of its own."""

    def __init__(self, settings: PopulationSettings, wire: Wire) -> None:
        self._settings, self._clock = settings, wire.clock
        access = Access(wire, settings.access)
        contract = SoapContract.of(WSDL, settings.soap)
        self._look_up = self._port(access, contract, settings.look_up_path)
        self._verify = self._port(access, contract, settings.verify_path)
        self._asked = 0

    def _port(self, access: Access, contract: SoapContract, path: str) -> SoapPort:
        return access.soap(
            contract, path, action="", content_type=f"{self._settings.content_type}; charset=utf-8", classify=meaning
        )

    async def look_up(self, request: LookUpPerson, key: str) -> People:
        """The persons with this number and name: none, or one."""
        own = self._settings
        number = self._number(key)
        birth = {"Nam": request.Nam, "NgayThangNam": request.NgayThangNam}
        told = {name: value for name, value in birth.items() if value}
        values = {
            "MaYeuCau": number,
            "MaDVC": own.service_code,
            "MaTichHop": own.integration_code,
            "MaCanBo": own.officer,
            "SoDinhDanh": request.SoDinhDanh,
            "SoCMND": request.SoCMND,
            "HoVaTen": request.HoVaTen,
            "NgayThangNamSinh": told or None,
        }
        found: People = await self._look_up.call(
            "look_up", "TraCuuThongTinCongDan", values, effect=False, model=People,
            http_headers=self._identity(own.look_up_service_path),
        )  # fmt: skip
        return found.model_copy(update={"asked_as": number})

    async def verify(self, request: VerifyPerson, key: str) -> Verified:
        """Whether there is a person of this number and name."""
        own = self._settings
        number = self._number(key)
        values = {
            "MaYeuCau": number,
            "MaDichVu": own.verify_code,
            "MaCanBo": own.officer,
            "SoDinhDanh": request.SoDinhDanh,
            "SoCMND": request.SoCMND,
            "HoVaTen": request.HoVaTen,
        }
        found: Verified = await self._verify.call(
            "verify", "XacThucThongTinCongDan", values, effect=False, model=Verified,
            http_headers=self._identity(own.verify_service_path),
        )  # fmt: skip
        return found.model_copy(update={"asked_as": number})

    async def check(self) -> str:
        """Asks for a person who does not exist: the registry answers that, or refuses us."""
        if self._settings.service == "verify":
            found = await self.verify(VerifyPerson(SoDinhDanh="000000000000", HoVaTen="NGUOIKHONGCO"), "check")
            return f"XacThucThongTinCongDan answers (TonTai {str(found.TonTai).lower()})"
        people = await self.look_up(LookUpPerson(SoDinhDanh="000000000000", HoVaTen="NGUOIKHONGCO"), "check")
        return f"TraCuuThongTinCongDan answers ({len(people.CongDan)} found)"

    def _number(self, key: str) -> str:
        """MaYeuCau: unique for every call, the tries of one delivery too."""
        self._asked += 1
        return f"{self._settings.request_prefix}-{key[:16]}-{_milliseconds(self._clock)}-{self._asked}"

    def _identity(self, service_path: str) -> dict[str, str]:
        own = self._settings
        now = _milliseconds(self._clock)
        timestamp = str(now if own.timestamp == "milliseconds" else now // 1000)
        signed = signature(service_path, own.username, timestamp, own.secret.get_secret_value())
        basic = base64.b64encode(f"{own.username}:{signed}".encode()).decode()
        headers = {"Timestamp": timestamp, "Authorization": Secret(f"Basic {basic}")}
        if own.gateway.api_key.get_secret_value():
            headers["ApiKey"] = Secret(own.gateway.api_key.get_secret_value())
        return headers


def _milliseconds(clock: Clock) -> int:
    return int(clock.now().timestamp() * 1000)


def meaning(fault: Fault) -> CallError | None:
    """The registry's own codes: 004 concerns one service, 005 the account on whose behalf everything is asked."""
    told = f"{fault.name} {fault.text}"
    if "004" in told.split() or fault.name == "004":
        return Rejected("code 004: this service is not licensed for the unit: correct service_code", code="004")
    if "005" in told.split() or fault.name == "005":
        return AccessRefused("code 005: the officer is not permitted: correct systems.population.officer", code="005")
    return None


plugin = ConnectorPlugin(
    name="population",
    title="Cơ sở dữ liệu quốc gia về dân cư",
    settings=PopulationSettings,
    connector=Population,
    operations=(
        Operation("look_up", LookUpPerson, People, Repeat.SAFE, "a CongdanCollection, of none or more"),
        Operation("verify", VerifyPerson, Verified, Repeat.SAFE, "KetQuaXacThucResponse with TonTai true or false"),
    ),
    volatile=("MaYeuCau", "id"),  # our number of the question, and X-Road's number of the message
)
