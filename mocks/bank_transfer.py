"""A bank with the province's account: citizens who scan codes, credits, signed notices, the day's statement.

Nobody calls it. ``POST /_mock/bank_transfer/pay`` with a code lets a citizen scan it with a decoder of its own; the
bank then rewrites the transfer's text as banks do, and the notice goes to the setting ``notify`` with SePay's habit of
calling again. ``POST .../notify`` calls once more: as it was, wrongly signed, too late. ``GET .../statement`` is CSV.
"""

from __future__ import annotations

import csv
import hashlib
import hmac
import io
import json
from dataclasses import asdict, dataclass
from datetime import timedelta, timezone
from pathlib import Path
from typing import Any

import httpx
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from mocks.kit.app import Mock
from mocks.kit.clock import Clock
from mocks.kit.control import given, route
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach
from mocks.kit.payer import Caller

_HERE = timezone(timedelta(hours=7))
HEADING = ("Ngày giao dịch", "Số tham chiếu", "Ghi nợ", "Ghi có", "Nội dung")


@dataclass(slots=True)
class Options:
    """What ``POST /_mock/bank_transfer/settings`` can change."""

    bank: str = "970436"
    account: str = "1012345678901"
    secret: str = "sepaySecret01"
    notify: str = ""


@dataclass(slots=True)
class Credit:
    """Money that came to the account, in dong."""

    number: int
    transaction: str
    amount: int
    text: str
    at: str
    calls: list[str]
    """What the bus answered to each notice."""


class BankTransfer(Mock):
    name = "bank_transfer"
    contract = Path(__file__).parents[1] / "connectors" / "bank_transfer" / "contract"

    def __init__(self, *, seed: int = 0, clock: Clock | None = None) -> None:
        self.options = Options()
        super().__init__(seed=seed, clock=clock)
        self.caller = Caller(self.sleep)

    def start_over(self) -> None:
        super().start_over()
        self.options = Options()
        self.credits: list[Credit] = []
        self.accounts: dict[str, dict[str, Any]] = {}
        """What citizens paid who scanned a code, by the last word of its text."""

    async def close(self) -> None:
        await self.caller.close()

    def operation(self, call: Call) -> str:
        return "unknown"

    def handle(self, call: Call, operation: str) -> Answer:
        return Answer(status=404, body=b"a bank that nobody calls", media="text/plain")

    def breach(self, call: Call, error: Breach) -> Answer:
        return Answer(status=400, body=b"", media="text/plain")

    # --- the citizen and the bank -------------------------------------------------------------------------------------

    def scan(self, code: str) -> tuple[int, str]:
        """Amount and text of a code, as a bank's application reads it; ``ValueError`` says why it shows an error."""
        if len(code) < 8 or code[-8:-4] != "6304" or _crc(code[:-4]) != code[-4:]:
            raise ValueError("the code's check sum is wrong")
        parts = _parts(code[:-8])
        if (parts.get("00"), parts.get("01"), parts.get("53"), parts.get("58")) != ("01", "12", "704", "VN"):
            raise ValueError("no dynamic code in dong of Viet Nam")
        to = _parts(parts.get("38", ""))
        whom = _parts(to.get("01", ""))
        if (to.get("00"), to.get("02")) != ("A000000727", "QRIBFTTA"):
            raise ValueError("no transfer to an account by NAPAS")
        if (whom.get("00"), whom.get("01")) != (self.options.bank, self.options.account):
            raise ValueError("there is no such account")
        amount, text = parts.get("54", ""), _parts(parts.get("62", "")).get("08", "")
        if not (amount.isascii() and amount.isdigit() and int(amount) > 0):
            raise ValueError("amount")
        if not text or len(text) > 25 or not text.replace(" ", "").isalnum():
            raise ValueError("purpose")
        return int(amount), text

    def credit(self, amount: int, text: str, *, transaction: str = "") -> Credit:
        """Money comes; the text as the bank leaves it."""
        number = len(self.credits) + 1
        at = self.clock.now().astimezone(_HERE)
        made = Credit(
            number,
            transaction or f"FT{at:%y%j}{number:06d}",
            amount,
            _banked(text, number),
            f"{at:%Y-%m-%d %H:%M:%S}",
            [],
        )
        self.credits.append(made)
        self.ledger.record(self.clock.now(), made.transaction, "credit", str(amount).encode(), once=True)
        return made

    def notice(self, credit: Credit) -> bytes:
        """The body of the notice."""
        told = {
            "id": 92_000 + credit.number, "gateway": "Vietcombank", "transactionDate": credit.at,
            "accountNumber": self.options.account, "subAccount": None, "code": None, "content": credit.text,
            "transferType": "in", "transferAmount": credit.amount, "accumulated": 0,
            "referenceCode": credit.transaction, "description": "",
        }  # fmt: skip
        return json.dumps(told, ensure_ascii=False).encode()

    def signed(self, body: bytes, *, wrong: bool = False, late: int = 0) -> dict[str, str]:
        """The headers of the notice."""
        stamp = str(int(self.clock.now().timestamp()) - late)
        text = stamp.encode() + b"." + body + (b"x" if wrong else b"")
        right = hmac.new(self.options.secret.encode(), text, hashlib.sha256).hexdigest()
        return {
            "Content-Type": "application/json",
            "X-SePay-Timestamp": stamp,
            "X-SePay-Signature": f"sha256={right}",
        }

    def call(self, credit: Credit, **how: Any) -> None:
        """Tell the bus; a right notice is told until it is answered with success."""
        address = self.options.notify
        if not address:
            return
        body = self.notice(credit)

        async def once(client: httpx.AsyncClient) -> bool:
            reply = await client.post(address, content=body, headers=self.signed(body, **how))
            credit.calls.append(str(reply.status_code))
            return bool(how) or (reply.status_code in (200, 201) and reply.json().get("success") is True)

        self.caller.start(once)

    def statement(self, first: int = 1) -> str:
        """The credits from the ``first`` on, as the bank's CSV."""
        out = io.StringIO()
        write = csv.writer(out, lineterminator="\r\n")
        write.writerow(["SAO KÊ TÀI KHOẢN", self.options.account])
        write.writerow(HEADING)
        for credit in self.credits[first - 1 :]:
            day, _, hour = credit.at.partition(" ")
            shown = "/".join(reversed(day.split("-")))
            write.writerow([f"{shown} {hour}", credit.transaction, "", f"{credit.amount:,}", credit.text])
        write.writerow(["", "", "", f"{sum(c.amount for c in self.credits):,}", "Cộng"])
        return out.getvalue()

    def control_routes(self) -> list[BaseRoute]:
        async def pay(request: Request) -> Any:
            """``{qr, off, silent}``: a citizen scans the code and pays; ``off`` dong too much by hand, or untold."""
            body = await given(request)
            amount, text = self.scan(body["qr"])
            credit = self.credit(amount + body.get("off", 0), text)
            if not body.get("off"):
                reference = text.split()[-1]
                held = self.accounts.setdefault(
                    reference, {"reference": reference, "asked": amount, "paid": 0, "refunded": 0}
                )
                held["paid"] += amount
            if not body.get("silent"):
                self.call(credit)
            return asdict(credit)

        async def put(request: Request) -> Any:
            """``{amount, text, transaction, silent}``: a transfer that somebody typed."""
            body = await given(request)
            credit = self.credit(body["amount"], body["text"], transaction=body.get("transaction", ""))
            if not body.get("silent"):
                self.call(credit)
            return asdict(credit)

        async def again(request: Request) -> Any:
            """``{number, wrong, late}``: one more notice; wrongly signed, or signed so many seconds ago."""
            body = await given(request)
            credit = self.credits[body["number"] - 1]
            self.call(credit, **{k: body[k] for k in ("wrong", "late") if body.get(k)})
            return asdict(credit)

        async def accounts(_: Request) -> Any:
            """What was paid by code, and every credit, in dong."""
            return {
                "accounts": list(self.accounts.values()),
                "credits": [asdict(c) for c in self.credits],
                "busy": self.caller.busy,
            }

        async def shown(request: Request) -> Response:
            text = self.statement(int(request.query_params.get("first", 1)))
            return Response(text.encode("utf-8-sig"), media_type="text/csv; charset=utf-8")

        return [
            *super().control_routes(),
            route(self, "pay", "POST", pay),
            route(self, "credits", "POST", put),
            route(self, "notify", "POST", again),
            route(self, "accounts", "GET", accounts),
            Route(f"/_mock/{self.name}/statement", shown, methods=["GET"]),
        ]

    def state(self) -> dict[str, Any]:
        return {"credits": len(self.credits), "paid": sum(c.amount for c in self.credits)}


