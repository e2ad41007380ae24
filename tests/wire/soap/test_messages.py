"""Values become envelopes and envelopes values, by the contract's types."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from lxml import etree
from pydantic import BaseModel, ConfigDict, Field

from lgsp.errors import BadAnswer, ConfigError, MappingError
from lgsp.wire.soap import Declared
from lgsp.wire.soap.write import NIL
from tests.wire.soap.kit import SOAP12, body_of, envelope, operation, person, reply, service

FULL = person(
    BirthYear=None, BirthDay=date(1999, 2, 14), Alive=True, Children=0,
    Home=[
        {"Province": "01", "Ward": None, "since": date(2020, 1, 1)},
        {"_type": "Abroad", "Province": "x", "Ward": "y", "Country": "LA"},
    ],
    Fee={"_text": Decimal("10.50"), "currency": "VND"}, Changed=datetime(2025, 7, 1, 8, 30, tzinfo=UTC),
    Others=["012345678901", "012345678902"], _items=[{"Book": "Sổ hộ tịch", "Page": 7}, {"Book": "B"}], version=2,
)  # fmt: skip


def test_an_envelope_of_soap_1_1() -> None:
    made = operation("units", "Units").envelope({"DenNgay": "01/07/2025"})
    assert made.headers == {"Content-Type": "text/xml; charset=utf-8", "SOAPAction": '"http://tempuri.org/Units"'}
    assert body_of(made.content) == "<n0:Units><n0:DenNgay>01/07/2025</n0:DenNgay></n0:Units>"
    assert b'xmlns:n0="http://tempuri.org/"' in made.content


def test_an_envelope_of_soap_1_2() -> None:
    made = operation("units", "Units", "1.2").envelope({})
    assert made.headers == {
        "Content-Type": 'application/soap+xml; charset=utf-8; action="http://tempuri.org/Units"',
    }
    assert etree.QName(etree.fromstring(made.content)).namespace == SOAP12


def test_a_version_that_the_wsdl_has_not() -> None:
    with pytest.raises(ConfigError, match=r"no SOAP port that is SOAP 1\.2; it has: People/People \(SOAP 1\.1\)"):
        service("people", "1.2")


def test_an_operation_that_the_wsdl_has_not() -> None:
    with pytest.raises(ConfigError, match="has no operation Lose; it has: Find, Save, Count"):
        service("people").operation("Lose")


def test_everything_is_written_and_read_again() -> None:
    written = body_of(operation("people", "Save").envelope(FULL).content)
    answer = envelope(f'<f:FindResponse xmlns:f="urn:people" xmlns:n0="urn:people">{written}</f:FindResponse>')
    read = operation("people", "Find").answer(reply(answer))
    assert read == {"Person": [{k: v for k, v in FULL.items() if v is not None}]}


def test_a_bare_body_of_a_simple_type() -> None:
    count = operation("people", "Count")
    made = count.envelope("a & b")
    assert body_of(made.content) == "<n0:Count>a &amp; b</n0:Count>"
    assert made.headers["SOAPAction"] == '""'
    assert count.answer(reply(envelope('<Counted xmlns="urn:people">7</Counted>'))) == 7


def test_a_model_by_its_aliases() -> None:
    class Find(BaseModel):
        model_config = ConfigDict(populate_by_name=True)
        number: str = Field(alias="PersonalId")
        reason: str | None = Field(None, alias="Reason")

    made = operation("people", "Find").envelope(Find(number="012345678901"))
    assert body_of(made.content) == "<n0:Find><n0:PersonalId>012345678901</n0:PersonalId></n0:Find>"


@pytest.mark.parametrize(
    ("name", "values", "told"),
    [
        ("Find", {}, "Find/PersonalId: missing"),
        ("Find", {"PersonalId": None}, "Find/PersonalId: missing"),
        ("Find", {"PersonalId": 12345678901}, "Find/PersonalId: text is wanted"),
        ("Find", {"PersonalId": "012345678901", "Purpose": "x"}, "Find/Purpose: no such field"),
        ("Find", {"PersonalId": "\x00"}, "Find/PersonalId: a character that XML cannot hold"),
        ("Find", {"PersonalId": "12"}, "Find/PersonalId: the contract's schema does not take it: breaks the facet"),
        ("Find", "012345678901", "Find: an object with fields is wanted"),
        ("Save", person(BirthDay=date(1999, 1, 1)), "Person: only one of these may be given: BirthDay, BirthYear"),
        ("Save", person(BirthYear=None), "Person: one of these is wanted: BirthDay, BirthYear"),
        ("Save", person(Home={"Province": "01"}), "Person/Home: a list is wanted"),
        ("Save", person(Home=[{"Province": "01", "Ward": "1"}, {"Province": "01"}]), r"Person/Home\[1\]/Ward: missing"),
        ("Save", person(Home=[{"_type": "Nowhere"}]), r"Person/Home\[0\]/_type: no such type"),
        ("Save", person(Fee={"_text": Decimal(1)}), "Person/Fee/currency: missing"),
        ("Save", person(Fee={"_text": Decimal("NaN"), "currency": "VND"}), "Person/Fee: a finite number"),
        ("Save", person(Children=True), "Person/Children: an integer is wanted"),
        ("Save", person(_items=[{"Page": 1}]), r"Person/_items\[0\]/Book: missing"),
        ("Save", person(Extra={"_any": ["<!DOCTYPE a><a/>"]}), "Person/Extra: XML is wanted: a DOCTYPE"),
        ("Save", person(Extra={"_any": ["</n0:Extra>"]}), "Person/Extra: XML is wanted: not XML"),
    ],
    ids=lambda v: v if isinstance(v, str) else None,
)  # fmt: skip
def test_what_does_not_fit_is_named(name: str, values: Any, told: str) -> None:
    with pytest.raises(MappingError, match="^" + told) as caught:
        operation("people", name).envelope(values)
    assert "012345678901" not in str(caught.value)


def test_none_nil_and_absent() -> None:
    save = operation("people", "Save")
    assert "Children" not in body_of(save.envelope(person(Children=None)).content)
    assert '<n0:Children xsi:nil="true"/>' in body_of(save.envelope(person(Children=NIL)).content)
    home = body_of(save.envelope(person(Home=[{"Province": "01", "Ward": None}])).content)
    assert '<n0:Ward xsi:nil="true"/>' in home


def test_a_declared_header_block() -> None:
    find = operation("people", "Find")
    block = Declared("Caller", {"Unit": "H56"}, must_understand=True, actor="urn:next")
    made = find.envelope({"PersonalId": "012345678901"}, headers=[block])
    assert (
        b'<s:Header><n0:Caller s:mustUnderstand="1" s:actor="urn:next"><n0:Unit>H56</n0:Unit></n0:Caller></s:Header>'
        in made.content
    )
    with pytest.raises(MappingError, match="Callee: no such header block"):
        find.envelope({"PersonalId": "012345678901"}, headers=[Declared("Callee", {})])


PERSON = "<p:PersonalId>012345678901</p:PersonalId><p:Name>M</p:Name><p:BirthYear>1999</p:BirthYear>"


def found(inner: str) -> str:
    return envelope(f'<p:FindResponse xmlns:p="urn:people">{inner}</p:FindResponse>')


def test_absent_empty_nil_and_repeated() -> None:
    find = operation("people", "Find", check="off")
    assert find.answer(reply(found(""))) == {"Person": []}
    one = find.answer(reply(found(f'<p:Person>{PERSON}<p:Children xsi:nil="true"/></p:Person><p:Person/>')))
    assert [sorted(p) for p in one["Person"]] == [
        ["BirthYear", "Children", "Home", "Name", "PersonalId", "_items"], ["Home", "_items"],
    ]  # fmt: skip
    assert one["Person"][0]["Children"] is None
    empty = find.answer(reply(found(f"<p:Person>{PERSON}<p:Children/><p:Alive> </p:Alive></p:Person>")))
    assert empty["Person"][0]["Children"] is None
    assert empty["Person"][0]["Alive"] is None


@pytest.mark.parametrize(
    ("inner", "told"),
    [
        ("<p:Children>many</p:Children>", r"FindResponse/Person\[0\]/Children: not an integer"),
        ("<p:Alive>yes</p:Alive>", r"FindResponse/Person\[0\]/Alive: not a boolean"),
        ("<p:Name><p:Ho>N</p:Ho></p:Name>", r"FindResponse/Person\[0\]/Name: elements where text is wanted"),
        ("<p:Changed>01/02/2025</p:Changed>", r"FindResponse/Person\[0\]/Changed: not a date and time"),
        ("<p:Changed>2025-02-30T00:00:00</p:Changed>", r"FindResponse/Person\[0\]/Changed: not a date and time"),
    ],
)
def test_what_does_not_fit_its_type_is_a_bad_answer(inner: str, told: str) -> None:
    with pytest.raises(BadAnswer, match=told):
        operation("people", "Find", check="off").answer(reply(found(f"<p:Person>{inner}</p:Person>")))


def test_a_breach_of_the_schema_in_an_answer_is_refused_warned_of_or_passed() -> None:
    body = found(f"<p:Person>{PERSON.replace('012345678901', '12')}</p:Person>")
    with pytest.raises(BadAnswer, match=r"the answer breaks the contract's schema: FindResponse/Person/PersonalId: "
                                        "breaks the facet pattern") as caught:  # fmt: skip
        operation("people", "Find").answer(reply(body))
    assert "12" not in str(caught.value).replace("HTTP 200", "")
    warned = operation("people", "Find", check="warn").read(reply(body))
    assert warned.problems == ("FindResponse/Person/PersonalId: breaks the facet pattern",)
    assert operation("people", "Find", check="off").read(reply(body)).value == warned.value


def test_an_answer_in_another_namespace_is_read_by_local_names() -> None:
    body = found("").replace("urn:people", "urn:elsewhere")
    assert operation("people", "Find", check="off").answer(reply(body)) == {"Person": []}


def test_an_operation_without_an_answer() -> None:
    save = operation("people", "Save")
    assert save.answer(reply("", status=202)) is None
    with pytest.raises(BadAnswer):
        operation("people", "Find").answer(reply("", status=202))
