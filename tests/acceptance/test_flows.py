"""A dossier on its way over all systems, through a whole daemon: registries, money, parcels. Only events and routes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from lgsp.canonical.check import Finding
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.payment import PaymentState
from lgsp.canonical.shipment import ShipmentState
from lgsp.canonical.status import Status
from lgsp.testing.conformance import ADDRESS
from mocks import admin_units, bank_transfer, business_registry, npsp_payment, population, viettel_post, vnpay, vnpost
from tests.support.daemons import House, house, until
from tests.support.feeding import Life, iso

pytestmark = pytest.mark.anyio

SYSTEMS = f"""
[worker]
idle_seconds = 0.02
[systems.population]
style = "xroad"
username = "lgsp"
secret = "secret"
service_code = "H21-TP110"
officer = "canbo01"
retry_first = 0.05
[systems.population.access]
address = "{ADDRESS}/population"
[systems.population.access.xroad]
client = "VN/GOV/000.00.00.H21/lgsp"
provider = "VN/GOV/000.00.00.G01/dancu"
[systems.business_registry]
style = "wso2"
[systems.business_registry.access]
address = "{ADDRESS}/business_registry"
[systems.business_registry.access.wso2]
key = "lgsp"
secret = "secret"
[systems.admin_units.access]
address = "{ADDRESS}/admin_units"
[systems.vnpay]
address = "{ADDRESS}/vnpay/transaction"
terminal = "TINHDVC1"
secret = "VNPAYTESTSECRET0123456789ABCDEFG"
[systems.bank_transfer]
bank = "970436"
account = "1012345678901"
secret = "sepaySecret01"
[systems.npsp_payment]
partner = "DVC-TINH01"
secret = "LGSP-TEST-SECRET-0001"
service_suffix = ".01"
inbound_key = "key-of-the-portal"
[systems.npsp_payment.access]
address = "{ADDRESS}/npsp_payment"
[systems.npsp_payment.accounts.default]
number = "1012345678901"
bank = "VCB"
[systems.vnpost]
address = "{ADDRESS}/vnpost"
key = "lgspKey01"
secret = "lgspSecret01"
customer = "GL0001"
province = 60
poll_every = 0.05
[systems.vnpost.agencies.default]
name = "Trung tâm Mẫu"
phone = "02693824900"
address = "01 Đường Mẫu"
[systems.viettel_post]
address = "{ADDRESS}/viettel_post"
username = "lgsp"
password = "secret"
webhook_token = "webhook-token"
[systems.viettel_post.agencies.default]
name = "Trung tâm Mẫu"
phone = "02693824900"
address = "01 Đường Mẫu"
"""
CHOICE = 'fee_platform = "{}"\nparcel_carrier = "vnpost"\npaper_collector = "viettel_post"\n'


@dataclass
class World:
    """The daemon and every mock behind it."""

    bus: House
    mocks: dict[str, Any]

    async def truth(self, life: Life) -> Dossier:
        _, found = await self.bus.daemon.ledger.dossier(life.code)
        assert found is not None
        return found

    async def comes(self, life: Life, true: Callable[[Dossier], Any], what: str) -> Dossier:
        """Wait until the bus's truth of the dossier is so."""
        for _ in range(2000):
            found = await self.truth(life)
            if true(found):
                return found
            await self.bus_breathes()
        raise AssertionError(f"never came true: {what}")

    async def bus_breathes(self) -> None:
        await asyncio.sleep(0.01)

    def kept(self, life: Life) -> Any:
        """What the one-stop system has of a dossier."""
        return next(k for k in self.bus.one_stop.store.dossiers.values() if k.record["dossierNo"] == life.code)

    def actions(self, life: Life, code: str) -> list[dict[str, Any]]:
        """What the bus told the one-stop system as actions of this code."""
        return [a for a in self.kept(life).actions if a["actionCode"] == code]


