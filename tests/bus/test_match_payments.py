"""`lgsp match-payments`: a statement as a plan and taken in, twice without harm; a person's word on doubted credits."""

from __future__ import annotations

import shutil
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest

from lgsp.canonical.events import Event, PaymentCreated, PaymentTold, Witness
from lgsp.canonical.payment import OpenFee, Payment, PaymentState
from lgsp.clock import FixedClock, micros
from lgsp.ledger.types import Inbound
from lgsp.store.engine import Store
from lgsp.truth.candidates import candidates
from mappings import _transfers as transfers
from mocks.bank_transfer import make as bank
from tests.bus.test_cli import SECRETS, audited, document, lgsp
from tests.support.filled import A, B, C, Filled, fill, settings
from tests.support.ledgers import NINE, ledger

REFERENCES = {A: transfers.checked("AAAA0001"), B: transfers.checked("BBBB0002"), C: transfers.checked("CCCC0003")}
SECTION = '\n[systems.bank_transfer]\nbank = "970436"\naccount = "1012345678901"\n'


@pytest.fixture(scope="module")
def once(tmp_path_factory: pytest.TempPathFactory) -> Filled:
    made = anyio.run(fill, tmp_path_factory.mktemp("owing"))
    anyio.run(_owing, made)
    return made


@pytest.fixture
def owing(once: Filled, tmp_path: Path) -> Filled:
    shutil.copy(once.config.parent / "lgsp.db", tmp_path / "lgsp.db")
    config = settings(tmp_path)
    config.write_text(config.read_text(encoding="utf-8") + SECTION, encoding="utf-8")
    return replace(once, config=config)


async def _owing(filled: Filled) -> None:
    """A, B and C owe 50,000 dong each."""
    store = Store(f"sqlite:///{filled.config.parent}/lgsp.db")
    await store.start()
    clock = FixedClock()
    book = ledger(store, clock)
    for code, name in REFERENCES.items():
        payment = Payment(
            platform="bank_transfer", reference=name, amount=Decimal(50_000), created_at=clock.now(), qr="x"
        )
        event = Event(
            type="payment.created", source="onestop", source_id=f"c{name}", dossier=code, occurred_at=clock.now(),
            body=PaymentCreated(payment=payment),
        )  # fmt: skip
        await book.accept(Inbound("onestop", "t", [event], name))
    await store.close()


def statement(folder: Path, *credits: tuple[int, str]) -> Path:
    mock = bank()
    for amount, text in credits:
        mock.credit(amount, text)
    file = folder / "sao-ke.csv"
    file.write_text(mock.statement(), encoding="utf-8")
    return file


def run(owing: Filled, *words: object, answer: str = "") -> Any:
    return lgsp("match-payments", *words, file=owing.config, answer=answer, **SECRETS)


LINES = (
    (50_000, f"DVC {REFERENCES[A]}"),
    (49_999, f"DVC {REFERENCES[B]}"),
    (50_000, f"DVC {REFERENCES[A]}"),
    (50_000, f"le phi ho so {C}"),
    (70_000, "tien nha NGUYEN VAN MAU"),
)
FATES = ["exact", "wrong_amount", "twice", "unknown_reference", "unknown_reference"]


def test_a_statement_is_a_plan_first_then_taken_in_and_never_twice(owing: Filled, tmp_path: Path) -> None:
    file = statement(tmp_path, *LINES)
    plan = document(run(owing, file, "--json"))
    assert ([i["fate"] for i in plan["items"]], plan["done"]) == (FATES, False)
    assert [i["dossier"] for i in plan["items"]] == [A, B, A, "", ""]
    no = run(owing, file, answer="n\n")
    assert (no.exit_code, "nothing was changed" in no.stdout) == (1, True)
    assert "NGUYEN VAN MAU" not in no.stdout, "what a sender wrote is for nobody's screen"
    assert document(run(owing, "--json"))["count"] == 0, "a plan changes nothing"
    done = run(owing, file, "--yes")
    assert (done.exit_code, "taken in: 5" in done.stdout, "4 wait for a person" in done.stdout) == (0, True, True)
    again = document(run(owing, file, "--yes", "--json"))
    assert (again["done"], again["counts"]) == (False, {"known": 5})
    waiting = document(run(owing, "--json"))
    assert sorted(c["doubt"] for c in waiting["credits"]) == sorted(FATES[1:])
    assert "50.000 dong, paid" in lgsp("dossier", A, file=owing.config).stdout
    shown = document(lgsp("exchanges", "--json", "--system", "bank_transfer", file=owing.config))
    assert [x["operation"] for x in shown["exchanges"]] == ["statement"], "the file is kept, once"


