"""How a system is reached, chosen in its settings: by itself, through the adapter, a WSO2 gateway, or X-Road.

A connector embeds ``AccessSettings`` as ``access`` and calls ``Access.request`` with a path where it would call
``Wire.request`` with an address; SOAP goes the same way (``Access.soap``).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.errors import ConfigError
from lgsp.wire import wso2
from lgsp.wire.address import AdapterSettings, adapter_address, join
from lgsp.wire.auth import ClientCredentials
from lgsp.wire.client import Wire
from lgsp.wire.exchange import current_scope
from lgsp.wire.expect import expect
from lgsp.wire.mask import Secret
from lgsp.wire.reply import Reply
from lgsp.wire.soap.contract import SoapContract
from lgsp.wire.soap.port import SoapPort
from lgsp.wire.xroad import rest
from lgsp.wire.xroad.identifiers import Member
from lgsp.wire.xroad.soap import XRoadSoap, bus_fault, new_number

_CONFIG = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)


class LgspTokenSettings(BaseModel):
    """The second header that one vendor's LGSP wants on every call and on the token's: who we are to it."""

    model_config = _CONFIG

    access_key: SecretStr = Field(SecretStr(""), description="AccessKey; empty: the header is not sent")
    secret_key: SecretStr = Field(SecretStr(""), description="SecretKey")
    app_name: str = Field("", description="AppName")
    partner_code: str = Field("", description="PartnerCode")
    partner_code_cus: str = Field("", description="PartnerCodeCus")


class Wso2Settings(BaseModel):
    """A WSO2 API gateway: OAuth2 client credentials, then a bearer token."""

    model_config = _CONFIG

    token_address: str = Field("", description="Address of the token service; empty: access.address with /token")
    key: str = Field("", description="Consumer key")
    secret: SecretStr = Field(SecretStr(""), description="Consumer secret")
    scope: str = Field("", description="Scope asked for; empty: none")
    lgsp: LgspTokenSettings = Field(default_factory=LgspTokenSettings, description="The header lgspaccesstoken")


class XRoadSettings(BaseModel):
    """X-Road: the security server's address is access.address."""

    model_config = _CONFIG

    client: str = Field("", description="Our subsystem, as VN/GOV/000.00.00.H56/lgsp (or with colons)")
    provider: str = Field("", description="The subsystem that serves, as VN/GOV/000.00.00.G22/tthc")
    protocol: Literal["rest", "soap"] = Field(
        "rest",
        description="rest: /r1/ paths and HTTP headers, for SOAP bodies too; soap: header blocks of protocol 4.0",
    )
    version: str = Field("", description="Version of the services, as v1; empty: none")
    user: str = Field("", description="userId: two letters of the country and the officer's id; empty: not sent")
    security_server: str = Field("", description="X-Road-Security-Server, to aim at one of several; empty: none")
    represented: str = Field("", description="X-Road-Represented-Party, as GOV/000.00.00.H56; empty: none")


class AccessSettings(BaseModel):
    """How a system is reached; which part counts is said by the system's ``style``."""

    model_config = _CONFIG

    address: str = Field("", description="Address of the system, the gateway or the security server")
    adapter: AdapterSettings = Field(
        default_factory=lambda: AdapterSettings(), description="For style adapter: how calls pass the adapter"
    )
    wso2: Wso2Settings = Field(default_factory=Wso2Settings, description="For style wso2: the gateway")
    xroad: XRoadSettings = Field(default_factory=XRoadSettings, description="For style xroad: who calls whom")