@asynccontextmanager
async def world(folder: Path, platform: str = "vnpay") -> AsyncIterator[World]:
    mocks: dict[str, Any] = {
        module.__name__.rpartition(".")[2]: module.make()
        for module in (
            population,
            business_registry,
            admin_units,
            vnpay,
            npsp_payment,
            vnpost,
            viettel_post,
            bank_transfer,
        )
    }
    province = f"[province]\n{CHOICE.format(platform)}"
    async with house(folder, extra=SYSTEMS, others=mocks, province=province) as bus:
        mocks["vnpay"].options.ipn = f"{bus.daemon.address}/vnpay/ipn"
        mocks["bank_transfer"].options.notify = f"{bus.daemon.address}/bank_transfer/credit"
        mocks["npsp_payment"].options.confirm = f"{bus.daemon.address}/npsp_payment/confirm"
        mocks["viettel_post"].options.webhook = f"{bus.daemon.address}/viettel_post/webhook"
        try:
            yield World(bus, mocks)
        finally:
            for mock in mocks.values():
                await mock.close()


def known(there: World, life: Life) -> None:
    """The one-stop system has the dossier it pushes."""
    there.bus.one_stop.store.put(
        {"serviceCode": "1.000105", "dossierNo": life.code, "dossierStatus": "new", "applicantName": "x"}, kind="seed"
    )


FEES = [{"FeeName": "Lệ phí giải quyết", "FeeType": 1, "Price": 50_000}]
HOME = {"Phone": "0905000001", "Address": "12 Đường Mẫu, Phường Mẫu", "ReturnedType": 1}


def _called(account: Any, times: int) -> bool:
    return len(account.calls) == times


async def owing(there: World, life: Life, **more: Any) -> Dossier:
    """A dossier whose fee an officer asked for, with an address to pay at."""
    known(there, life)
    told = {"DocFees": FEES, "PaidThrough": "not_paid", **more}
    assert (await there.bus.push(life, "new", **told)).status_code == 200
    assert (await there.bus.push(life, "paying", DateStatus=iso(life.at(30)), **told)).status_code == 200
    return await there.comes(life, lambda d: d.payments, "an attempt to pay")


async def test_the_applicant_is_checked_and_the_one_stop_system_told(tmp_path: Path) -> None:
    right, wrong, nobody, company = Life(1), Life(2), Life(3), Life(4)
    async with world(tmp_path) as there:
        people = there.mocks["population"].people
        for life, name in ((right, "Nguyễn Văn Mẫu"), (wrong, "Trần Thị Khác")):
            number = f"0520880{life.number:05d}"
            people[number] = population.Person(number, name)
        for life in (right, wrong, nobody):
            known(there, life)
            assert (await there.bus.push(life, CitizenName="Nguyễn Văn Mẫu")).status_code == 200
        known(there, company)
        told: dict[str, Any] = {"ApplicantsType": 2, "ApplicantsIdType": "tax_code", "ApplicantsId": "0100109106"}
        assert (await there.bus.push(company, CitizenName="Tập đoàn Viễn thông Mẫu", **told)).status_code == 200
        found = {}
        for life in (right, wrong, nobody, company):
            [check] = (await there.comes(life, lambda d: d.checks, "a finding")).checks
            found[life.number] = (check.registry, check.finding, check.fields)
            await until(partial(there.actions, life, "check"), "the one-stop system is told")
            await there.bus.delivered(life)  # and the portal has it: nothing waited
    assert found == {
        1: ("population", Finding.VERIFIED, ()),
        2: ("population", Finding.MISMATCH, ("name",)),
        3: ("population", Finding.NOT_FOUND, ()),
        4: ("business_registry", Finding.VERIFIED, ()),
    }