def _parts(text: str) -> dict[str, str]:
    """Tag, two digits of length, value. A length that says more than there is takes what there is."""
    found, place = {}, 0
    while place + 4 <= len(text):
        tag, size = text[place : place + 2], text[place + 2 : place + 4]
        if not size.isdigit():
            raise ValueError("the code's parts do not fit")
        found[tag] = text[place + 4 : place + 4 + int(size)]
        place += 4 + int(size)
    return found


def _crc(text: str) -> str:
    """By table, where the connector goes bit by bit."""
    table = []
    for byte in range(256):
        value = byte << 8
        for _ in range(8):
            value = (value << 1) ^ (0x1021 if value & 0x8000 else 0)
        table.append(value & 0xFFFF)
    rest = 0xFFFF
    for byte in text.encode("ascii", "replace"):
        rest = ((rest << 8) & 0xFFFF) ^ table[(rest >> 8) ^ byte]
    return f"{rest:04X}"


def _banked(text: str, number: int) -> str:
    """What banks make of a transfer's text, one way after another."""
    dense = "".join(c for c in text if c.isalnum())
    return [
        text,
        f"MBVCB.{6_000_000 + number}.{text}.CT tu 0011004000000 NGUYEN VAN MAU toi",
        f"{text.lower()}-CHUYEN TIEN-OQCH000{number}",
        f"IBFT {dense}",
        f"{dense[:9]} {dense[9:]} GD {number:06d}",
    ][number % 5]


def make(*, seed: int = 0, clock: Clock | None = None) -> BankTransfer:
    """The mock, as an ASGI application."""
    return BankTransfer(seed=seed, clock=clock)
