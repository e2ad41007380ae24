"""Viettel Post v2, below ``/viettel_post``: log-in, orders, and the webhook with which it tells their states.

Errors come inside HTTP 200. ``POST /_mock/viettel_post/move`` moves a parcel: ``{order, code}``; the webhook goes to
the setting ``webhook``.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.ledger import canonical
from mocks.kit.parcels import Parcel
from mocks.kit.payer import Caller

_HERE = timezone(timedelta(hours=7))
_PATHS = {
    "/viettel_post/v2/user/Login": "login", "/viettel_post/v2/user/ownerconnect": "ownerconnect",
    "/viettel_post/v2/order/createOrder": "create_order", "/viettel_post/v2/order/UpdateOrder": "cancel_order",
}  # fmt: skip


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/viettel_post/settings`` can change."""

    username: str = "lgsp"
    password: str = "secret"
    token: str = "webhook-token"
    webhook: str = ""


class ViettelPost(Mock):
    name = "viettel_post"
    contract = Path(__file__).parents[1] / "connectors" / "viettel_post" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)
        self.caller = Caller(self.sleep)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.parcels: dict[str, Parcel] = {}
        """By their number."""
        self._tokens: dict[str, float] = {}
        self._numbers = 0

    async def close(self) -> None:
        await self.caller.close()

    def operation(self, call: Call) -> str:
        return _PATHS.get(call.path, "unknown")

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "unknown" or call.method != "POST":
            return Answer(status=404, body=b"not found", media="text/plain")
        schema = {"create_order": "order", "cancel_order": "cancel"}.get(operation, "login")
        if operation != "login" and not self._lives(call.headers.get("token", "")):
            return self._no(operation, 401, "Token invalid")
        told = self.judged(call, f"{schema}.request")
        if schema == "login":
            if (told["USERNAME"], told["PASSWORD"]) != (self.options.username, self.options.password):
                return self._no(operation, 205, "Username or password is not correct")
            return self._yes({"userId": 1, "token": self._token(operation)})
        if operation == "cancel_order":
            parcel = self.parcels.get(told["ORDER_NUMBER"])
            if parcel is None:
                return self._no(operation, 204, "Order does not exist")
            if "107" not in parcel.states:
                parcel.states.append("107")
                self.ledger.record(self.clock.now(), parcel.order, "cancel", b"")
            return self._yes(None)
        if any(len(v.encode()) > 150 for k, v in told.items() if isinstance(v, str) and not k.endswith("EMAIL")):
            return self._no(operation, 204, "A text is longer than 150 bytes")
        self._numbers += 1
        number = str(1_234_567_890 + self._numbers)
        self.parcels[number] = Parcel(told["ORDER_NUMBER"], number, told["SENDER_FULLNAME"], told["RECEIVER_FULLNAME"])
        same = sum(p.order == told["ORDER_NUMBER"] for p in self.parcels.values())
        self.parcels[number].given = same
        self.ledger.record(self.clock.now(), told["ORDER_NUMBER"], "order", canonical(told), once=True)
        return self._yes({"ORDER_NUMBER": number, "MONEY_TOTAL": 35000})

    def _token(self, operation: str) -> str:
        token = f"vtp-{operation}-{len(self._tokens) + 1:06d}"
        self._tokens[token] = self.clock.now().timestamp() + 86_400
        return token

    def _lives(self, token: str) -> bool:
        return self._tokens.get(token, 0.0) > self.clock.now().timestamp()

    def expire(self, call: Call) -> None:
        self._tokens.pop(call.headers.get("token", ""), None)

    def _yes(self, data: Any) -> Answer:
        return Answer({"status": 200, "error": False, "message": "OK", "data": data}, schema="envelope.answer")

    def _no(self, operation: str, status: int, words: str) -> Answer:
        self.note(operation, "refused", [words])
        return Answer({"status": status, "error": True, "message": words, "data": None}, schema="envelope.answer")

    def move(self, order: str, code: str) -> None:
        """A parcel of ours (by our number) moves; the webhook is called until it is answered 200."""
        parcel = next((p for p in self.parcels.values() if p.order == order), None)
        number = parcel.waybill if parcel else "999"
        if parcel is not None:
            parcel.states.append(code)
        if not self.options.webhook:
            return
        data = {
            "ORDER_NUMBER": number,
            "ORDER_REFERENCE": order,
            "ORDER_STATUSDATE": self.clock.now().astimezone(_HERE).strftime("%d/%m/%Y %H:%M:%S"),
            "ORDER_STATUS": int(code),
            "STATUS_NAME": "Trạng thái mẫu",
            "LOCALION_CURRENTLY": "Gia Lai",
            "NOTE": "",
        }
        message = {"DATA": data, "TOKEN": self.options.token}

        async def once(client: httpx.AsyncClient) -> bool:
            reply = await client.post(self.options.webhook, json=message)
            if parcel is not None:
                parcel.calls.append(str(reply.status_code))
            return reply.status_code == 200

        self.caller.start(once)

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self._no("other", 204, error.reason)

    def breach(self, call: Call, error: Breach) -> Answer:
        return self._no("other", 204, "; ".join(error.problems))

    def control_routes(self) -> list[BaseRoute]:
        async def move(request: Request) -> Any:
            """``{order, code}``: a parcel moves."""
            body = await given(request)
            self.move(body["order"], str(body["code"]))
            return {"parcels": len(self.parcels)}

        async def put(request: Request) -> Any:
            """``{number, order}``: an order as if it had been given."""
            body = await given(request)
            self.parcels[body["number"]] = Parcel(body["order"], body["number"], "", "")
            return {"parcels": len(self.parcels)}

        async def parcels(_: Request) -> Any:
            """Every order and its states."""
            return {"parcels": [asdict(p) for p in self.parcels.values()], "busy": self.caller.busy}

        return [
            *super().control_routes(),
            route(self, "move", "POST", move),
            route(self, "parcels", "GET", parcels),
            route(self, "orders/put", "POST", put),
        ]

    def state(self) -> dict[str, Any]:
        return {"parcels": len(self.parcels)}


def make(*, seed: int = 0, clock: Clock | None = None) -> ViettelPost:
    return ViettelPost(seed=seed, clock=clock)
