"""VNPost over NGSP, below ``/vnpost``: token, orders, cancellations, and one event log of all customers.

``POST /_mock/vnpost/move`` moves a parcel: ``{order, code, message}``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.gateway import Gateway
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.ledger import canonical
from mocks.kit.parcels import Parcel

BASE = "/vnpost/"
_OPERATIONS = {
    "apiGetToken": "token", "apiPostOrder": "order", "apiCancelOrder": "cancel", "apiGetOrderTracking": "tracking",
}  # fmt: skip


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/vnpost/settings`` can change."""

    key: str = "lgspKey01"
    secret: str = "lgspSecret01"
    customer: str = "GL0001"


class Vnpost(Mock):
    name = "vnpost"
    contract = Path(__file__).parents[1] / "connectors" / "vnpost" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.gateway = Gateway(self.clock, self.options.key, self.options.secret)
        self.parcels: dict[str, Parcel] = {}
        self.events: list[dict[str, Any]] = []

    def operation(self, call: Call) -> str:
        return _OPERATIONS.get(call.path.removeprefix(BASE), "unknown")

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "token":
            return self.gateway.token(call)
        # A long-lived token in a header of its own is taken, too.
        if call.headers.get("access_token") != self.options.secret and (refused := self.gateway.refusal(call)):
            self.note(operation, "refused", ["token: missing, unknown or expired"])
            return refused
        if operation == "order":
            return self._order(self.judged(call, "order.request"))
        if operation == "cancel":
            return self._cancel(call)
        if operation == "tracking":
            return self._tracking(call)
        return Answer(status=404, body=b"not found", media="text/plain")

    def _order(self, told: dict[str, Any]) -> Answer:
        if told["CustomerCode"] != self.options.customer:
            return self._say("102", "CustomerCode khong ton tai")
        known = self.parcels.get(told["OrderNumber"])
        if known is not None:
            known.given += 1
            return self._say("101", "Don hang da ton tai")
        waybill = f"EG{len(self.parcels) + 1:09d}VN"
        self.parcels[told["OrderNumber"]] = Parcel(
            told["OrderNumber"], waybill, told["SenderName"], told["ReceiverName"]
        )
        self.ledger.record(self.clock.now(), told["OrderNumber"], "order", canonical(told), once=True)
        return self._say("100", "Thanh cong")

    def _cancel(self, call: Call) -> Answer:
        order = call.query.get("OrderNumber", "")
        if set(call.query) != {"CustomerCode", "OrderNumber"} or call.query["CustomerCode"] != self.options.customer:
            return self._say("102", "Tham so khong hop le")
        if order not in self.parcels:
            return self._say("103", "Don hang khong ton tai")
        if "cancelled" not in self.parcels[order].states:
            self.parcels[order].states.append("cancelled")
            self.ledger.record(self.clock.now(), order, "cancel", b"")
        return self._say("100", "Thanh cong")

    def _tracking(self, call: Call) -> Answer:
        size, last = call.query.get("pagesize", ""), call.query.get("lastId", "")
        if not (size.isdigit() and 1 <= int(size) <= 1000 and len(last) == 24):
            return Answer({"Status": "104", "Message": "pagesize, lastId"}, status=400, schema="order.answer")
        after = [e for e in self.events if e["_id"]["$oid"] > last]
        docs = after[: int(size)]
        page = {
            "_size": int(size),
            "_total_pages": -(-len(after) // int(size)),
            "_returned": len(docs),
            "_embedded": {"rh:doc": docs},
        }
        return Answer(page, schema="tracking.answer")

    def move(self, order: str, code: str, message: str = "", customer: str = "") -> None:
        """One more line of the log; an order nobody gave is another customer's."""
        parcel = self.parcels.get(order)
        if parcel is not None:
            parcel.states.append(code)
        self.events.append(
            {
                "_id": {"$oid": f"{len(self.events) + 1:024x}"},
                "CustomerCode": customer or self.options.customer,
                "OrderNumber": order,
                "ItemCode": parcel.waybill if parcel else "EX000000000VN",
                "POSID": "600000",
                "EventTime": int(self.clock.now().timestamp() * 1000),
                "StatusCode": int(code) if code.isdigit() else code,
                "StatusMessage": message,
                "Notes": "",
            }
        )

    def _say(self, status: str, words: str) -> Answer:
        if status not in ("100", "101"):
            self.note("order", "refused", [words])
        return Answer({"Status": status, "Message": words}, schema="order.answer")

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self._say("104", error.reason)

    def breach(self, call: Call, error: Breach) -> Answer:
        return self._say("104", "; ".join(error.problems))

    def expire(self, call: Call) -> None:
        self.gateway.expire(call)

    def as_duplicate(self, call: Call, operation: str) -> Answer | None:
        return self._say("101", "Don hang da ton tai") if operation == "order" else None

    def control_routes(self) -> list[BaseRoute]:
        async def move(request: Request) -> Any:
            """``{order, code, message, customer}``: a parcel moves."""
            body = await given(request)
            self.move(body["order"], str(body["code"]), body.get("message", ""), body.get("customer", ""))
            return {"events": len(self.events)}

        async def parcels(_: Request) -> Any:
            """Every order, how often it was given, and its states."""
            return {"parcels": [asdict(p) for p in self.parcels.values()]}

        return [
            *super().control_routes(),
            route(self, "move", "POST", move),
            route(self, "parcels", "GET", parcels),
        ]

    def state(self) -> dict[str, Any]:
        return {"parcels": len(self.parcels), "events": len(self.events)}

    def change_settings(self, given: dict[str, Any]) -> None:
        super().change_settings(given)
        self.gateway.key, self.gateway.secret = self.options.key, self.options.secret


def make(*, seed: int = 0, clock: Clock | None = None) -> Vnpost:
    return Vnpost(seed=seed, clock=clock)
