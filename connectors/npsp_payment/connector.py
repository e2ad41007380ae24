"""The National Portal's payment platform: INIT, QUERY and GET_BILL, direct or behind an LGSP that wraps the answers."""

from __future__ import annotations

import base64
import binascii
import json
from typing import Any

from connectors.npsp_payment import signing
from connectors.npsp_payment.inbound import ENQUIRIES, HOOKS
from connectors.npsp_payment.resign import resign
from connectors.npsp_payment.settings import NpspPaymentSettings
from connectors.npsp_payment.wire import Bill, GetBill, Opened, OpenPayment, Outcome, QueryPayment
from lgsp.errors import AccessRefused, NotYet, Rejected
from lgsp.spi.connector import ConnectorPlugin
from lgsp.spi.operation import Operation, Probed, Repeat
from lgsp.wire.access import Access
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.reply import Reply

PAID, UNDECIDED, FAILED = "1", "3", "4"


class NpspPayment:
    """Opens orders, asks what became of them, fetches receipts."""

    def __init__(self, settings: NpspPaymentSettings, wire: Wire) -> None:
        self._settings, self._clock = settings, wire.clock
        self._access = Access(wire, settings.access)

    async def open_payment(self, request: OpenPayment, key: str) -> Opened:
        """INIT: the order is there, and where it is paid."""
        own = self._settings
        values: dict[str, Any] = {
            "LoaiBanTin": "INIT",
            "PhienBan": own.version,
            "MaDoiTac": own.partner,
            "LoaiHinhThanhToan": "PAY",
            "MaKenhThanhToan": own.channel,
            "MaThietBi": own.device,
            "NgonNgu": "vi-VN",
            "MaTienTe": "VND",
            "MaNganHang": "PAYMENT",
            "Ip": own.ip,
            **request.model_dump(mode="json"),
        }
        reply, told = await self._send("open_payment", own.init_path, values, signing.INIT, effect=True)
        if told.get("MaLoi") != "00":
            raise self._refused(reply, told)
        opened: Opened = reply.fit(told, Opened)
        if not opened.UrlThanhToan:
            raise reply.bad("MaLoi 00 without UrlThanhToan")
        return opened

    async def was_opened(self, request: OpenPayment, key: str) -> Probed[Opened]:
        """Whether an INIT whose answer was lost arrived: the platform is asked for its reference. The address is lost
        with the answer."""
        question = QueryPayment(MaThamChieu=request.MaThamChieu, ThoiGianGD=request.ThoiGianGD)
        _, told = await self._ask("was_opened", question)
        if told.get("MaLoi") != "00":
            return Probed(False)
        return Probed(True, Opened(UrlThanhToan=""))

    async def query_payment(self, request: QueryPayment, key: str) -> Outcome:
        """QUERY: paid (1) or failed (4). ``NotYet`` while it is undecided or the platform does not know it."""
        reply, told = await self._ask("query_payment", request)
        outcome: Outcome = reply.fit({k: str(v) for k, v in told.items() if isinstance(v, str | int)}, Outcome)
        if outcome.MaLoi == "00" and outcome.TrangThaiGD in (PAID, FAILED):
            return outcome
        state = f"TrangThaiGD {outcome.TrangThaiGD or 'is missing'}, MaLoi {outcome.MaLoi}"
        raise NotYet(state, ask_after=self._settings.ask_every, system=reply.system, operation=reply.operation)

    async def get_bill(self, request: GetBill, key: str) -> Bill:
        """GET_BILL: the receipt as PDF, by itself or as base64 in an answer."""
        own = self._settings
        values = {
            "LoaiBanTin": "GET_BILL", "PhienBan": own.version, "MaDoiTac": own.partner, **request.model_dump(),
        }  # fmt: skip
        body = {**values, "MaXacThuc": self._checksum(values, signing.QUERY)}
        reply = expect(await self._access.request("get_bill", "POST", own.bill_path, json=body, effect=False))
        content = reply.body if reply.body.startswith(b"%PDF") else self._in_answer(reply)
        if b"%%EOF" not in content[-1024:]:
            raise reply.bad("the PDF is cut off")
        name = f"bien-lai-{request.MaThamChieu}.pdf"
        bill: Bill = reply.fit({"files": [{"name": name, "media_type": "application/pdf", "content": content}]}, Bill)
        return bill

    def _in_answer(self, reply: Reply) -> bytes:
        told = unwrapped(reply)
        found = next((v for v in told.values() if isinstance(v, str) and v.startswith("JVBERi")), "")
        if not found and "MaLoi" not in told:
            raise reply.bad("it is no receipt and has no MaLoi")
        if not found:
            self._check_access(reply, told)
            raise NotYet(
                "the receipt is not there yet", ask_after=self._settings.ask_every, system=reply.system,
                operation=reply.operation,
            )  # fmt: skip
        try:
            return base64.b64decode(found, validate=True)
        except (binascii.Error, ValueError):
            raise reply.bad("the receipt is no base64") from None

    async def check(self) -> str:
        """Asks for an order that never was: whether partner code and secret are taken."""
        _, told = await self._ask("query_payment", QueryPayment(MaThamChieu="LGSPCHECK", ThoiGianGD="20260101000000"))
        return f"partner {self._settings.partner}: QUERY is answered (MaLoi {str(told.get('MaLoi', '?'))[:10]})"

    async def _ask(self, operation: str, request: QueryPayment) -> tuple[Reply, dict[str, Any]]:
        own = self._settings
        values = {"LoaiBanTin": "QUERY", "PhienBan": own.version, "MaDoiTac": own.partner, **request.model_dump()}
        return await self._send(operation, own.query_path, values, signing.QUERY, effect=False)

    async def _send(
        self, operation: str, path: str, values: dict[str, Any], order: tuple[str, ...], *, effect: bool
    ) -> tuple[Reply, dict[str, Any]]:
        body = {**values, "MaXacThuc": self._checksum(values, order)}
        reply = expect(await self._access.request(operation, "POST", path, json=body, effect=effect))
        told = unwrapped(reply)
        if "MaLoi" not in told:
            raise reply.bad("it has no MaLoi")
        self._check_access(reply, told)
        return reply, told

    def _check_access(self, reply: Reply, told: dict[str, Any]) -> None:
        """Whether the platform refuses us: it says so in words only."""
        words = str(told.get("MoTaLoi", "")).lower()
        if told.get("MaLoi") != "00" and any(word.lower() in words for word in self._settings.access_words):
            raise AccessRefused(
                "it does not take our partner code or checksum; correct systems.npsp_payment.partner and secret",
                system=reply.system, operation=reply.operation, code=str(told.get("MaLoi", ""))[:10],
            )  # fmt: skip

    def _checksum(self, values: dict[str, Any], order: tuple[str, ...]) -> str:
        own = self._settings
        return signing.checksum(values, order, own.secret.get_secret_value(), legacy=own.legacy)

    def _refused(self, reply: Reply, told: dict[str, Any]) -> Rejected:
        code = str(told.get("MaLoi", ""))[:10]
        return Rejected(
            f"MaLoi {code}: this reference is dead (its text is in the journal)",
            system=reply.system, operation=reply.operation, code=code or "none",
        )  # fmt: skip


