"""The world around the two main systems: registries that know people, citizens who pay, parcels that travel."""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from lgsp.canonical.payment import Payment
from lgsp.demo.books import Books
from lgsp.demo.http import Control
from lgsp.demo.model import Dossier

TRANSFER = "bank_transfer"
PLATFORMS = ("npsp_payment", "vnpay", TRANSFER)
_LOOK = 0.5
"""Seconds between two looks at what there is to pay."""
_SURE = (0.2, 0.26, 0.88, 0.95)
"""What the first citizens do, so that a small day has it too: forged, a dong off, told twice, never told."""
_CALLS = {"npsp_payment": "confirm", "vnpay": "ipn"}
FAULTS: dict[str, tuple[dict[str, Any], ...]] = {
    "population": ({"kind": "cut_after", "rate": 0.03}, {"kind": "status", "rate": 0.02}),
    "business_registry": ({"kind": "garbled", "rate": 0.03}, {"kind": "expired_session", "rate": 0.02}),
    "npsp_payment": (
        {"kind": "cut_after", "rate": 0.05, "operation": "open_payment"},
        {"kind": "status", "rate": 0.02},
    ),
    "vnpost": ({"kind": "cut_after", "rate": 0.08, "operation": "order"}, {"kind": "expired_session", "rate": 0.03}),
}
"""What goes wrong there besides. Not at the carrier whose orders cannot be looked up: a lost answer there is a person's
work."""


@dataclass(slots=True)
class Citizens:
    """What citizens did, for the comparison."""

    paid: Counter[str] = field(default_factory=Counter)
    cancelled: int = 0
    forged: int = 0
    off: int = 0
    replayed: int = 0


class Others:
    """Moves the mocks of the registries, platforms and carriers."""

    def __init__(self, control: Control, told: Sequence[Dossier], door: str, seed: int) -> None:
        self._control, self._told, self._door = control, told, door
        self._chance = random.Random(f"{seed} others")  # noqa: S311 - seeded on purpose
        self.citizens = Citizens()
        self._seen: set[str] = set()

    async def prepare(self, *, faults: bool, seed: int) -> None:
        """The registries know most people and companies, some by another name; the platforms know where to call."""
        people, companies = [], []
        for dossier in self._told:
            who, draw = dossier.applicant, self._chance.random()
            name = who.name if draw < 0.9 else f"{who.name} Khác"
            if draw >= 0.96:
                continue
            if who.number_type == "personal_id":
                people.append({"number": who.number, "name": name})
            elif who.number_type in ("tax_code", "business_code"):
                companies.append({"code": who.number, "name": name})
        await self._control.post("population", "people", people)
        await self._control.post("business_registry", "companies", companies)
        await self._control.post("npsp_payment", "settings", {"confirm": f"{self._door}/npsp_payment/confirm"})
        await self._control.post("vnpay", "settings", {"ipn": f"{self._door}/vnpay/ipn"})
        await self._control.post(TRANSFER, "settings", {"notify": f"{self._door}/bank_transfer/credit"})
        await self._control.post("viettel_post", "settings", {"webhook": f"{self._door}/viettel_post/webhook"})
        for system, rules in FAULTS.items() if faults else ():
            await self._control.post(system, "faults", [{**rule, "seed": seed} for rule in rules])

    async def pay(self, books: Books) -> None:
        """Citizens see where to pay and do, or do not; runs until it is cancelled."""
        while True:
            for payment in await books.to_pay():
                if payment.reference not in self._seen:
                    self._seen.add(payment.reference)
                    await self._one(payment)
            await asyncio.sleep(_LOOK)

    async def _one(self, payment: Payment) -> None:
        """One citizen at one address. Wrong calls come before the right one: they must change nothing by themselves."""
        draw = self._chance.random()
        if len(self._seen) <= len(_SURE):
            draw = _SURE[len(self._seen) - 1]
        if payment.platform == TRANSFER:
            await self._transfer(payment, draw)
            return
        platform, who = payment.platform, {"reference": payment.reference, "url": payment.url}
        if draw < 0.12 and len(self._seen) % 3:
            await self._control.post(platform, "pay", {**who, "what": "cancel"})
            self.citizens.cancelled += 1
            return
        await self._control.post(platform, "pay", {**who, "silent": True})
        self.citizens.paid[platform] += int(payment.amount)
        if draw < 0.24:
            await self._call(payment, wrong=True)
            self.citizens.forged += 1
        elif draw < 0.32:
            await self._call(payment, off=1 if draw < 0.28 else -1)
            self.citizens.off += 1
        if draw > 0.92:
            return  # the platform never calls: the bus must ask
        await self._call(payment)
        if draw > 0.84:
            await self._call(payment)
            self.citizens.replayed += 1

    async def _transfer(self, payment: Payment, draw: float) -> None:
        """One citizen with a code. Nobody can be asked what became of it: an untold credit stands in the statement."""
        if draw < 0.12:
            return  # scans it and never pays
        if 0.24 <= draw < 0.32:  # somebody typed another amount by hand: money without a fee
            await self._control.post(TRANSFER, "pay", {"qr": payment.qr, "off": 1 if draw < 0.28 else -1})
            self.citizens.off += 1
        credit = await self._control.post(TRANSFER, "pay", {"qr": payment.qr, "silent": True})
        self.citizens.paid[TRANSFER] += int(payment.amount)
        told = {"number": credit["number"]}
        if draw < 0.24:
            await self._control.post(TRANSFER, "notify", {**told, "wrong": True})
            self.citizens.forged += 1
        if draw > 0.92:
            return
        await self._control.post(TRANSFER, "notify", told)
        if draw > 0.84:
            await self._control.post(TRANSFER, "notify", told)
            self.citizens.replayed += 1

    async def statement(self) -> str:
        """The bank's statement of the day."""
        return await self._control.text(TRANSFER, "statement")

    async def _call(self, payment: Payment, **how: Any) -> None:
        body = {"reference": payment.reference, **how}
        await self._control.post(payment.platform, _CALLS[payment.platform], body)

    async def deliver(self) -> tuple[set[str], set[str]]:
        """At the end of the day every parcel arrives; the order numbers of both carriers."""
        orders: dict[str, set[str]] = {}
        for carrier, codes in (("vnpost", ("2", "4")), ("viettel_post", ("105", "500", "501"))):
            parcels = (await self._control.get(carrier, "parcels"))["parcels"]
            orders[carrier] = {parcel["order"] for parcel in parcels}
            for order in sorted(orders[carrier]):
                for code in codes:
                    await self._control.post(carrier, "move", {"order": order, "code": code})
        return orders["vnpost"], orders["viettel_post"]

    async def quiet(self) -> bool:
        """Whether no platform or carrier is calling the bus any more."""
        told = [await self._control.get(name, "accounts") for name in PLATFORMS]
        told.append(await self._control.get("viettel_post", "parcels"))
        return not any(one["busy"] for one in told)

    async def accounts(self) -> dict[str, list[dict[str, Any]]]:
        """Every order of every platform, in dong."""
        return {name: (await self._control.get(name, "accounts"))["accounts"] for name in PLATFORMS}

    async def parcels(self) -> dict[str, list[dict[str, Any]]]:
        """Every parcel of both carriers."""
        return {name: (await self._control.get(name, "parcels"))["parcels"] for name in ("vnpost", "viettel_post")}
