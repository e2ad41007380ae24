"""The register of persons: a session in a header, a look-up, an entry made once by its key."""

from __future__ import annotations

from typing import Any

from pydantic import Field, SecretStr
from sample.wire import Enter, Entered, FindPerson, Person

from lgsp.errors import AccessRefused, Rejected, SessionRejected
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.auth import BodySession
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.mask import Secret
from lgsp.wire.reply import Reply


class SampleSettings(SystemSettings):
    """Settings of the register."""

    address: str = Field("", description="Address of its services")
    username: str = Field("", description="Our account")
    password: SecretStr = Field(SecretStr(""), description="Its password")


class Sample:
    def __init__(self, settings: SampleSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._session = BodySession(wire, self._log_in)

    async def find_person(self, request: FindPerson, key: str) -> Person:
        reply = await self._call("find_person", request.model_dump(), {}, effect=False)
        person: Person = reply.model(Person)
        return person

    async def enter(self, request: Enter, key: str) -> Entered:
        reply = await self._call("enter", request.model_dump(), {"Idempotency-Key": key}, effect=True)
        entered: Entered = reply.model(Entered)
        return entered

    async def check(self) -> str:
        """Logs in."""

        async def nothing(_session: str) -> None:
            return None

        await self._session.call(nothing)
        return "the account is taken"

    async def _call(self, operation: str, body: dict[str, Any], headers: dict[str, str], *, effect: bool) -> Reply:
        async def send(session: str) -> Reply:
            reply = await self._wire.request(
                operation,
                "POST",
                f"{self._settings.address}/{operation}",
                json=body,
                headers={**headers, "X-Session": Secret(session)},
                effect=effect,
            )
            if reply.status == 401:
                raise SessionRejected("the session is gone", system=reply.system, operation=operation)
            if reply.status == 422:
                raise Rejected("it refuses the request", system=reply.system, operation=operation, code="422")
            return expect(reply)

        return await self._session.call(send)

    async def _log_in(self) -> str:
        own = self._settings
        body = {"username": own.username, "password": own.password.get_secret_value()}
        reply = await self._wire.request("login", "POST", f"{own.address}/login", json=body, effect=False)
        if reply.status == 403:
            raise AccessRefused("the account is not taken", system=reply.system, operation="login", code="403")
        told = expect(reply).json()
        session = told.get("session") if isinstance(told, dict) else None
        if not isinstance(session, str) or not session:
            raise reply.bad("it has no session")
        return session


plugin = ConnectorPlugin(
    "sample",
    "Register of persons",
    SampleSettings,
    Sample,
    operations=(
        Operation("find_person", FindPerson, Person, Repeat.SAFE, "200 with the name"),
        Operation("enter", Enter, Entered, Repeat.KEYED, "200 with the number"),
    ),
)