def unwrapped(reply: Reply) -> dict[str, Any]:
    """The platform's own answer: as it is, or as JSON text in ``message`` where an LGSP wrapped it."""
    told = reply.json()
    if not isinstance(told, dict):
        raise reply.bad("it is no object")
    if "error_code" not in told:
        return told
    message = told.get("message")
    if str(told["error_code"]) != "0":
        return {"MaLoi": "99", "MoTaLoi": message if isinstance(message, str) else ""}
    if isinstance(message, str):
        try:
            message = json.loads(message)
        except (ValueError, RecursionError):
            raise reply.bad("message is no JSON") from None
    if not isinstance(message, dict):
        raise reply.bad("message is no object")
    return message


plugin = ConnectorPlugin(
    name="npsp_payment",
    title="Nền tảng thanh toán Cổng Dịch vụ công quốc gia",
    settings=NpspPaymentSettings,
    connector=NpspPayment,
    operations=(
        Operation("open_payment", OpenPayment, Opened, Repeat.ASK, "MaLoi 00 with UrlThanhToan", probe="was_opened"),
        Operation("query_payment", QueryPayment, Outcome, Repeat.SAFE, "MaLoi 00 and TrangThaiGD 1 or 4"),
        Operation("get_bill", GetBill, Bill, Repeat.SAFE, "a PDF, by itself or as base64"),
    ),
    hooks=HOOKS,
    enquiries=ENQUIRIES,
    resign=resign,
    volatile=("MaXacThuc",),
)