def test_a_person_says_whose_a_credit_is(owing: Filled, tmp_path: Path) -> None:
    run(owing, statement(tmp_path, *LINES), "--yes")
    told = {c["amount"]: c for c in document(run(owing, "--json"))["credits"] if c["doubt"] == "unknown_reference"}
    near = told[50_000]["candidates"]
    assert near[0] == {"reference": REFERENCES[C], "dossier": C, "amount": 50_000, "alike_in": ["dossier", "amount"]}
    assert told[70_000]["candidates"] == []
    shown = run(owing).stdout
    assert "names no payment that was asked for" in shown
    assert "the dossier's code, the amount" in shown
    assert "no open fee comes near it" in shown
    match = ["--credit", told[50_000]["id"], "--to"]
    for to, why in ((REFERENCES[A], "paid already"), ("ZQ000000000", "names no payment")):
        refused = run(owing, *match, to, "--reason", "x")
        assert (refused.exit_code, why in refused.stderr) == (1, True)
    other = run(owing, "--credit", told[70_000]["id"], "--to", REFERENCES[C], "--reason", "x")
    assert (other.exit_code, "another amount" in other.stderr) == (1, True)
    assert document(run(owing, *match, REFERENCES[C], "--reason", "x", "--json"))["done"] is False
    done = run(owing, *match, REFERENCES[C], "--reason", "người nộp đã xác nhận", "--yes")
    assert (done.exit_code, f"payment {REFERENCES[C]} of dossier {C}" in done.stdout) == (0, True)
    assert "50.000 dong, paid" in lgsp("dossier", C, file=owing.config).stdout
    assert told[50_000]["id"] not in [c["id"] for c in document(run(owing, "--json"))["credits"]]
    actions = [action for _who, action, *_ in audited(owing)]
    assert actions[:2] == ["discard", "match"]
    gone = run(owing, *match, REFERENCES[B], "--reason", "x", "--yes")
    assert (gone.exit_code, "is no money that waits" in gone.stderr) == (1, True)


WRONG = [
    ("credit-alone", ["--credit", 1], "together with --to"),
    ("to-alone", ["--to", "X"], "together with --to"),
    ("file-and-credit", ["x.csv", "--credit", 1, "--to", "X"], "together with --to"),
    ("no-reason", ["--credit", 1, "--to", "X"], "--reason is empty"),
    ("no-such-file", ["nowhere.csv"], "cannot be read"),
    ("no-such-system", [__file__, "--system", "vnpay"], "--system: bank_transfer"),
    ("no-statement", [__file__], "nothing of it was taken in"),
    ("no-such-form", [__file__, "--form", "VCB"], "statements has no 'VCB'; it has default"),
]


@pytest.mark.parametrize(("words", "told"), [w[1:] for w in WRONG], ids=[w[0] for w in WRONG])
def test_mistakes_are_told(owing: Filled, words: list[object], told: str) -> None:
    result = run(owing, *words)
    assert (result.exit_code, told in result.stderr) == (2, True)


def test_a_file_that_is_too_large(owing: Filled, tmp_path: Path) -> None:
    file = tmp_path / "large.csv"
    with file.open("wb") as out:
        out.truncate(16 * 1024 * 1024 + 1)
    assert "larger than 16 MB" in run(owing, file).stderr


def test_both_languages(owing: Filled, tmp_path: Path) -> None:
    assert "không có khoản tiền nào chờ xử lý" in run(owing, "--lang", "vi").stdout
    shown = run(owing, statement(tmp_path, *LINES), "--lang", "vi", answer="k\n").stdout
    assert "khớp đúng" in shown


# --- candidates ------------------------------------------------------------------------------------------------------

FEES = [
    OpenFee("bank_transfer", transfers.checked("AAAA0001"), "H21.14-261008-0001", 50_000, micros(NINE) - 3),
    OpenFee("bank_transfer", transfers.checked("BBBB0002"), "H21.14-261008-0002", 50_000, micros(NINE) - 2),
    OpenFee("bank_transfer", transfers.checked("CCCC0003"), "H21.14-261008-0003", 70_000, micros(NINE) - 1),
    OpenFee("bank_transfer", transfers.checked("DDDD0004"), "H21.14-261008-0004", 50_000, micros(NINE) + 1),
]
R3 = FEES[2].reference
NEAR: list[tuple[str, int, str, list[tuple[int, tuple[str, ...]]]]] = [
    ("only-the-amount-newest-before-it-came-first", 50_000, "", [(2, ("amount",)), (1, ("amount",)), (4, ("amount",))]),
    ("nothing", 60_000, "tien dien", []),
    ("the-dossier-before-the-amount", 50_000, "HS H21.14 261008 0001",
     [(1, ("dossier", "amount")), (2, ("amount",)), (4, ("amount",))]),
    ("a-letter-wrong", 70_000, f"{R3[:6]}X{R3[7:]}", [(3, ("reference", "amount"))]),
    ("two-cut-off", 60_000, f"DVC {R3[:-2]}", [(3, ("reference",))]),
    ("three-wrong", 60_000, f"{R3[:4]}RST{R3[7:]}", []),
]  # fmt: skip


@pytest.mark.parametrize(("amount", "text", "wanted"), [n[1:] for n in NEAR], ids=[n[0] for n in NEAR])
def test_whose_a_credit_may_be(amount: int, text: str, wanted: list[tuple[int, tuple[str, ...]]]) -> None:
    told = PaymentTold(
        platform="bank_transfer", state=PaymentState.PAID, amount=Decimal(amount), witness=Witness.STATEMENT,
        paid_at=NINE, text=text,
    )  # fmt: skip
    assert [(FEES.index(c.fee) + 1, c.why) for c in candidates(told, FEES)] == wanted
