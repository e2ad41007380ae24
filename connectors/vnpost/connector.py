"""VNPost for dossiers over NGSP: token, order, cancel, and the event log read by its cursor."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr

from connectors.vnpost.wire import Answer, CancelOrder, Place, PostOrder, Tracked, TrackingPage
from lgsp.errors import Rejected
from lgsp.spi.agency import AgencySettings
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.inbound import Page, Poll, Received
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.address import join
from lgsp.wire.auth import ClientCredentials
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.mask import Secret
from lgsp.wire.reply import Reply

FIRST = "0" * 24
TAKEN, THERE = "100", "101"


class VnpostSettings(SystemSettings):
    """Settings of VNPost."""

    address: str = Field("", description="Address of NGSP or of the LGSP before it, below which the paths stand")
    token_path: str = Field("apiGetToken", description="Path of the token service")
    order_path: str = Field("apiPostOrder", description="Path of an order")
    cancel_path: str = Field("apiCancelOrder", description="Path of a cancellation")
    tracking_path: str = Field("apiGetOrderTracking", description="Path of the event log")
    auth: Literal["token", "header"] = Field(
        "token", description="token: by client credentials; header: a long-lived one in the header access_token"
    )
    key: str = Field("", description="Key with which a token is asked for")
    secret: SecretStr = Field(SecretStr(""), description="Its secret; with auth = header the token itself")
    customer: str = Field("", description="CustomerCode: our customer code at VNPost")
    page_size: Annotated[int, Field(ge=1, le=1000)] = Field(500, description="Events asked for at once")
    agencies: dict[str, AgencySettings] = Field(
        default_factory=dict, description="Agencies by unit code; default: of all others"
    )
    province: Annotated[int, Field(ge=0)] = Field(
        0, description="VNPost's own number of our province; 0: not set, orders park"
    )
    provinces: dict[str, int] = Field(
        default_factory=dict,
        description="VNPost's number of a citizen's province by its name, where it is not ours: addresses end with it",
    )
    papers: str = Field("Hồ sơ thủ tục hành chính", description="What the parcel holds, in SenderDesc")


class Vnpost:
    """Orders, cancels, and reads what became of all orders."""

    def __init__(self, settings: VnpostSettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._token = ClientCredentials(
            wire, join(settings.address, settings.token_path), settings.key, settings.secret
        )

    async def order(self, request: PostOrder, key: str) -> Answer:
        """The order is there: taken now (100) or before (101)."""
        body = {"CustomerCode": self._settings.customer, **request.model_dump()}
        reply = await self._call("order", "POST", self._settings.order_path, json=body)
        return self._success(reply)

    async def cancel(self, request: CancelOrder, key: str) -> Answer:
        """The order is taken back; taking it back again is a success."""
        query = {"CustomerCode": self._settings.customer, "OrderNumber": request.OrderNumber}
        return self._success(await self._call("cancel", "GET", self._settings.cancel_path, query=query))

    async def tracking(self, cursor: str) -> Page:
        """The events after the last that we have. The log is of all customers; those of others are not ours."""
        size = self._settings.page_size
        query = {"pagesize": str(size), "lastId": cursor or FIRST}
        reply = await self._call("tracking", "GET", self._settings.tracking_path, query=query, effect=False)
        page: TrackingPage = reply.model(TrackingPage)
        events = page.embedded.docs
        if len(events) > size:
            raise reply.bad("it holds more events than were asked for")
        places = [reply.fit(line, Place) for line in events]
        own = tuple(
            reply.fit(line, Tracked)
            for line, place in zip(events, places, strict=True)
            if not self._settings.customer or place.CustomerCode == self._settings.customer
        )
        last = places[-1].id.oid if places else cursor
        if events and last <= (cursor or FIRST):
            raise reply.bad("it does not go on from lastId")
        return Page(Received("tracked", own), last, len(events) == size)

    async def check(self) -> str:
        """Reads the beginning of the event log."""
        query = {"pagesize": "1", "lastId": FIRST}
        reply = await self._call("tracking", "GET", self._settings.tracking_path, query=query, effect=False)
        return f"the event log is open ({reply.model(TrackingPage).returned} event read)"

    def _success(self, reply: Reply) -> Answer:
        answer: Answer = reply.model(Answer)
        if answer.Status in (TAKEN, THERE):
            return answer
        raise Rejected(
            f"Status {answer.Status[:10]} (its text is in the journal)",
            system=reply.system, operation=reply.operation, code=answer.Status[:10],
        )  # fmt: skip

    async def _call(self, operation: str, method: str, path: str, **more: Any) -> Reply:
        url = join(self._settings.address, path)
        if self._settings.auth == "header":
            headers = {"access_token": Secret(self._settings.secret.get_secret_value())}
            return expect(await self._wire.request(operation, method, url, headers=headers, **more))

        async def send(token: str) -> Reply:
            headers = {"Authorization": Secret(f"Bearer {token}")}
            return expect(await self._wire.request(operation, method, url, headers=headers, **more))

        return await self._token.call(send)


plugin = ConnectorPlugin(
    name="vnpost",
    title="Tổng công ty Bưu điện Việt Nam (VNPost)",
    settings=VnpostSettings,
    connector=Vnpost,
    operations=(
        Operation("order", PostOrder, Answer, Repeat.KEYED, "Status 100, or 101 for an OrderNumber that is there"),
        Operation("cancel", CancelOrder, Answer, Repeat.SAFE, "Status 100 or 101"),
    ),
    polls=(Poll("tracking", "tracking", every=300.0),),
)