class Access:
    """The way to one system, in the style of its settings (``wire.settings.style``)."""

    def __init__(
        self, wire: Wire, settings: AccessSettings, *, number: Callable[[], str] = new_number, grant: str = "token"
    ) -> None:
        """``number`` makes message ids; ``grant`` names the token among the system's grants. ``ConfigError`` names what
        the style lacks."""
        self.wire, self.settings, self.style = wire, settings, wire.settings.style
        self._number = number
        where = f"systems.{wire.system}.access"
        self._fixed: dict[str, str] = {}
        if self.style == "wso2":
            self._fixed = lgsp_header(settings.wso2.lgsp)
            token = settings.wso2.token_address or join(settings.address, "token")
            self._credentials = ClientCredentials(
                wire, token, settings.wso2.key, settings.wso2.secret, name=grant, scope=settings.wso2.scope,
                headers=self._fixed,
            )  # fmt: skip
        elif self.style == "xroad":
            xroad = settings.xroad
            self._client = Member.read(xroad.client, f"{where}.xroad.client")
            self._provider = Member.read(xroad.provider, f"{where}.xroad.provider")
            if not settings.address:
                raise ConfigError(f"{where}.address: the address of our security server is missing")

    @property
    def speaks_xroad_soap(self) -> bool:
        """Whether identity travels in SOAP header blocks and not in HTTP headers."""
        return self.style == "xroad" and self.settings.xroad.protocol == "soap"

    async def request(self, operation: str, method: str, path: str, /, **options: Any) -> Reply:
        """``Wire.request`` for a path below the system's address; ``options`` are its.

        What the gateway or the bus itself refuses is raised (``error.by`` says who), and a token that ran out is
        renewed once; a reply that comes back is the system's own.
        """
        extra: Mapping[str, str] = options.pop("headers", None) or {}
        settings = self.settings
        if self.style == "adapter":
            address = adapter_address(settings.address, settings.adapter, path)
            return await self.wire.request(
                operation, method, address.url, headers={**address.headers, **extra}, **options
            )
        if self.style == "wso2":
            return await self._through_gateway(operation, method, join(settings.address, path), extra, options)
        if self.style == "xroad":
            return await self._over_xroad(operation, method, path, extra, options)
        return await self.wire.request(operation, method, join(settings.address, path), headers=extra, **options)

    def soap(self, contract: SoapContract, path: str = "", **options: Any) -> SoapPort:
        """A SOAP port that goes this way; ``options`` are those of ``SoapPort``."""
        if not self.speaks_xroad_soap:
            return SoapPort(self, contract, path, **options)
        xroad = self.settings.xroad
        talks = XRoadSoap(self._client, self._provider, version=xroad.version, user=xroad.user, number=self._number)
        own = options.pop("classify", None)

        def classify(fault: Any) -> Any:
            return bus_fault(fault) or (own(fault) if own is not None else None)

        return SoapPort(
            self, contract, path, talks=[talks.talk, *options.pop("talks", ())], classify=classify, **options
        )

    async def _through_gateway(
        self, operation: str, method: str, url: str, extra: Mapping[str, str], options: dict[str, Any]
    ) -> Reply:
        async def send(token: str) -> Reply:
            headers = {**extra, **self._fixed, "Authorization": Secret(f"Bearer {token}")}
            reply = wso2.checked(await self.wire.request(operation, method, url, headers=headers, **options))
            if reply.status == 401:
                expect(reply)
            return reply

        return await self._credentials.call(send)

    async def _over_xroad(
        self, operation: str, method: str, path: str, extra: Mapping[str, str], options: dict[str, Any]
    ) -> Reply:
        xroad = self.settings.xroad
        if xroad.protocol == "soap":
            return await self.wire.request(
                operation, method, join(self.settings.address, path), headers=extra, **options
            )
        sent = rest.headers(
            self._client, self._number(), user=xroad.user, issue=current_scope().dossier,
            security_server=xroad.security_server, represented=xroad.represented,
        )  # fmt: skip
        url = rest.address(self.settings.address, self._provider, path)
        reply = await self.wire.request(operation, method, url, headers={**sent, **extra}, **options)
        return rest.checked(reply, sent)


def lgsp_header(settings: LgspTokenSettings) -> dict[str, str]:
    """``lgspaccesstoken``: base64 of a JSON object; nothing where no key is set."""
    if not settings.access_key.get_secret_value():
        return {}
    told = {
        "AccessKey": settings.access_key.get_secret_value(), "SecretKey": settings.secret_key.get_secret_value(),
        "AppName": settings.app_name, "PartnerCode": settings.partner_code, "PartnerCodeCus": settings.partner_code_cus,
    }  # fmt: skip
    text = json.dumps(told, ensure_ascii=False, separators=(",", ":"))
    return {"lgspaccesstoken": Secret(base64.b64encode(text.encode()).decode("ascii"))}
