"""The portal's payment platform: INIT, QUERY, GET_BILL, the page where a citizen pays, and its CONFIRM calls.

Below ``/npsp_payment``. ``POST /_mock/npsp_payment/pay`` moves a citizen; CONFIRM goes to the setting ``confirm``. With
``wrapped`` it answers as behind an LGSP.
"""

from __future__ import annotations

import hashlib
import hmac
import json
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
from mocks.kit.payer import Account, Caller

BASE = "/npsp_payment"
_HERE = timezone(timedelta(hours=7))
_INIT = (
    "LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "SoTien", "LoaiHinhThanhToan", "MaKenhThanhToan", "MaThietBi",
    "NgonNgu", "MaTienTe", "MaNganHang", "ThongTinGiaoDich", "ThoiGianGD", "Ip",
)  # fmt: skip
_ASKS = ("LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD")
_CONFIRM = (
    "LoaiBanTin", "MaLoi", "MaDoiTac", "MaThamChieu", "SoTien", "MaTienTe", "MaGiaoDich", "MaNganHang", "ThoiGianGD",
    "ThongTinGiaoDich",
)  # fmt: skip
_PDF = b"%PDF-1.4\n1 0 obj<</Type/Catalog>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n"


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/npsp_payment/settings`` can change."""

    partner: str = "DVC-TINH01"
    secret: str = "LGSP-TEST-SECRET-0001"
    confirm: str = ""
    wrapped: bool = False


class NpspPayment(Mock):
    name = "npsp_payment"
    contract = Path(__file__).parents[1] / "connectors" / "npsp_payment" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)
        self.caller = Caller(self.sleep)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.accounts: dict[str, Account] = {}
        self._numbers = 12_345

    async def close(self) -> None:
        await self.caller.close()

    def operation(self, call: Call) -> str:
        return {"init": "open_payment", "query": "query_payment", "bill": "get_bill"}.get(
            call.path.removeprefix(f"{BASE}/"), "unknown"
        )

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "unknown" or call.method != "POST":
            return Answer(status=404, body=b"not found", media="text/plain")
        schema = {"open_payment": "init", "query_payment": "query", "get_bill": "bill"}[operation]
        told = self.judged(call, f"{schema}.request")
        order = _INIT if operation == "open_payment" else _ASKS
        if not hmac.compare_digest(self._sum(told, order), str(told["MaXacThuc"]).lower()):
            return self._no(operation, "Sai ma xac thuc")
        if told["MaDoiTac"] != self.options.partner:
            return self._no(operation, "Sai ma doi tac")
        if operation == "open_payment":
            return self._init(told)
        account = self.accounts.get(told["MaThamChieu"])
        if operation == "get_bill":
            if account is None or account.state != "paid":
                return self._no(operation, "Chua co bien lai")
            return Answer(body=_PDF, media="application/pdf")
        if account is None or account.made != told["ThoiGianGD"]:
            return self._no(operation, "Khong tim thay giao dich")
        state = {"open": "3", "paid": "1", "failed": "4"}[account.state]
        return self._yes(
            {
                "LoaiBanTin": "QUERY",
                "MaLoi": "00",
                "MaDoiTac": self.options.partner,
                "MaThamChieu": account.reference,
                "SoTien": account.asked,
                "MaGiaoDich": account.transaction,
                "MaNganHang": "VCB",
                "TrangThaiGD": state,
            }
        )

    def _init(self, told: dict[str, Any]) -> Answer:
        receipt = told["ThongTinBienLai"]
        if sum(int(one["SoTien"]) for one in receipt["DSKhoanNop"]) != int(told["SoTien"]):
            return self._no("open_payment", "Tong khoan nop khong bang so tien")
        if told["MaThamChieu"] in self.accounts:
            return self._no("open_payment", "Ma tham chieu da ton tai")
        account = Account(told["MaThamChieu"], int(told["SoTien"]), told["ThoiGianGD"])
        self.accounts[account.reference] = account
        self.ledger.record(self.clock.now(), receipt["MaHoSo"], "open", account.reference.encode(), once=True)
        return self._yes({"MaLoi": "00", "MoTaLoi": "", "UrlThanhToan": f"https://pay.invalid/{account.reference}"})

    def _yes(self, told: dict[str, Any]) -> Answer:
        if self.options.wrapped:
            text = json.dumps(told, ensure_ascii=False)
            return Answer({"error_code": "0", "message": text}, schema="wrapped.answer")
        return Answer(told, schema="platform.answer")

    def _no(self, operation: str, words: str) -> Answer:
        self.note(operation, "refused", [words])
        if self.options.wrapped:
            return Answer({"error_code": "-1", "message": words}, schema="wrapped.answer")
        return Answer({"MaLoi": "99", "MoTaLoi": words}, schema="platform.answer")

    def _sum(self, values: dict[str, Any], order: tuple[str, ...]) -> str:
        whole = "|".join([*(str(values.get(name, "")) for name in order), self.options.secret])
        return hashlib.sha256(whole.encode()).hexdigest()

    def as_duplicate(self, call: Call, operation: str) -> Answer | None:
        return self._no(operation, "Ma tham chieu da ton tai") if operation == "open_payment" else None

    # --- the citizen, and the platform's own calls --------------------------------------------------------------------

    def act(self, account: Account, what: str) -> None:
        if account.state == "paid":
            raise ValueError("it is paid already")
        self._numbers += 1
        account.transaction = f"PPDVC{self._numbers:011d}"
        if what == "pay":
            account.state, account.paid = "paid", account.asked
            self.ledger.record(self.clock.now(), account.reference, "pay", str(account.paid).encode(), once=True)
        else:
            account.state = "failed"

    def confirm(self, account: Account, *, wrong: bool = False, off: int = 0, swapped: bool = False) -> dict[str, Any]:
        """The CONFIRM message; ``swapped``: signed in the order of an INIT."""
        message: dict[str, Any] = {
            "LoaiBanTin": "CONFIRM",
            "MaLoi": "00" if account.state == "paid" else "99",
            "MaDoiTac": self.options.partner,
            "MaThamChieu": account.reference,
            "SoTien": account.asked + off,
            "MaTienTe": "VND",
            "MaGiaoDich": account.transaction,
            "MaNganHang": "VCB",
            "ThoiGianGD": self.clock.now().astimezone(_HERE).strftime("%Y%m%d%H%M%S"),
            "ThongTinGiaoDich": "THANH TOAN HO SO",
        }
        order = (*_CONFIRM[:-2], _CONFIRM[-1], _CONFIRM[-2]) if swapped else _CONFIRM
        signed = self._sum(message, order)
        message["MaXacThuc"] = signed[::-1] if wrong else signed
        return message

    def call(self, account: Account, **how: Any) -> None:
        if not self.options.confirm:
            return
        message = self.confirm(account, **how)

        async def once(client: httpx.AsyncClient) -> bool:
            reply = await client.post(self.options.confirm, json=message)
            code = str(reply.json().get("MaLoi")) if reply.status_code == 200 else str(reply.status_code)
            account.calls.append(code)
            return bool(how) or code == "00"

        self.caller.start(once)

    def control_routes(self) -> list[BaseRoute]:
        async def pay(request: Request) -> Any:
            """``{url|reference, what, silent}``: a citizen pays, cancels or fails; then CONFIRM is called."""
            body = await given(request)
            account = self.accounts[body.get("reference") or body["url"].rpartition("/")[2]]
            self.act(account, body.get("what", "pay"))
            if not body.get("silent"):
                self.call(account)
            return asdict(account)

        async def again(request: Request) -> Any:
            """``{reference, wrong, off, swapped, show}``: one more CONFIRM, right or wrong."""
            body = await given(request)
            account = self.accounts[body["reference"]]
            how = {k: body[k] for k in ("wrong", "off", "swapped") if body.get(k)}
            if body.get("show"):
                return self.confirm(account, **how)
            self.call(account, **how)
            return asdict(account)

        async def put(request: Request) -> Any:
            """``{reference, asked, made, what}``: an order as if it had been opened."""
            body = await given(request)
            account = Account(body["reference"], body["asked"], body["made"])
            self.accounts[account.reference] = account
            if body.get("what"):
                self.act(account, body["what"])
            return asdict(account)

        async def accounts(_: Request) -> Any:
            """Every order with what was asked and paid, in dong."""
            return {"accounts": [asdict(a) for a in self.accounts.values()], "busy": self.caller.busy}

        return [
            *super().control_routes(),
            route(self, "pay", "POST", pay),
            route(self, "confirm", "POST", again),
            route(self, "accounts/put", "POST", put),
            route(self, "accounts", "GET", accounts),
        ]

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self._no("other", error.reason)

    def breach(self, call: Call, error: Breach) -> Answer:
        return self._no("other", "; ".join(error.problems))

    def state(self) -> dict[str, Any]:
        return {
            "asked": sum(a.asked for a in self.accounts.values()),
            "paid": sum(a.paid for a in self.accounts.values()),
        }


def make(*, seed: int = 0, clock: Clock | None = None) -> NpspPayment:
    return NpspPayment(seed=seed, clock=clock)
