"""Statements: what each bank may write, and what stops the file."""

from __future__ import annotations

from typing import Any

import pytest

from connectors.bank_transfer.settings import BankTransferSettings
from connectors.bank_transfer.statement import statement
from connectors.bank_transfer.wire import Notice, StatementLine
from lgsp.canonical.codefiles import load_all
from lgsp.spi.inbound import InboundInvalid
from lgsp.spi.mapping import Context
from mappings import _transfers as transfers
from mappings import bank_transfer
from mocks.bank_transfer import make
from tests.support.ledgers import NINE

OURS = transfers.checked("7K3M0A1B")
DAY = "2026-07-01T00:00:00+07:00"
FIFTY = [(DAY, 50_000)]
HEAD = "Ngày giao dịch,Số tham chiếu,Ghi nợ,Ghi có,Nội dung"


def own(**form: Any) -> BankTransferSettings:
    more = {"statements": {"default": form}} if form else {}
    return BankTransferSettings.model_validate({"bank": "970436", "account": "1012345678901", **more})


def read(text: str | bytes, /, **form: Any) -> list[StatementLine]:
    content = text if isinstance(text, bytes) else text.encode(form.get("encoding", "utf-8"))
    received = statement(content, own(**form), "")
    return [item for item in received.items if isinstance(item, StatementLine)]


def test_a_statement_as_the_mock_writes_it() -> None:
    mock = make()
    for amount, text in ((50_000, f"DVC {OURS}"), (1_250_000, "tiền thuê nhà, tháng 7")):
        mock.credit(amount, text)
    found = read(mock.statement().encode("utf-8-sig"))
    assert [(i.amount, i.transaction, i.text, i.line) for i in found] == [
        (c.amount, c.transaction, c.text, n) for n, c in enumerate(mock.credits, 3)
    ]


FORMS: list[tuple[str, str, dict[str, Any], list[tuple[str, int]]]] = [
    ("points-group", f"{HEAD}\n01/07/2026,F1,,1.250.000,x\n".replace(",", ";").replace("1;250", "1.250"),
     {"delimiter": ";", "thousands": "."}, [(DAY, 1_250_000)]),
    ("decimals-of-nothing", f'{HEAD}\n01/07/2026 14:31:55,F1,,"50,000.00",x\n', {},
     [("2026-07-01T14:31:55+07:00", 50_000)]),
    ("a-sign-and-a-currency", f'{HEAD}\n01/07/2026,F1,,"+50,000 VND",x\n', {}, FIFTY),
    ("another-date", f"{HEAD}\n2026-07-01,F1,,50000,x\n", {"date_formats": ["%Y-%m-%d"]}, FIFTY),
    ("a-heading-below", f"NGÂN HÀNG\n\nTừ ngày,01/07/2026\n{HEAD}\n01/07/2026,F1,,50000,x\n", {}, FIFTY),
    ("a-heading-in-capitals", f"{HEAD.upper()}\n01/07/2026,F1,,50000,x\n", {}, FIFTY),
    ("sixteen-bits", f"{HEAD}\n01/07/2026,F1,,50000,x\n", {"encoding": "utf-16"}, FIFTY),
    ("debits-and-sums-left-out", f"{HEAD}\n01/07/2026,F1,70000,,x\n01/07/2026,F2,,0,x\n,,70000,50000,Cộng\n", {}, []),
    ("no-number", "D,C,T\n01/07/2026,5,x\n", {"date": "D", "credit": "C", "text": "T", "transaction": ""},
     [(DAY, 5)]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "form", "wanted"), [f[1:] for f in FORMS], ids=[f[0] for f in FORMS])
def test_what_banks_write(text: str, form: dict[str, Any], wanted: list[tuple[str, int]]) -> None:
    assert [(i.at, i.amount) for i in read(text, **form)] == wanted


BROKEN: list[tuple[str, str | bytes, str]] = [
    ("no-heading", "a,b\n1,2\n", "heading: no line has the columns Ngày giao dịch, Ghi có, Nội dung, Số tham chiếu"),
    ("a-column-short", "Ngày giao dịch,Ghi có,Nội dung\n1,2,3\n", "heading: no line has the columns Số tham chiếu"),
    ("empty", "", "heading: "),
    ("no-amount", f"{HEAD}\n01/07/2026,F1,,fifty,x\n", "line 2, column Ghi có: "),
    ("half-a-dong", f"{HEAD}\n01/07/2026,F1,,50000.50,x\n", "line 2, column Ghi có: "),
    ("points-where-commas-group", f"{HEAD}\n01/07/2026,F1,,1.250.000,x\n", "line 2, column Ghi có: "),
    ("odd-groups", f'{HEAD}\n01/07/2026,F1,,"1,25,000",x\n', "line 2, column Ghi có: "),
    ("negative", f"{HEAD}\n01/07/2026,F1,,-5,x\n", "line 2, column Ghi có: "),
    ("no-such-day", f"{HEAD}\n31/06/2026,F1,,5,x\n", "line 2, column Ngày giao dịch: "),
    ("another-charset", f"{HEAD}\n".encode() + b"\xff\xfe\n", "the statement is no utf-8 text"),
    ("a-quote-that-does-not-end", f'{HEAD}\n01/07/2026,F1,,5,"x\n', "line 2: is no CSV"),
    ("too-long", HEAD + "\n" + "01/07/2026,F1,,5,x\n" * 20_001, "more than 20000 lines"),
]


@pytest.mark.parametrize(("text", "words"), [b[1:] for b in BROKEN], ids=[b[0] for b in BROKEN])
def test_what_stops_a_statement(text: str | bytes, words: str) -> None:
    with pytest.raises(InboundInvalid) as refused:
        read(text)
    assert words in str(refused.value)
    assert "fifty" not in str(refused.value), "no value of the file"


def test_a_form_that_is_not_set() -> None:
    with pytest.raises(InboundInvalid, match=r"statements has no 'VCB'; it has default"):
        statement(b"", own(), "VCB")


def names(lines: list[StatementLine]) -> list[str]:
    context = Context(codes=load_all(), settings=own(), today=NINE.date(), received_at=NINE)
    return [event.source_id for line in lines for event in bank_transfer.statement(line, context)]


def test_a_credit_is_one_by_notice_and_by_statement() -> None:
    mock = make()
    credit = mock.credit(50_000, f"DVC {OURS}")
    [line] = read(mock.statement())
    context = Context(codes=load_all(), settings=own(), today=NINE.date(), received_at=NINE)
    [event] = bank_transfer.notice(Notice.model_validate_json(mock.notice(credit)), context)
    assert names([line]) == [event.source_id]


def test_lines_that_are_alike_are_as_many_credits_each_time_the_file_is_read() -> None:
    form = {"date": "D", "credit": "C", "text": "T", "transaction": ""}
    text = "D,C,T\n01/07/2026,5,x\n01/07/2026,5,x\n01/07/2026,5,y\n"
    first = names(read(text, **form))
    assert len(set(first)) == 3
    assert names(read(text.replace("D,C,T", "D,C,T\n02/07/2026,5,x"), **form))[1:] == first
