"""Viettel Post v2: errors come inside HTTP 200; an order cannot be looked up, so it is given once only."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, SecretStr

from connectors.viettel_post.inbound import HOOKS, resign
from connectors.viettel_post.wire import CancelOrder, Created, CreateOrder, Done
from lgsp.errors import AccessRefused, Rejected, SessionRejected, Unavailable
from lgsp.spi.agency import AgencySettings
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.address import join
from lgsp.wire.auth import BodySession
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.mask import Secret
from lgsp.wire.reply import Reply


class ViettelPostSettings(SystemSettings):
    """Settings of Viettel Post."""

    address: str = Field(
        "https://partnerdev.viettelpost.vn", pattern=r"^https?://\S+$", description="Address of its partner service"
    )
    username: str = Field("", description="Account (USERNAME)")
    password: SecretStr = Field(SecretStr(""), description="Its password")
    webhook_token: SecretStr = Field(
        SecretStr(""), description="TOKEN that its webhook carries; empty: nobody is let in"
    )
    session_seconds: Annotated[int, Field(ge=60)] = Field(43_200, description="Seconds for which a log-in is used")
    agencies: dict[str, AgencySettings] = Field(
        default_factory=dict, description="Agencies by unit code; default: of all others"
    )
    papers: str = Field("Hồ sơ thủ tục hành chính", description="PRODUCT_NAME of a parcel")
    weight: Annotated[int, Field(ge=1)] = Field(200, description="PRODUCT_WEIGHT of a parcel, in grams")


class ViettelPost:
    """Gives and takes back orders; what becomes of them it tells by its webhook only."""

    def __init__(self, settings: ViettelPostSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._session = BodySession(wire, self._log_in, lifetime=settings.session_seconds)

    async def create_order(self, request: CreateOrder, key: str) -> Created:
        """The order is given. After a lost answer nobody can tell: there is no look-up by our number."""
        reply, data = await self._call("create_order", "v2/order/createOrder", request.model_dump(), effect=True)
        return self._fit(reply, data)

    async def cancel_order(self, request: CancelOrder, key: str) -> Done:
        """The order is taken back, or was before."""
        reply, _ = await self._call(
            "cancel_order", "v2/order/UpdateOrder", {"TYPE": 4, **request.model_dump()}, effect=True
        )
        done: Done = reply.model(Done)
        return done

    async def check(self) -> str:
        """Logs in."""

        async def nothing(_token: str) -> None:
            return None

        await self._session.call(nothing)
        return f"{self._settings.username} is logged in"

    @staticmethod
    def _fit(reply: Reply, data: Any) -> Created:
        created: Created = reply.fit(data, Created)
        return created

    async def _call(self, operation: str, path: str, body: dict[str, Any], *, effect: bool) -> tuple[Reply, Any]:
        async def send(token: str) -> tuple[Reply, Any]:
            headers = {"Token": Secret(token)}
            url = join(self._settings.address, path)
            return self._read(
                await self._wire.request(operation, "POST", url, json=body, headers=headers, effect=effect)
            )

        return await self._session.call(send)

    async def _log_in(self) -> str:
        """The token of the account's owner; its short forerunner may be lost on the way, and is then asked for anew."""
        try:
            return await self._owner(await self._step("login", "v2/user/Login", ""))
        except SessionRejected:
            return await self._owner(await self._step("login", "v2/user/Login", ""))

    async def _owner(self, token: str) -> str:
        return await self._step("ownerconnect", "v2/user/ownerconnect", token)

    async def _step(self, operation: str, path: str, token: str) -> str:
        own = self._settings
        account = {"USERNAME": own.username, "PASSWORD": own.password.get_secret_value()}
        headers = {"Token": Secret(token)} if token else {}
        reply = await self._wire.request(
            operation, "POST", join(own.address, path), json=account, headers=headers, effect=False
        )
        try:
            _, data = self._read(reply)
        except Rejected as error:
            raise AccessRefused(
                "it does not take the account; correct systems.viettel_post.username and password",
                system=reply.system, operation=operation, code=error.code,
            ) from None  # fmt: skip
        found = data.get("token") if isinstance(data, dict) else None
        if not isinstance(found, str) or not found:
            raise reply.bad("it has no token")
        return found

    def _read(self, reply: Reply) -> tuple[Reply, Any]:
        """``data`` of a success; an error may come inside HTTP 200."""
        if reply.status != 200:
            expect(reply)
        told = reply.json()
        if not isinstance(told, dict) or not isinstance(told.get("error"), bool):
            raise reply.bad("it has no error true or false")
        if told["error"] is False:
            return reply, told.get("data")
        words = str(told.get("message", "")).lower()
        where = {"system": reply.system, "operation": reply.operation, "code": str(told.get("status", ""))[:10]}
        if told.get("status") == 401 or "token" in words:
            raise SessionRejected("the token is not taken", **where)
        if told.get("status") == 429:
            raise Unavailable("busy", **where)
        status = told.get("status")
        if "system error" in words or (isinstance(status, int) and status >= 500):
            raise reply.bad("it tells of a system error: nobody knows whether it happened")
        raise Rejected("it refuses the order (its text is in the journal)", **where)


plugin = ConnectorPlugin(
    name="viettel_post",
    title="Viettel Post",
    settings=ViettelPostSettings,
    connector=ViettelPost,
    operations=(
        Operation("create_order", CreateOrder, Created, Repeat.ONCE, "error false and data.ORDER_NUMBER"),
        Operation("cancel_order", CancelOrder, Done, Repeat.SAFE, "error false"),
    ),
    hooks=HOOKS,
    resign=resign,
)