@pytest.mark.parametrize("platform", ["vnpay", "npsp_payment"])
async def test_a_fee_is_asked_for_paid_and_told_everywhere(tmp_path: Path, platform: str) -> None:
    life = Life(11)
    async with world(tmp_path, platform) as there:
        dossier = await owing(there, life)
        [payment] = dossier.payments
        assert (payment.platform, payment.state, payment.amount) == (platform, PaymentState.PENDING, Decimal(50_000))
        await there.bus.delivered(life, "6")
        await until(lambda: there.actions(life, "pay_link"), "the address at the one-stop system")
        sent = [json.loads(r.content) for r in there.bus.taps["onestop"].requests if b'"pay_link"' in r.content]
        link = json.loads(sent[0]["payload"])
        assert (link["url"], link["amount"]) == (payment.url, 50_000)
        mock = there.mocks[platform]
        account = mock.come(payment.url) if platform == "vnpay" else mock.accounts[payment.reference]
        mock.act(account, "pay")
        mock.call(account, wrong=True)
        mock.call(account, off=1)
        await until(lambda: len(account.calls) == 2, "two calls that are wrong")
        # Neither is believed; but told of another amount, the bus asks the platform itself.
        paid = await there.comes(life, lambda d: d.payments[0].state is PaymentState.PAID, "the payment")
        for n in (3, 4):
            mock.call(account)
            await until(partial(_called, account, n), "the right call, and the same again")
        wanted = {"vnpay": (["04", "97"], ["02", "02"]), "npsp_payment": (["99", "99"], ["00", "00"])}
        assert (sorted(account.calls[:2]), account.calls[2:]) == wanted[platform]
        assert paid.to_pay == 0
        kept = there.kept(life)
        await until(lambda: kept.payment, "the payment at the one-stop system")
        assert kept.payment["paymentAmount"] == 50_000
        if platform == "npsp_payment":
            receipt = (await there.comes(life, lambda d: d.receipts, "the receipt")).receipts[0]
            assert receipt.file is not None
            assert there.bus.daemon.files.path(receipt.file.id).read_bytes().startswith(b"%PDF")
        [item] = await there.bus.parked()  # the amount that was a dong off, for a person
        assert item.cause == f"payment:{platform}:wrong_amount"
        assert sum(p.amount for p in paid.payments if p.state is PaymentState.PAID) == account.paid


async def test_a_fee_is_paid_by_transfer_and_what_fits_nothing_waits_for_a_person(tmp_path: Path) -> None:
    life = Life(15)
    async with world(tmp_path, "bank_transfer") as there:
        [payment] = (await owing(there, life)).payments
        await until(lambda: there.actions(life, "pay_link"), "the code at the one-stop system")
        sent = [json.loads(r.content) for r in there.bus.taps["onestop"].requests if b'"pay_link"' in r.content]
        link = json.loads(sent[0]["payload"])
        assert (link["qr"], link["amount"]) == (payment.qr, 50_000)
        bank = there.mocks["bank_transfer"]
        amount, text = bank.scan(link["qr"])
        short = bank.credit(amount - 1, text)
        cut = bank.credit(amount, text[:-2])
        right = bank.credit(amount, text)
        again = bank.credit(amount, text)
        for credit, how, said in (
            (right, {"wrong": True}, "401"), (right, {"late": 301}, "401"), (short, {}, "200"), (cut, {}, "200"),
            (right, {}, "200"), (right, {}, "200"), (again, {}, "200"),
        ):  # fmt: skip
            calls = len(credit.calls)
            bank.call(credit, **how)
            await until(lambda c=credit, n=calls: len(c.calls) > n, "an answer")  # type: ignore[misc]  # no lambda with a default has a type
            assert credit.calls[-1] == said
        paid = await there.comes(life, lambda d: d.payments[0].state is PaymentState.PAID, "the payment")
        assert (int(paid.to_pay), paid.payments[0].transaction, len(paid.payments)) == (0, right.transaction, 1)
        kept = there.kept(life)
        await until(lambda: kept.payment, "the payment at the one-stop system")
        assert kept.payment["paymentAmount"] == 50_000
        causes = sorted(item.cause for item in await there.bus.parked())
        assert causes == [f"payment:bank_transfer:{why}" for why in ("twice", "unknown_reference", "wrong_amount")]


