"""VNPAY: the page where a citizen pays, querydr, refund, and the IPN calls it makes, signed with its own recipe.

A citizen is moved by ``POST /_mock/vnpay/pay`` with the pay address and what happens: ``pay``, ``cancel``, ``fail``.
The IPN goes to the setting ``ipn``; without it nobody is called. ``POST /_mock/vnpay/ipn`` calls once more: as it was,
with a wrong hash, or with another amount.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import asdict, dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlsplit

import httpx
from starlette.requests import Request
from starlette.routing import BaseRoute

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.payer import Account, Caller

_HERE = timezone(timedelta(hours=7))
_QUERY = "RequestId Version Command TmnCode TxnRef TransactionDate CreateDate IpAddr OrderInfo"
_REFUND = (
    "RequestId Version Command TmnCode TransactionType TxnRef Amount TransactionNo TransactionDate CreateBy CreateDate"
    " IpAddr OrderInfo"
)
_ANSWER = (
    "ResponseId Command ResponseCode Message TmnCode TxnRef Amount BankCode PayDate TransactionNo TransactionType"
    " TransactionStatus OrderInfo"
)
_PAY = {
    "vnp_Version", "vnp_Command", "vnp_TmnCode", "vnp_Amount", "vnp_CreateDate", "vnp_ExpireDate", "vnp_CurrCode",
    "vnp_IpAddr", "vnp_Locale", "vnp_OrderInfo", "vnp_OrderType", "vnp_ReturnUrl", "vnp_TxnRef", "vnp_SecureHash",
}  # fmt: skip


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/vnpay/settings`` can change."""

    terminal: str = "TINHDVC1"
    secret: str = "VNPAYTESTSECRET0123456789ABCDEFG"
    ipn: str = ""


