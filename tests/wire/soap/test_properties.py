"""Whatever a message holds: it is written as the contract has it, judged so by others, and read as it was."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, timedelta, timezone
from functools import cache
from typing import Any

import zeep
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from lgsp.errors import BadAnswer, MappingError
from lgsp.testing import xsd
from tests.wire.soap.kit import CONTRACTS, SOAP11, envelope, operation, reply, streaming

PEOPLE = CONTRACTS / "people"
LETTERS = st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff")
TEXT = st.text(LETTERS | st.sampled_from("\t\n\r<>&\"'đ"), max_size=20)
NUMBER = st.text("0123456789", min_size=12, max_size=12)
DAY = st.dates(date(1900, 1, 1), date(2099, 12, 31))
ZONES = st.sampled_from([UTC, timezone(timedelta(hours=7))])
MOMENT = st.datetimes(timezones=ZONES).filter(lambda moment: 1900 < moment.year < 2099)
PLACE: dict[str, Any] = {"Province": TEXT, "Ward": st.none() | TEXT}
HOME = st.fixed_dictionaries(PLACE, optional={"since": DAY}) | st.fixed_dictionaries(
    {"_type": st.just("Abroad"), **PLACE, "Country": TEXT}
)
BOOK = st.fixed_dictionaries({"Book": TEXT}, optional={"Page": st.integers(-(2**31), 2**31 - 1)})
OPTIONAL: dict[str, Any] = {
    "Alive": st.booleans(),
    "Children": st.integers(-(2**31), 2**31 - 1),
    "Fee": st.fixed_dictionaries(
        {"_text": st.decimals(-(10**12), 10**12, places=3, allow_nan=False), "currency": TEXT.map(lambda t: t.strip())}
    ),
    "Changed": MOMENT,
    "Others": st.lists(NUMBER, max_size=3),
    "version": st.integers(0, 99),
}
BORN: Any = st.fixed_dictionaries({"BirthDay": DAY}) | st.fixed_dictionaries({"BirthYear": st.just("1999")})


@st.composite
def persons(draw: st.DrawFn, *, books: int = 0) -> dict[str, Any]:
    """A person of the contract, with the lists that reading always gives."""
    made: dict[str, Any] = {"PersonalId": draw(NUMBER), "Name": draw(TEXT), **draw(BORN)}
    made |= draw(st.fixed_dictionaries({}, optional=OPTIONAL))
    made["Home"] = draw(st.lists(HOME, max_size=3))
    made["_items"] = draw(st.lists(BOOK, min_size=books, max_size=3))
    return made


def person_in(content: bytes) -> etree._Element:
    body = etree.fromstring(content).find(f"{{{SOAP11}}}Body")
    assert body is not None
    return body[0]


@given(persons())
@settings(max_examples=150, deadline=None)
def test_written_judged_and_read_again(person: dict[str, Any]) -> None:
    content = operation("people", "Save").envelope(person).content
    assert xsd.problems_of(PEOPLE, person_in(content)) == []
    written = etree.tostring(person_in(content), encoding="unicode", with_tail=False)
    answer = envelope(f'<FindResponse xmlns="urn:people">{written}</FindResponse>')
    assert operation("people", "Find").answer(reply(answer)) == {"Person": [person]}
    assert streaming("people", "Find").answer(reply(answer)) == {"Person": [person]}


@cache
def other() -> Any:
    """zeep, with the same contract."""
    client: Any = zeep.Client
    return client(str(PEOPLE / "people.wsdl"))


def as_zeep(person: dict[str, Any]) -> dict[str, Any]:
    """The same values by zeep's names (it cannot leave a group of elements out: there is one book at least)."""
    made = {key: value for key, value in person.items() if key != "_items"}
    made["_value_1"] = person["_items"]
    if "BirthYear" in made:
        made["BirthYear"] = (int(made["BirthYear"]), None)
    if "Fee" in made:
        made["Fee"] = {"_value_1": made["Fee"]["_text"], "currency": made["Fee"]["currency"]}
    abroad = other().get_type("{urn:people}Abroad")
    made["Home"] = [
        abroad(**{k: v for k, v in home.items() if k != "_type"}) if "_type" in home else home
        for home in person["Home"]
    ]
    return made


def tree(element: etree._Element) -> Any:
    """What an element says, without prefixes."""
    names = {k: v for k, v in element.attrib.items() if "}type" not in str(k)}
    return element.tag, names, element.text or "", [tree(child) for child in element]


@given(persons(books=1))
@settings(max_examples=80, deadline=None)
def test_zeep_writes_the_same(person: dict[str, Any]) -> None:
    theirs = other().create_message(other().service, "Save", **as_zeep(person))
    ours = person_in(operation("people", "Save").envelope(person).content)
    assert tree(ours) == tree(theirs.find(f"{{{SOAP11}}}Body")[0])


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXT | st.binary(max_size=3) | st.decimals(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*OPTIONAL, "Name", "Home"]), inner),
    max_leaves=8,
)


@given(persons(), st.sampled_from(["PersonalId", "Name", "Home", "_items", "Fee", "Changed", "x"]), ANYTHING)
@settings(max_examples=200, deadline=None)
def test_any_value_is_written_as_the_contract_has_it_or_refused(person: dict[str, Any], key: str, value: Any) -> None:
    try:
        content = operation("people", "Save", check="off").envelope({**person, key: value}).content
    except MappingError:
        return
    assert etree.QName(person_in(content)).localname == "Person"


@given(persons(), st.data())
@settings(max_examples=200, deadline=None)
def test_a_spoilt_answer_is_read_or_bad_and_nothing_else(person: dict[str, Any], data: st.DataObject) -> None:
    written = etree.tostring(person_in(operation("people", "Save").envelope(person).content))
    raw = bytearray(envelope(f'<FindResponse xmlns="urn:people">{written.decode()}</FindResponse>').encode())
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(raw) - 1))
        raw[place : place + data.draw(st.integers(0, 6))] = data.draw(st.binary(max_size=4))
    for find in (operation("people", "Find"), operation("people", "Find", check="off"), streaming("people", "Find")):
        with suppress(BadAnswer):
            find.answer(reply(bytes(raw)))
