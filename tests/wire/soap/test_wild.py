"""What contracts in the wild do: rpc and its encodings, addresses, forgotten imports, substitutions, hostility."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from lgsp.errors import BadAnswer, ConfigError, MappingError
from lgsp.testing import xsd
from lgsp.wire.soap import Addressing, Declared, SoapContract
from lgsp.wire.soap.contract import Version
from lgsp.wire.soap.service import SoapOperation
from tests.wire.soap.kit import CONTRACTS, SOAP12, body_of, envelope, operation, reply, service

ENC = 'xmlns:c="http://schemas.xmlsoap.org/soap/encoding/" xmlns:t="urn:legacy" xmlns:x="http://www.w3.org/2001/XMLSchema"'


def price() -> SoapOperation:
    return service("legacy", port="Legacy").operation("price")


def add() -> SoapOperation:
    return service("legacy", port="Literal").operation("add")


def test_an_rpc_call_with_an_encoded_array() -> None:
    made = price().envelope({"codes": ["1", "2"], "urgent": True})
    assert body_of(made.content.replace(b' s:encodingStyle="http://schemas.xmlsoap.org/soap/encoding/"', b"")) == (
        '<n0:price><codes xsi:type="soapenc:Array" soapenc:arrayType="xsd:string[2]">'
        '<item xsi:type="xsd:string">1</item><item xsi:type="xsd:string">2</item></codes>'
        '<urgent xsi:type="xsd:boolean">true</urgent></n0:price>'
    )
    assert made.headers["SOAPAction"] == '"urn:legacy#price"'


@pytest.mark.parametrize(
    "body",
    [
        f'<t:priceResponse {ENC}><return xsi:type="c:Array" c:arrayType="t:Fee[2]"><i><code>a</code>'
        '<amount>1.5</amount></i><i><code>b</code><amount xsi:nil="1"/></i></return><note>x</note></t:priceResponse>',
        f'<t:priceResponse {ENC}><return href="#1"/><note xsi:type="x:string">x</note></t:priceResponse>'
        f'<multiRef {ENC} id="1" c:root="0" xsi:type="c:Array" c:arrayType="t:Fee[2]"><i href="#2"/>'
        f'<i xsi:type="t:Fee"><code>b</code><amount xsi:nil="1"/></i></multiRef>'
        f'<multiRef {ENC} id="2" c:root="0" xsi:type="t:Fee">'
        "<code>a</code><amount>1.5</amount></multiRef>",
    ],
    ids=["in-place", "referred-to"],
)
def test_an_encoded_array_in_an_answer(body: str) -> None:
    fees = [{"code": "a", "amount": Decimal("1.5")}, {"code": "b", "amount": None}]
    assert price().answer(reply(envelope(body))) == {"return": fees, "note": "x"}


def test_an_array_that_refers_to_itself_is_no_endless_work() -> None:
    body = (
        f'<t:priceResponse {ENC}><return href="#1"/><note>x</note></t:priceResponse>'
        f'<multiRef {ENC} id="1" c:root="0" xsi:type="c:Array" c:arrayType="t:Fees[1]"><i href="#1"/></multiRef>'
    )
    with pytest.raises(BadAnswer, match="refers to itself"):
        price().answer(reply(envelope(body)))


def test_an_rpc_call_in_literal() -> None:
    made = add().envelope({"fee": {"code": "a", "amount": Decimal(1)}, "times": 2})
    assert body_of(made.content) == "<n2:add><fee><code>a</code><amount>1</amount></fee><times>2</times></n2:add>"
    body = '<r:addResponse xmlns:r="urn:legacy:rpc"><return>3</return></r:addResponse>'
    assert add().answer(reply(envelope(body))) == {"return": 3}
    with pytest.raises(BadAnswer, match="addResponse/return: is no int"):
        add().answer(reply(envelope(body.replace("3", "99999999999"))))
    with pytest.raises(MappingError, match="add/fee/amount: missing"):
        add().envelope({"fee": {"code": "a"}, "times": 2})


def test_a_contract_in_pieces() -> None:
    ask = operation("imports", "Ask")
    values = {"Unit": {"Code": "H56"}, "Place": {"Province": "01"}, "Birth": [{"Number": "1"}], "lang": "vi"}
    assert body_of(ask.envelope(values).content) == (
        '<n0:Ask xml:lang="vi"><n0:Unit><n1:Code>H56</n1:Code></n0:Unit><n0:Place><Province>01</Province></n0:Place>'
        "<n0:Birth><n0:Number>1</n0:Number></n0:Birth></n0:Ask>"
    )
    told = envelope('<Told xmlns="urn:a"><Birth><Number>7</Number></Birth></Told>')
    assert ask.answer(reply(told)) == {"Paper": [], "Birth": [{"Number": "7"}]}
    with pytest.raises(MappingError, match=r"Ask/Unit/Code: .*breaks the facet enumeration"):
        ask.envelope({**values, "Unit": {"Code": "H57"}})


def test_what_was_mended_is_noted() -> None:
    notes = {(note.kind, note.text) for note in service("imports").understood.documents.notes}
    assert ("absolute import", "imports.wsdl imports http://registry.example/schemas/b.xsd, read from b.xsd") in notes
    assert ("missing import", "the schema urn:a uses urn:c without importing it") in notes


def copied(folder: Path, name: str, change: dict[str, tuple[str, str]]) -> SoapContract:
    """A copy of a contract with some text changed, file by file."""
    for file in (CONTRACTS / name).iterdir():
        text = file.read_text(encoding="utf-8")
        old, new = change.get(file.name, ("", ""))
        assert old in text
        (folder / file.name).write_text(text.replace(old, new) if old else text, encoding="utf-8")
    return SoapContract(folder / f"{name}.wsdl")


@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("imports", {"urls.json": ('"http://registry.example/schemas/b.xsd": "b.xsd", ', "")},
         r"imports http://registry\.example/schemas/b\.xsd: keep a copy .*urls\.json.* nothing is fetched"),
        ("imports", {"urls.json": ('"b.xsd"', '"missing.xsd"')}, r"no such file missing\.xsd"),
        ("imports", {"urls.json": ('{"http', '["http')}, r"urls\.json: must be an object"),
        ("imports", {"imports.wsdl": ('xmlns:c="urn:c"', 'xmlns:c="urn:d"')}, "uses names of urn:d and imports no"),
        ("imports", {"b.xsd": ("<xs:include", "<!DOCTYPE x><xs:include")}, r"b\.xsd .*(not XML|DOCTYPE)"),
        ("imports", {"b.xsd": ("<xs:schema", "<!DOCTYPE a SYSTEM 'http://x/y.dtd'><xs:schema")}, "not XML|DOCTYPE"),
        ("imports", {"imports.wsdl": ("http://registry.example/schemas/b.xsd", "file:///b.xsd")}, "write it as a path"),
        ("people", {"people.wsdl": ('type="t:Number"', 'type="t:Nummer"')}, r"not understood: .*Nummer"),
        ("people", {"people.wsdl": ("</wsdl:definitions>", "")}, "not XML, or cut off"),
        ("people", {"people.wsdl": ('org/wsdl/"', 'org/wsdl2/"')}, r"neither WSDL 1\.1 nor XML Schema"),
        ("people", {"people.wsdl": ("http://schemas.xmlsoap.org/soap/http", "urn:jms")}, "no SOAP port"),
    ],
)  # fmt: skip
def test_a_contract_that_cannot_be_used_says_why(
    tmp_path: Path, name: str, change: dict[str, tuple[str, str]], told: str
) -> None:
    with pytest.raises(ConfigError, match=told):
        copied(tmp_path, name, change).load()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"none\.wsdl: cannot be read: No such file"):
        SoapContract(tmp_path / "none.wsdl").load()


def test_nothing_is_fetched(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> Any:
        raise AssertionError("a socket was opened")

    monkeypatch.setattr(socket.socket, "connect", refused)
    monkeypatch.setattr(socket, "getaddrinfo", refused)
    copied(tmp_path, "legacy", {}).load()
    copied(tmp_path, "imports", {}).load()


@pytest.mark.parametrize(
    ("text", "content_type"),
    [
        ("utf-16", "text/xml; charset=utf-16"),
        ("utf-16", "text/xml"),
        ("utf-16-le", "text/xml; charset=utf-16le"),
        ("utf-8-sig", "text/xml"),
        ("utf-8", "text/xml; charset=iso-8859-1"),
        ("utf-8", 'application/soap+xml; charset="UTF-8"; action="x"'),
        ("cp1258", "text/xml; charset=windows-1258"),
    ],
)
def test_an_answer_in_many_charsets(text: str, content_type: str) -> None:
    body = envelope('<FindResponse xmlns="urn:people"><Person><PersonalId>012345678901</PersonalId><Name>Đ ê</Name>'
                    "<BirthYear>1999</BirthYear></Person></FindResponse>")  # fmt: skip
    read = operation("people", "Find").answer(reply(body.encode(text), content_type))
    assert read["Person"][0]["Name"] == "Đ ê"


def test_an_answer_that_names_its_encoding() -> None:
    body = '<?xml version="1.0" encoding="UTF-16"?>' + envelope('<FindResponse xmlns="urn:people"/>')
    assert operation("people", "Find").answer(reply(body.encode("utf-16"))) == {"Person": []}
    with pytest.raises(BadAnswer, match="charset"):
        operation("people", "Find").answer(reply(body, "text/xml; charset=klingon"))


@pytest.mark.parametrize("version", ["1.1", "1.2"])
def test_a_service_of_both_versions_takes_answers_of_both(version: Version) -> None:
    for namespace in ("http://schemas.xmlsoap.org/soap/envelope/", SOAP12):
        body = envelope('<UnitsResponse xmlns="http://tempuri.org/"/>', namespace=namespace)
        assert operation("units", "Units", version).answer(reply(body)) == {}


def test_entities_and_depth_do_no_harm() -> None:
    find = operation("people", "Find", check="off")
    bomb = '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]>'
    with pytest.raises(BadAnswer, match="DOCTYPE"):
        find.answer(reply(bomb + envelope('<FindResponse xmlns="urn:people">&b;</FindResponse>')))
    late = "<!--" + "x" * 10_000 + "-->" + bomb[21:]
    with pytest.raises(BadAnswer, match="DOCTYPE"):
        find.answer(reply(late + envelope('<FindResponse xmlns="urn:people"/>')))
    deep = "<a>" * 5000 + "</a>" * 5000
    with pytest.raises(BadAnswer):
        find.answer(reply(envelope(f'<FindResponse xmlns="urn:people"><Person>{deep}</Person></FindResponse>')))


def test_a_service_as_wcf_publishes_it() -> None:
    """SOAP 1.2 only, the interface in another WSDL, schemas by address, a header's own message, recursive types."""
    get = operation("wcf", "GetPerson", "1.2")
    values = {"number": "1", "filter": {"Kinds": ["Living"]}}
    made = get.envelope(values, headers=[Declared("AuthHeader", {"User": "lgsp"}), Addressing().talk("GetPerson")])
    assert b"<n1:AuthHeader><n1:User>lgsp</n1:User></n1:AuthHeader>" in made.content
    assert b">http://tempuri.org/IService/GetPerson</wsa:Action>" in made.content
    assert xsd.problems(CONTRACTS / "wcf", "GetPerson", made.content) == []
    with pytest.raises(MappingError, match="GetPerson/filter/Kinds: "):
        get.envelope({"filter": {"Kinds": ["Undead"]}})
    people = (
        '<a:Person xsi:type="a:Official"><a:Name>A</a:Name><a:Parent><a:Name>B</a:Name></a:Parent>'
        '<a:Office>X</a:Office></a:Person><a:Person xsi:nil="true"/>'
    )
    told = (
        '<GetPersonResponse xmlns="http://tempuri.org/"><GetPersonResult '
        f'xmlns:a="http://schemas.datacontract.org/2004/07/Registry">{people}</GetPersonResult></GetPersonResponse>'
    )
    assert get.answer(reply(envelope(told, namespace=SOAP12))) == {
        "GetPersonResult": {
            "Person": [{"_type": "Official", "Name": "A", "Parent": {"Name": "B"}, "Office": "X"}, None]
        }
    }
    deep = "<a:Parent>" * 1500 + "</a:Parent>" * 1500
    with pytest.raises(BadAnswer, match="nested too deeply"):
        service("wcf", "1.2", "off").operation("GetPerson").answer(
            reply(envelope(told.replace(people, f"<a:Person>{deep}</a:Person>"), namespace=SOAP12))
        )


def test_a_contract_is_read_once_in_a_process() -> None:
    contract = SoapContract(CONTRACTS / "wcf" / "wcf.wsdl")
    assert contract.load() is SoapContract(CONTRACTS / "wcf" / "wcf.wsdl").load()
    assert contract.load().names == ("GetPerson",)


def test_an_encoded_answer_must_have_its_parts() -> None:
    with pytest.raises(BadAnswer, match="an answer without priceResponse/return"):
        price().answer(reply(envelope("<a><note>x</note></a>")))