class Vnpay(Mock):
    name = "vnpay"
    contract = Path(__file__).parents[1] / "connectors" / "vnpay" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)
        self.caller = Caller(self.sleep)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.accounts: dict[str, Account] = {}
        self.refunds: dict[str, dict[str, Any]] = {}
        """By vnp_RequestId."""
        self._requests: set[str] = set()
        self._numbers = 14_400_000

    async def close(self) -> None:
        await self.caller.close()

    # --- the merchant's API -------------------------------------------------------------------------------------------

    def operation(self, call: Call) -> str:
        if call.path != "/vnpay/transaction":
            return "unknown"
        told = self.peek(call)
        command = told.get("vnp_Command") if isinstance(told, dict) else ""
        return {"querydr": "query", "refund": "refund"}.get(str(command), "other")

    def handle(self, call: Call, operation: str) -> Answer:
        if operation == "unknown" or call.method != "POST":
            return Answer(status=404, body=b"not found", media="text/plain")
        schema = "refund.request" if operation == "refund" else "query.request"
        told = self.judged(call, schema)
        order = _REFUND if operation == "refund" else _QUERY
        joined = "|".join(str(told.get(f"vnp_{name}", "")) for name in order.split())
        if not hmac.compare_digest(self._hash(joined), told["vnp_SecureHash"].lower()):
            return self._refuse(operation, "97", "Invalid signature")
        if told["vnp_TmnCode"] != self.options.terminal:
            return self._refuse(operation, "02", "Invalid TmnCode")
        if operation == "refund":
            return self._refund(told)
        if told["vnp_RequestId"] in self._requests:
            return self._signed({"vnp_ResponseCode": "94", "vnp_Message": "Duplicate request"}, "querydr", told)
        self._requests.add(told["vnp_RequestId"])
        return self._query(told)

    def _query(self, told: dict[str, Any]) -> Answer:
        account = self.accounts.get(told["vnp_TxnRef"])
        if account is None or account.made != told["vnp_TransactionDate"]:
            return self._signed({"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}, "querydr", told)
        back = next((r for r in self.refunds.values() if r["reference"] == account.reference), None)
        status, kind, amount = {"open": "01", "paid": "00", "failed": "02"}[account.state], "01", account.asked
        if back is not None:
            kind, amount = back["type"], back["amount"]
            status = {"asked": "05", "sent": "06", "rejected": "09"}[back["state"]]
        values = {
            "vnp_ResponseCode": "00",
            "vnp_Message": "QueryDR Success",
            "vnp_Amount": f"{amount}00",
            "vnp_BankCode": "NCB",
            "vnp_PayDate": self._now() if account.paid else "",
            "vnp_TransactionNo": account.transaction or "0",
            "vnp_TransactionType": kind,
            "vnp_TransactionStatus": status,
        }
        return self._signed(values, "querydr", told)

    def _refund(self, told: dict[str, Any]) -> Answer:
        account = self.accounts.get(told["vnp_TxnRef"])
        known = self.refunds.get(told["vnp_RequestId"])
        if known is not None:
            return self._signed({"vnp_ResponseCode": "94", "vnp_Message": "Refund was sent before"}, "refund", told)
        if account is None or account.made != told["vnp_TransactionDate"]:
            return self._signed({"vnp_ResponseCode": "91", "vnp_Message": "Transaction not found"}, "refund", told)
        amount = int(told["vnp_Amount"][:-2])
        whole = told["vnp_TransactionType"] == "02"
        if account.state != "paid" or amount > account.paid - account.refunded or (whole and amount != account.paid):
            return self._signed({"vnp_ResponseCode": "95", "vnp_Message": "Refused"}, "refund", told)
        account.refunded += amount
        self.refunds[told["vnp_RequestId"]] = {
            "reference": account.reference,
            "amount": amount,
            "type": told["vnp_TransactionType"],
            "state": "asked",
        }
        self.ledger.record(self.clock.now(), account.reference, "refund", told["vnp_RequestId"].encode(), once=True)
        values = {
            "vnp_ResponseCode": "00",
            "vnp_Message": "Success",
            "vnp_Amount": f"{amount}00",
            "vnp_TransactionNo": account.transaction,
            "vnp_TransactionType": told["vnp_TransactionType"],
            "vnp_TransactionStatus": "05",
        }
        return self._signed(values, "refund", told)

    def _signed(self, values: dict[str, str], command: str, told: dict[str, Any]) -> Answer:
        whole = {
            "vnp_ResponseId": told["vnp_RequestId"],
            "vnp_Command": command,
            "vnp_TmnCode": self.options.terminal,
            "vnp_TxnRef": told["vnp_TxnRef"],
            "vnp_OrderInfo": told["vnp_OrderInfo"],
            **values,
        }
        order = _ANSWER.split() + (["PromotionCode", "PromotionAmount"] if command == "querydr" else [])
        whole["vnp_SecureHash"] = self._hash("|".join(whole.get(f"vnp_{name}", "") for name in order))
        return Answer(whole, schema="transaction.answer")

    def _refuse(self, operation: str, code: str, words: str) -> Answer:
        self.note(operation, "refused", [words])
        return Answer({"vnp_ResponseCode": code, "vnp_Message": words}, schema="transaction.answer")

    def _hash(self, text: str) -> str:
        return hmac.new(self.options.secret.encode(), text.encode(), hashlib.sha512).hexdigest()

    def _now(self) -> str:
        return self.clock.now().astimezone(_HERE).strftime("%Y%m%d%H%M%S")

    # --- the page and the citizen -------------------------------------------------------------------------------------

    def come(self, address: str) -> Account:
        """A citizen comes with a pay address; ``ValueError`` says why the page shows an error."""
        pairs = parse_qsl(urlsplit(address).query, keep_blank_values=True)
        told = dict(pairs)
        if len(told) != len(pairs) or set(told) - _PAY:
            raise ValueError(f"a parameter twice or unknown: {sorted(set(told) - _PAY)}")
        if told.get("vnp_Version") != "2.1.0" or told.get("vnp_Command") != "pay" or told.get("vnp_CurrCode") != "VND":
            raise ValueError("vnp_Version, vnp_Command or vnp_CurrCode")
        if not re.fullmatch(r"[1-9]\d{0,9}00", told.get("vnp_Amount", ""), re.ASCII):
            raise ValueError("vnp_Amount")
        if not re.fullmatch(r"[0-9A-Za-z .,:/-]{1,255}", told.get("vnp_OrderInfo", "")):
            raise ValueError("vnp_OrderInfo has accents or specials")
        kept = sorted((k, v) for k, v in told.items() if k != "vnp_SecureHash" and v)
        text = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in kept)
        if not hmac.compare_digest(self._hash(text), told.get("vnp_SecureHash", "").lower()):
            raise ValueError("vnp_SecureHash")
        if told["vnp_TmnCode"] != self.options.terminal:
            raise ValueError("vnp_TmnCode")
        if self._now() > told["vnp_ExpireDate"]:
            raise ValueError("the address has expired")
        reference = told["vnp_TxnRef"]
        account = self.accounts.get(reference)
        if account is None:
            account = Account(reference, int(told["vnp_Amount"][:-2]), told["vnp_CreateDate"])
            self.accounts[reference] = account
            self.ledger.record(self.clock.now(), reference, "open", text.encode())
        return account

    def act(self, account: Account, what: str) -> None:
        """``pay``, ``cancel`` or ``fail``; who has paid cannot undo it."""
        if account.state == "paid":
            raise ValueError("it is paid already")
        self._numbers += 1
        account.transaction = str(self._numbers)
        if what == "pay":
            account.state, account.paid = "paid", account.asked
            self.ledger.record(self.clock.now(), account.reference, "pay", str(account.paid).encode(), once=True)
        else:
            account.state = "failed"
            self.ledger.record(self.clock.now(), account.reference, what, account.transaction.encode())

    def ipn(self, account: Account, *, wrong: bool = False, off: int = 0) -> str:
        """The query of the IPN."""
        code = {"paid": "00", "failed": "24", "open": "99"}[account.state]
        values = {
            "vnp_Amount": f"{account.asked + off}00",
            "vnp_BankCode": "NCB",
            "vnp_CardType": "ATM",
            "vnp_OrderInfo": "Le phi",
            "vnp_PayDate": account.made,
            "vnp_ResponseCode": code,
            "vnp_TmnCode": self.options.terminal,
            "vnp_TransactionNo": account.transaction,
            "vnp_TransactionStatus": "00" if code == "00" else "02",
            "vnp_TxnRef": account.reference,
        }
        text = "&".join(f"{quote_plus(k)}={quote_plus(v)}" for k, v in sorted(values.items()) if v)
        signature = self._hash(text if not wrong else text + "x")
        return f"{text}&vnp_SecureHash={signature}"

    def call(self, account: Account, **how: Any) -> None:
        """Call the bus; a right call goes on until it is answered 00 or 02."""
        query = self.ipn(account, **how)
        if not self.options.ipn:
            return

        async def once(client: httpx.AsyncClient) -> bool:
            reply = await client.get(f"{self.options.ipn}?{query}")
            code = str(reply.json().get("RspCode")) if reply.status_code == 200 else str(reply.status_code)
            account.calls.append(code)
            return bool(how) or code in ("00", "02")

        self.caller.start(once)

    def control_routes(self) -> list[BaseRoute]:
        async def pay(request: Request) -> Any:
            """``{url, what}``: a citizen comes with the address and pays, cancels or fails; then the IPN is called."""
            body = await given(request)
            what = body.get("what", "pay")
            if what not in ("pay", "cancel", "fail"):
                raise ValueError("what: pay, cancel or fail")
            account = self.come(body["url"])
            self.act(account, what)
            if not body.get("silent"):
                self.call(account)
            return asdict(account)

        async def again(request: Request) -> Any:
            """``{reference, wrong, off}``: one more call; with a wrong hash, or with an amount that is off."""
            body = await given(request)
            account = self.accounts[body["reference"]]
            how = {k: body[k] for k in ("wrong", "off") if body.get(k)}
            if body.get("show"):
                return {"query": self.ipn(account, **how)}
            self.call(account, **how)
            return asdict(account)

        async def settle(request: Request) -> Any:
            """``{refund, state}``: what the bank does with a refund: ``sent`` or ``rejected``."""
            body = await given(request)
            refund = self.refunds[body["refund"]]
            if body["state"] not in ("sent", "rejected"):
                raise ValueError("state: sent or rejected")
            refund["state"] = body["state"]
            if body["state"] == "rejected":
                self.accounts[refund["reference"]].refunded -= refund["amount"]
            return refund

        async def put(request: Request) -> Any:
            """``{reference, asked, made, what, refund}``: an order as if a citizen had come; ``refund``: sent back."""
            body = await given(request)
            account = Account(body["reference"], body["asked"], body["made"])
            self.accounts[account.reference] = account
            if body.get("what"):
                self.act(account, body["what"])
            if body.get("refund"):
                account.refunded = account.asked
                self.refunds[body["refund"]] = {
                    "reference": account.reference, "amount": account.asked, "type": "02", "state": "sent",
                }  # fmt: skip
            return asdict(account)

        async def accounts(_: Request) -> Any:
            """Every order with what was asked, paid and refunded, in dong."""
            return {"accounts": [asdict(a) for a in self.accounts.values()], "busy": self.caller.busy}

        return [
            *super().control_routes(),
            route(self, "pay", "POST", pay),
            route(self, "ipn", "POST", again),
            route(self, "refunds", "POST", settle),
            route(self, "accounts", "GET", accounts),
            route(self, "accounts/put", "POST", put),
        ]

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return Answer({"vnp_ResponseCode": "03", "vnp_Message": error.reason}, schema="transaction.answer")

    def breach(self, call: Call, error: Breach) -> Answer:
        words = "; ".join(error.problems)
        return Answer({"vnp_ResponseCode": "03", "vnp_Message": words}, schema="transaction.answer")

    def state(self) -> dict[str, Any]:
        return {
            "asked": sum(a.asked for a in self.accounts.values()),
            "paid": sum(a.paid for a in self.accounts.values()),
            "refunded": sum(a.refunded for a in self.accounts.values()),
        }


def make(*, seed: int = 0, clock: Clock | None = None) -> Vnpay:
    return Vnpay(seed=seed, clock=clock)
