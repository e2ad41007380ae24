"""Transfers' own ways: the published codes and check sums, references in banks' texts, signed notices."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.bank_transfer import vietqr
from connectors.bank_transfer.connector import BankTransfer
from connectors.bank_transfer.inbound import answer, known, notice, sign
from connectors.bank_transfer.settings import BankTransferSettings
from connectors.bank_transfer.wire import Notice, OpenTransfer, TransferCode
from lgsp.canonical.codefiles import load_all
from lgsp.canonical.events import Event, FeeRequested, PaymentCreated, PaymentTold, Witness
from lgsp.canonical.payment import PaymentState
from lgsp.errors import ConfigError, MappingError
from lgsp.spi.inbound import InboundInvalid, InboundRequest, Verdict
from lgsp.spi.mapping import Context
from mappings import _transfers as transfers
from mappings import bank_transfer
from mocks.bank_transfer import make
from tests.support.ledgers import NINE, dossier

pytestmark = pytest.mark.anyio
SECRET = "sepaySecret01"
OWN = BankTransferSettings.model_validate({"bank": "970436", "account": "1012345678901", "secret": SECRET})
CONTEXT = Context(codes=load_all(), settings=OWN, today=NINE.date(), received_at=NINE, province="H21")
QUICK = settings(max_examples=200, derandomize=True, database=None, deadline=None)

CODES = [
    ("napas-account",
     "00020101021138570010A00000072701270006970403011200110123456780208QRIBFTTA53037045802VN6304", "F4E5"),
    ("napas-card",
     "00020101021138600010A00000072701300006970403011697040311012345670208QRIBFTTC53037045802VN6304", "4F52"),
    ("napas-dynamic", "00020101021238570010A00000072701270006970403011300110123456780208QRIBFTTA530370454061800005802VN"
     "62340107NPS68690819thanh toan don hang6304", "2E2E"),
    ("ours", "00020101021238570010A00000072701270006970436011310123456789010208QRIBFTTA53037045405500005802VN"
     "62200816DVC HS26070100016304", "D87D"),
]  # fmt: skip


def test_the_check_value_of_the_check_sum() -> None:
    assert vietqr.crc("123456789") == "29B1"


@pytest.mark.parametrize(("text", "sum_"), [c[1:] for c in CODES], ids=[c[0] for c in CODES])
def test_the_published_codes(text: str, sum_: str) -> None:
    assert vietqr.crc(text) == sum_
    assert vietqr.crc(text.replace("VN", "VM")) != sum_


def test_our_code_to_the_letter() -> None:
    made = vietqr.payload("970436", "1012345678901", "50000", "DVC HS2607010001")
    assert made == CODES[3][1] + CODES[3][2]
    mock = make()
    assert mock.scan(made) == (50_000, "DVC HS2607010001")
    with pytest.raises(ValueError, match="check sum"):
        mock.scan(made.replace("50000", "50001"))


@pytest.mark.parametrize(("amount", "purpose"), [("1", ""), ("1", "x" * 100), ("1", "ờ")])
def test_what_no_code_can_say(amount: str, purpose: str) -> None:
    with pytest.raises(ValueError, match="part 08"):
        vietqr.payload("970436", "1012345678901", amount, purpose)


async def test_without_an_account_there_is_no_code() -> None:
    with pytest.raises(ConfigError, match=r"systems\.bank_transfer\.account"):
        await BankTransfer(BankTransferSettings(), None).open_payment(OpenTransfer(amount="1", purpose="A"), "k")  # type: ignore[arg-type]  # nothing is called


# --- references ------------------------------------------------------------------------------------------------------

letters = st.text(transfers.LETTERS, min_size=8, max_size=8)


@QUICK
@given(letters, st.sampled_from(["", "DVC ", "MBVCB.601.", "thanh toán hồ sơ "]), st.text(max_size=30))
def test_a_reference_is_found_in_whatever_a_bank_makes_of_it(eight: str, before: str, after: str) -> None:
    whole = transfers.checked(eight)
    spaced = " ".join(whole)
    for text in (whole, whole.lower(), spaced, f"{whole[:4]}-{whole[4:]}", whole.replace("0", "O").replace("1", "I")):
        if transfers.PREFIX not in after.upper():
            assert whole in transfers.found(f"{before}{text}|{'' if text is spaced else ' '}{after}")
            assert transfers.one(f"{before}{text}") == whole


@QUICK
@given(letters, st.integers(0, 8), st.sampled_from(transfers.LETTERS))
def test_one_wrong_letter_is_no_reference(eight: str, place: int, letter: str) -> None:
    whole = transfers.checked(eight)
    place += 2
    spoilt = whole[:place] + letter + whole[place + 1 :]
    assert transfers.one(spoilt) == (whole if spoilt == whole else "")


@QUICK
@given(letters, st.integers(2, 9))
def test_two_letters_that_changed_places_are_no_reference(eight: str, place: int) -> None:
    whole = transfers.checked(eight)
    spoilt = whole[:place] + whole[place + 1] + whole[place] + whole[place + 2 :]
    assert transfers.one(spoilt) == (whole if spoilt == whole else "")


@QUICK
@given(letters, letters)
def test_two_references_are_not_chosen_from(one: str, other: str) -> None:
    text = f"{transfers.checked(one)} {transfers.checked(other)}"
    assert transfers.one(text) == (transfers.checked(one) if one == other else "")


@QUICK
@given(letters, st.integers(1, 9))
def test_a_cut_reference_is_none(eight: str, kept: int) -> None:
    assert transfers.found(f"DVC {transfers.checked(eight)[:-kept]}") == []


def asked(number: str = "e1", amount: int = 50_000) -> Event:
    body = FeeRequested(dossier=dossier(), amount=Decimal(amount), attempt=1)
    return Event(type="fee.requested", source="bus", source_id=number, dossier="A", occurred_at=NINE, body=body)


async def test_a_fee_becomes_a_code_and_the_same_fee_the_same_code() -> None:
    request = bank_transfer.open_payment(asked(), CONTEXT)
    assert request == bank_transfer.open_payment(asked(), CONTEXT)
    assert request.purpose != bank_transfer.open_payment(asked("e2"), CONTEXT).purpose
    code = await BankTransfer(OWN, None).open_payment(request, "k")  # type: ignore[arg-type]  # nothing is called
    [event] = bank_transfer.payment_opened(asked(), code, CONTEXT)
    assert isinstance(event.body, PaymentCreated)
    payment = event.body.payment
    amount, text = make().scan(payment.qr)
    assert (amount, text, transfers.one(text)) == (50_000, f"DVC {payment.reference}", payment.reference)


@pytest.mark.parametrize("amount", [0, 10**13])
def test_an_amount_that_no_code_can_ask_for(amount: int) -> None:
    with pytest.raises(MappingError, match="more than 0"):
        bank_transfer.open_payment(asked(amount=amount), CONTEXT)


# --- notices ---------------------------------------------------------------------------------------------------------

BODY = (
    b'{"id":92704,"gateway":"Vietcombank","transactionDate":"2026-07-01 14:31:55","accountNumber":"1012345678901",'
    b'"code":"HS2607010001","content":"DVC HS2607010001","transferType":"in","transferAmount":50000,"accumulated":0,'
    b'"subAccount":null,"referenceCode":"FT26182000001","description":""}'
)
STAMP = "1782891115"
SIGNATURE = "sha256=936804e925b0a321dd63ddf8ba68ff5d42787cbfe162cec88072e850f32f40e8"
THEN = datetime.fromtimestamp(int(STAMP), UTC)


def test_the_vector_of_a_notice() -> None:
    assert sign(SECRET, STAMP, BODY) == SIGNATURE


CALLS: list[tuple[str, dict[str, Any], bool]] = [
    ("right", {}, True),
    ("at-the-edge", {"at": THEN + timedelta(seconds=300)}, True),
    ("too-late", {"at": THEN + timedelta(seconds=301)}, False),
    ("from-the-future", {"at": THEN - timedelta(seconds=301)}, False),
    ("another-body", {"body": BODY.replace(b"50000", b"50001")}, False),
    ("another-time", {"stamp": "1782891116"}, False),
    ("no-time", {"stamp": ""}, False),
    ("a-time-of-other-digits", {"stamp": "１７８２８９１１１５"}, False),
    ("no-signature", {"signature": ""}, False),
    ("without-its-kind", {"signature": SIGNATURE.removeprefix("sha256=")}, False),
    ("odd-letters", {"signature": "ờ" * 71}, False),
    ("without-a-secret-of-ours", {"secret": ""}, False),
]


def called(
    *, body: bytes = BODY, stamp: str = STAMP, signature: str = SIGNATURE, at: datetime = THEN, secret: str = SECRET
) -> tuple[InboundRequest, BankTransferSettings]:
    heads = {"x-sepay-timestamp": stamp, "x-sepay-signature": signature, "content-type": "application/json"}
    own = BankTransferSettings.model_validate({**OWN.model_dump(exclude={"secret"}), "secret": secret})
    return InboundRequest("POST", "/bank_transfer/credit", {}, {}, heads, body, "", "", at), own


@pytest.mark.parametrize(("how", "taken"), [c[1:] for c in CALLS], ids=[c[0] for c in CALLS])
def test_whose_notice_it_is(how: dict[str, Any], taken: bool) -> None:
    assert known(*called(**how)) is taken


def told(**changes: Any) -> PaymentTold:
    [event] = bank_transfer.notice(Notice.model_validate({**json.loads(BODY), **changes}), CONTEXT)
    assert isinstance(event.body, PaymentTold)
    return event.body


def test_a_notice_as_word_of_a_payment() -> None:
    ours = transfers.checked("7K3M0A1B")
    assert told(content=f"MBVCB.6011.dvc {ours.lower()}-CT tu 001") == PaymentTold(
        platform="bank_transfer", reference=ours, state=PaymentState.PAID, amount=Decimal(50_000),
        witness=Witness.STATEMENT, transaction="FT26182000001", bank="Vietcombank",
        paid_at=datetime(2026, 7, 1, 7, 31, 55, tzinfo=UTC), text=f"MBVCB.6011.dvc {ours.lower()}-CT tu 001",
    )  # fmt: skip
    assert told().reference == ""


def test_the_same_credit_is_one_event_and_another_is_not() -> None:
    def name(**changes: Any) -> str:
        [event] = bank_transfer.notice(Notice.model_validate({**json.loads(BODY), **changes}), CONTEXT)
        return event.source_id

    assert name() == name(id=1, referenceCode=" ft26182000001 ", content="x")
    others = {name(), name(transferAmount=50_001), name(referenceCode="FT2"), name(referenceCode=None)}
    assert len(others) == 4
    assert name(referenceCode="") != name(referenceCode="", id=1)


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"accountNumber": "999"}, "accountNumber"),
        ({"transferAmount": 0}, "transferAmount"),
        ({"transferAmount": "many"}, "transferAmount"),
        ({"transferType": "inn"}, "transferType"),
        ({"transactionDate": "01/07/2026"}, "transactionDate"),
    ],
)
def test_a_notice_that_is_none_names_its_field(changes: dict[str, Any], field: str) -> None:
    request, own = called(body=json.dumps({**json.loads(BODY), **changes}).encode())
    with pytest.raises(InboundInvalid) as refused:
        notice(request, own)
    assert refused.value.field == field
    assert "999" not in str(refused.value)


def test_what_leaves_the_account_is_no_fee() -> None:
    request, own = called(body=BODY.replace(b'"in"', b'"out"'))
    assert notice(request, own).items == ()


def test_a_date_that_does_not_exist() -> None:
    with pytest.raises(MappingError, match="does not exist"):
        told(transactionDate="2026-02-30 10:00:00")


@pytest.mark.parametrize(
    ("verdict", "status", "success"),
    [
        (Verdict.ACCEPTED, 200, True), (Verdict.DUPLICATE, 200, True), (Verdict.UNKNOWN_REFERENCE, 200, True),
        (Verdict.WRONG_AMOUNT, 200, True), (Verdict.UNAUTHORISED, 401, False), (Verdict.BUSY, 503, False),
        (Verdict.INVALID, 400, False), (Verdict.THROTTLED, 429, False),
    ],
)  # fmt: skip
def test_the_bank_is_answered_so_that_it_calls_again_only_where_it_should(
    verdict: Verdict, status: int, success: bool
) -> None:
    reply = answer(called()[0], verdict, "")
    assert (reply.status, json.loads(reply.body)["success"]) == (status, success)
    if verdict is Verdict.UNAUTHORISED:
        assert json.loads(reply.body)["message"] == "bad signature"
    if verdict is Verdict.ACCEPTED:
        assert reply.body == b'{"success":true}'


def test_a_code_is_no_answer_without_its_code() -> None:
    with pytest.raises(ValueError, match="qr"):
        TransferCode.model_validate({"qr": ""})
