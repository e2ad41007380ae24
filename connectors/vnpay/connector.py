"""VNPAY, a payment gateway: pay addresses signed here, querydr, refund, and the IPN at which it calls us."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import urlencode

from pydantic import Field, SecretStr

from connectors.vnpay import signing
from connectors.vnpay.inbound import HOOKS
from connectors.vnpay.resign import resign
from connectors.vnpay.wire import OpenPayment, PayAddress, QueryPayment, QueryRefund, RefundPayment, Transaction
from lgsp.clock import VIETNAM
from lgsp.errors import AccessRefused, NotYet, Rejected, Unavailable
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.operation import Operation, Repeat
from lgsp.wire.client import Wire
from lgsp.wire.expect import expect
from lgsp.wire.reply import Reply

VERSION = "2.1.0"
_PENDING, _PAID, _FAILED = "01", "00", "02"


class VnpaySettings(SystemSettings):
    """Settings of VNPAY."""

    address: str = Field(
        "https://sandbox.vnpayment.vn/merchant_webapi/api/transaction", pattern=r"^https?://\S+$",
        description="Address of querydr and refund",
    )  # fmt: skip
    pay_address: str = Field(
        "https://sandbox.vnpayment.vn/paymentv2/vpcpay.html", pattern=r"^https?://\S+$",
        description="Address to which the citizen is sent",
    )  # fmt: skip
    terminal: Annotated[str, Field(pattern=r"^[0-9A-Za-z]{0,8}$")] = Field("", description="vnp_TmnCode, 8 characters")
    secret: SecretStr = Field(SecretStr(""), description="Hash secret")
    return_address: str = Field(
        "", description="Page to which VNPAY sends the citizen back; it is for display only and proves nothing"
    )
    ip: str = Field(
        "127.0.0.1", pattern=r"^[0-9A-Fa-f.:]{7,45}$", description="vnp_IpAddr: our address as VNPAY sees it"
    )
    order_type: str = Field("other", description="vnp_OrderType")
    locale: Annotated[str, Field(pattern=r"^(vn|en)$")] = Field("vn", description="vnp_Locale")
    pay_minutes: Annotated[int, Field(ge=5)] = Field(1440, description="Minutes in which a pay address can be used")
    ask_first: Annotated[float, Field(ge=0)] = Field(
        1800.0, description="Seconds after which VNPAY is asked what became of a payment it has not told"
    )
    ask_every: Annotated[float, Field(gt=0)] = Field(900.0, description="Seconds between two such questions")
    ask_days: Annotated[float, Field(gt=0)] = Field(3.0, description="Days of asking, then it is a person's work")


class Vnpay:
    """Signs pay addresses; asks and refunds over the wire."""

    def __init__(self, settings: VnpaySettings, wire: Wire) -> None:
        self._settings, self._wire = settings, wire
        self._asked = 0

    async def open_payment(self, request: OpenPayment, key: str) -> PayAddress:
        """The address at which the citizen pays. Nothing is sent: VNPAY hears of it when the citizen goes there."""
        own = self._settings
        values = {
            **request.model_dump(),
            "vnp_Version": VERSION,
            "vnp_Command": "pay",
            "vnp_TmnCode": own.terminal,
            "vnp_CurrCode": "VND",
            "vnp_IpAddr": own.ip,
            "vnp_Locale": own.locale,
            "vnp_OrderType": own.order_type,
            "vnp_ReturnUrl": own.return_address,
        }
        text = signing.query(values)
        signature = signing.sign(text, own.secret.get_secret_value())
        return PayAddress(url=f"{own.pay_address}?{text}&{urlencode({'vnp_SecureHash': signature})}")

    async def query_payment(self, request: QueryPayment, key: str) -> Transaction:
        """What became of a payment. ``NotYet`` while VNPAY does not know; an expired one that it never heard of has
        status ``02`` (failed)."""
        answer = await self._query("query_payment", request, key)
        if answer.vnp_ResponseCode == "91":
            if self._wire.clock.now() <= request.expires_at:
                raise self._not_yet("query_payment", "nobody has paid yet")
            return answer.model_copy(update={"vnp_TransactionStatus": _FAILED, "vnp_TxnRef": request.vnp_TxnRef})
        if answer.vnp_TransactionStatus in (_PAID, _FAILED):
            return answer
        raise self._not_yet("query_payment", f"vnp_TransactionStatus {answer.vnp_TransactionStatus or 'is missing'}")

    async def refund_payment(self, request: RefundPayment, key: str) -> Transaction:
        """VNPAY took the refund, now or before (94). ``Rejected`` where it does not give it (95, 91)."""
        own = self._settings
        values = {
            **request.model_dump(),
            "vnp_Version": VERSION,
            "vnp_Command": "refund",
            "vnp_TmnCode": own.terminal,
            "vnp_CreateDate": self._now(),
            "vnp_IpAddr": own.ip,
        }
        reply = await self._send("refund_payment", values, signing.REFUND, effect=True)
        answer = self._read(reply, signing.REFUND_ANSWER)
        if answer.vnp_ResponseCode in ("00", "94"):
            return answer
        raise self._refused(reply, answer.vnp_ResponseCode)

    async def query_refund(self, request: QueryRefund, key: str) -> Transaction:
        """What became of a refund: status 06 sent to the bank, 09 rejected. ``NotYet`` until then."""
        answer = await self._query("query_refund", request, key)
        if answer.vnp_TransactionType in ("02", "03") and answer.vnp_TransactionStatus in ("06", "09"):
            return answer
        raise self._not_yet("query_refund", "the refund is under way")

    async def check(self) -> str:
        """Asks for a payment that never was: whether our terminal and secret are taken."""
        now = self._now()
        values = {"vnp_TxnRef": "LGSPCHECK", "vnp_TransactionDate": now, "vnp_OrderInfo": "Kiem tra ket noi"}
        reply = await self._send("query_payment", self._question(values, "check"), signing.QUERYDR, effect=False)
        answer = self._read(reply, signing.QUERYDR_ANSWER)
        if answer.vnp_ResponseCode not in ("00", "91"):
            raise self._refused(reply, answer.vnp_ResponseCode)
        return f"terminal {self._settings.terminal} is known (vnp_ResponseCode {answer.vnp_ResponseCode})"

    async def _query(self, operation: str, request: QueryPayment, key: str) -> Transaction:
        values = self._question(request.model_dump(exclude={"expires_at"}), key)
        reply = await self._send(operation, values, signing.QUERYDR, effect=False)
        answer = self._read(reply, signing.QUERYDR_ANSWER)
        if answer.vnp_ResponseCode == "94":
            raise self._not_yet(operation, "vnp_ResponseCode 94: asked twice at once")
        if answer.vnp_ResponseCode not in ("00", "91"):
            raise self._refused(reply, answer.vnp_ResponseCode)
        return answer

    def _question(self, values: Mapping[str, Any], key: str) -> dict[str, Any]:
        own = self._settings
        self._asked += 1
        number = hashlib.sha256(f"{key} {self._wire.clock.now().isoformat()} {self._asked}".encode()).hexdigest()[:32]
        return {
            **values,
            "vnp_RequestId": number,
            "vnp_Version": VERSION,
            "vnp_Command": "querydr",
            "vnp_TmnCode": own.terminal,
            "vnp_CreateDate": self._now(),
            "vnp_IpAddr": own.ip,
        }

    def _now(self) -> str:
        return self._wire.clock.now().astimezone(VIETNAM).strftime("%Y%m%d%H%M%S")

    async def _send(self, operation: str, values: dict[str, Any], order: tuple[str, ...], *, effect: bool) -> Reply:
        secret = self._settings.secret.get_secret_value()
        body = {**values, "vnp_SecureHash": signing.sign(signing.piped(values, order), secret)}
        return expect(await self._wire.request(operation, "POST", self._settings.address, json=body, effect=effect))

    def _read(self, reply: Reply, order: tuple[str, ...]) -> Transaction:
        """The answer, if its hash is right; an answer about our configuration is signed by nobody."""
        told = reply.json()
        if not isinstance(told, dict):
            raise reply.bad("it is no object")
        texts = {name: str(value) for name, value in told.items() if isinstance(value, str | int)}
        code = texts.get("vnp_ResponseCode", "")
        given = texts.get("vnp_SecureHash", "")
        if not given and code in ("02", "03", "97"):
            return Transaction(vnp_ResponseCode=code)
        if not signing.signed(signing.piped(texts, order), self._settings.secret.get_secret_value(), given):
            raise reply.bad("vnp_SecureHash is missing or wrong")
        answer: Transaction = reply.fit(texts, Transaction)
        return answer

    def _not_yet(self, operation: str, words: str) -> NotYet:
        return NotYet(words, ask_after=self._settings.ask_every, system=self._wire.system, operation=operation)

    def _refused(self, reply: Reply, code: str) -> Exception:
        where = {"system": reply.system, "operation": reply.operation, "code": code}
        if code in ("02", "97"):
            return AccessRefused(
                f"vnp_ResponseCode {code}: correct systems.vnpay.terminal and systems.vnpay.secret", **where
            )
        if code == "99":
            return Unavailable("vnp_ResponseCode 99", **where)
        return Rejected(f"vnp_ResponseCode {code}", **where)


plugin = ConnectorPlugin(
    name="vnpay",
    title="VNPAY",
    settings=VnpaySettings,
    connector=Vnpay,
    operations=(
        Operation("open_payment", OpenPayment, PayAddress, Repeat.SAFE, "an address is made; nothing is sent"),
        Operation(
            "query_payment", QueryPayment, Transaction, Repeat.SAFE,
            "vnp_ResponseCode 00 and vnp_TransactionStatus 00 or 02, rightly signed; 91 after the payment expired",
        ),
        Operation(
            "refund_payment", RefundPayment, Transaction, Repeat.KEYED,
            "vnp_ResponseCode 00 (taken) or 94 (the same vnp_RequestId was taken before), rightly signed",
        ),
        Operation(
            "query_refund", QueryRefund, Transaction, Repeat.SAFE,
            "vnp_TransactionType 02 or 03 with vnp_TransactionStatus 06 or 09, rightly signed",
        ),
    ),
    hooks=HOOKS,
    resign=resign,
    volatile=("vnp_SecureHash", "query_payment.vnp_RequestId", "query_payment.vnp_CreateDate",
              "query_refund.vnp_RequestId", "query_refund.vnp_CreateDate", "refund_payment.vnp_CreateDate"),
)  # fmt: skip
