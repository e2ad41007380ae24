"""Large answers are read without holding their tree, and come out as small ones do."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from lxml import etree

from lgsp.errors import BadAnswer, Rejected
from lgsp.wire.soap.documents import Documents
from lgsp.wire.soap.judge import Judge
from tests.wire.soap.kit import SOAP11, envelope, operation, reply, streaming
from tests.wire.soap.test_dataset import dataset, row
from tests.wire.soap.test_faults import fault11

ROOT = Path(__file__).parents[3]
PERSON = (
    "<p:Person version='2'>"
    "<p:PersonalId>012345678901</p:PersonalId><p:Name>M</p:Name><p:BirthYear>1999</p:BirthYear>"
    "<p:Home since='2020-01-01'><p:Province>01</p:Province><p:Ward xsi:nil='true'/></p:Home>"
    "<p:Book>a</p:Book></p:Person>"
)


def people(inner: str) -> str:
    return envelope(f'<p:FindResponse xmlns:p="urn:people">{inner}</p:FindResponse>')


@pytest.mark.parametrize(
    ("contract", "name", "body"),
    [
        ("people", "Find", people(PERSON * 3)),
        ("people", "Find", people("")),
        ("people", "Find", people(PERSON + "<!-- x -->" + PERSON)),
        ("units", "Units", dataset(row(1, 1, "<A>1</A>") + row(2, 0, "<A>2</A><B/>"))),
        ("units", "Units", dataset(row(1, 0, "<A>1</A>", "modified"), row(1, 0, "<A>0</A>") + row(2, 1, "<A>9</A>"))),
        ("units", "Units", dataset("")),
        ("units", "Units", envelope('<UnitsResponse xmlns="http://tempuri.org/"/>')),
    ],
)
def test_a_streamed_answer_is_the_same(contract: str, name: str, body: str) -> None:
    whole, streamed = operation(contract, name).answer(reply(body)), streaming(contract, name).answer(reply(body))
    assert streamed == whole
    result = whole.get("UnitsResult")
    if result is not None:
        assert streamed["UnitsResult"].all == result.all


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (people(PERSON.replace("012345678901", "12")), "PersonalId: breaks the facet pattern"),
        (people(PERSON * 2)[:-40], "not XML, or cut off"),
        (people(PERSON + PERSON.replace("2020-01-01", "x")), r"FindResponse/Person\[1\]/Home\[0\]/since: not a date"),
        (envelope("<a/>"), "an answer without FindResponse"),
        (f'<e:Envelope xmlns:e="{SOAP11}"/>', "an envelope without a body|breaks the contract's schema"),
        ("<a/>", "a: No matching global declaration"),
        (people(PERSON) + "<!-- ", "not XML"),
        ("<?xml version='1.0'?>" + " " * 9000 + "<!DOCTYPE a>" + people(""), "DOCTYPE"),
        ("<!--" + "x" * 9000 + "--> <!DOCTYPE a>" + people(""), "DOCTYPE"),
        ("<!DOCTYPE a><a/>", "DOCTYPE"),
    ],
)
def test_what_is_wrong_with_a_streamed_answer_is_told(body: str, told: str) -> None:
    with pytest.raises(BadAnswer, match=told) as caught:
        streaming("people", "Find").answer(reply(body))
    assert "012345678901" not in str(caught.value)


def test_a_streamed_breach_may_be_only_told() -> None:
    body = people(PERSON.replace("012345678901", "12"))
    read = streaming("people", "Find", "warn").read(reply(body))
    assert read.value["Person"][0]["PersonalId"] == "12"
    assert read.problems == ("PersonalId: breaks the facet pattern",)


def test_a_streamed_fault() -> None:
    with pytest.raises(Rejected):
        streaming("people", "Find").answer(reply(fault11("e:Client"), status=500))


def test_twenty_megabytes_are_read_in_little_memory() -> None:
    """In a process of its own, so that its peak is the answer's; half of it is Python, libraries and the bytes.

    The kernel's own word (VmHWM), since ``ru_maxrss`` of a new process begins at the peak of the one that started it.
    """
    code = """
from pathlib import Path
from tests.wire.soap.kit import operation, reply
from tests.wire.soap.test_large import parts
start, one, end, times = parts()
body = bytearray(start)
for number in range(times):
    body += one
body += end
came = reply(bytes(body))
del body
operation("units", "Units").answer(came)
peak = next(line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM"))
print(len(came.body), int(peak.split()[1]) // 1024)
"""
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, cwd=ROOT)
    size, peak = map(int, done.stdout.split())
    assert size > 20 * 2**20
    assert peak < 200, f"{peak} MB"


def parts() -> tuple[bytes, bytes, bytes, int]:
    """Start, one row, end, and how many rows make 20 MB."""
    one = row(1, 0, "<MaTinh>01</MaTinh><TenTinh>Thành phố Hà Nội</TenTinh><Ma>00001</Ma><Ten>Phường</Ten>").encode()
    start, _, end = dataset("@@@").encode().partition(b"@@@")
    return start, one, end, 20 * 2**20 // len(one) + 1


def test_schemas_are_compiled_beside_documents_that_are_read() -> None:
    """As after a start with work waiting. What went wrong here once struck one compilation in thirty thousand; that
    none of lxml's process-wide state is used any more is what keeps it out, and this only that it still works."""
    documents = Documents(ROOT / "connectors" / "population" / "contract" / "population.wsdl")
    document = people("".join(PERSON for _ in range(2000))).encode()
    with ThreadPoolExecutor(6) as pool:
        read = [pool.submit(etree.fromstring, document) for _ in range(300)]
        made = [pool.submit(Judge, documents) for _ in range(100)]
        assert all(len(one.result()) for one in read)
        assert all(one.result().problems(etree.fromstring("<x/>")) for one in made), "each judges"