async def test_a_citizen_who_cancels_gets_another_attempt(tmp_path: Path) -> None:
    life = Life(12)
    async with world(tmp_path) as there:
        first = (await owing(there, life)).payments[0]
        mock = there.mocks["vnpay"]
        account = mock.come(first.url)
        mock.act(account, "cancel")
        mock.call(account)
        dossier = await there.comes(life, lambda d: len(d.payments) == 2, "a second attempt")
        assert [p.state for p in dossier.payments] == [PaymentState.FAILED, PaymentState.PENDING]
        assert account.calls == ["00"]
        await until(lambda: len(there.actions(life, "pay_link")) == 2, "the second address")


async def test_what_the_portal_may_ask(tmp_path: Path) -> None:
    life = Life(13)
    async with world(tmp_path, "npsp_payment") as there:
        dossier = await owing(there, life)
        address = "/npsp_payment/dptracuuthanhtoanhs"
        asked = {"MaHoSo": life.code, "SecurityKey": "key-of-the-portal"}
        told = (await there.bus.client.post(address, json=asked)).json()
        assert (told["error_code"], told["message"]["transaction_id"]) == (1, dossier.payments[0].reference)
        forged = await there.bus.client.post(address, json={**asked, "SecurityKey": "x"})
        assert forged.json() == {"error_code": -1, "message": []}


async def test_a_result_goes_home_by_post_and_its_delivery_ends_the_dossier(tmp_path: Path) -> None:
    life = Life(21)
    async with world(tmp_path) as there:
        known(there, life)
        assert (await there.bus.push(life, "new", **HOME)).status_code == 200
        assert (await there.bus.push(life, "releasing", DateStatus=iso(life.at(200)), **HOME)).status_code == 200
        order = (await there.comes(life, lambda d: d.shipments, "an order")).shipments[0].order
        await there.bus.delivered(life, "9")
        post = there.mocks["vnpost"]
        post.move("of-another-agency", "4")
        for code in ("2", "4", "2"):
            post.move(order, code)
        dossier = await there.comes(life, lambda d: d.status is Status.RETURNED, "the delivery")
        assert dossier.shipments[0].state is ShipmentState.DELIVERED
        await there.bus.delivered(life, "10")
        await until(lambda: len(there.actions(life, "parcel")) == 2, "ordered and delivered at the one-stop system")
        assert post.parcels[order].given == 1


async def test_papers_are_collected_by_another_carrier(tmp_path: Path) -> None:
    life = Life(22)
    async with world(tmp_path) as there:
        known(there, life)
        told = {**HOME, "Channel": "post", "DateReceived": None, "DateAppointed": None}
        assert (await there.bus.push(life, "receiving", **told)).status_code == 200
        dossier = await there.comes(life, lambda d: d.shipments, "an order")
        assert (dossier.shipments[0].carrier, dossier.shipments[0].order) == ("viettel_post", f"{life.code}-TG")
        there.mocks["viettel_post"].move(f"{life.code}-TG", "501")
        dossier = await there.comes(life, lambda d: d.shipments[0].state is ShipmentState.DELIVERED, "the papers")
        assert dossier.status is Status.REGISTERED


async def test_the_catalogue_of_units_is_read(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        for _ in range(2000):
            await there.bus.daemon.reload_codes()
            tables = await there.bus.daemon.ledger.code_tables()
            if "units_communes" in tables.names and len(tables.rows("units_communes")) == 5:
                break
            await there.bus_breathes()
        names = {(row.code, row["name"]) for row in tables.rows("units_provinces") if row.code == "15"}
    assert names == {("15", "Tỉnh Yên Bái"), ("15", "Tỉnh Lào Cai")}


async def test_money_is_confirmed_by_the_first_right_call(tmp_path: Path) -> None:
    life = Life(14)
    async with world(tmp_path) as there:
        payment = (await owing(there, life)).payments[0]
        mock = there.mocks["vnpay"]
        account = mock.come(payment.url)
        mock.act(account, "pay")
        for n in (1, 2):
            mock.call(account)
            await until(partial(_called, account, n), "a call")
        assert account.calls == ["00", "02"]
        story = await there.bus.story(life.code)
        assert [row.type for row in story.events].count("payment.confirmed") == 1
