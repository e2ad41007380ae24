"""`lgsp soap inspect` tells what a contract offers and what is unusual about it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from lgsp.cli.main import make
from lgsp.wire.soap.inspect import Field, inspect
from tests.wire.soap.kit import CONTRACTS


def kinds(name: str) -> set[str]:
    return {kind for kind, _ in inspect(CONTRACTS / name / f"{name}.wsdl").unusual}


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("people", {"dummy address", "absent SOAPAction", "one way", "any element"}),
        ("units", {"dummy address", "both SOAP versions", "DataSet", "any element"}),
        ("legacy", {"dummy address", "missing import", "rpc/encoded"}),
        ("imports", {"dummy address", "absolute import", "missing import"}),
        ("papers", {"dummy address", "absolute import", "attachments", "binary"}),
    ],
)
def test_what_is_unusual(name: str, wanted: set[str]) -> None:
    assert kinds(name) == wanted


def test_operations_and_their_types() -> None:
    report = inspect(CONTRACTS / "people" / "people.wsdl")
    (port,) = report.ports
    assert (port.service, port.name, port.version) == ("People", "People", "1.1")
    assert [(o.name, o.style, o.action) for o in port.operations] == [
        ("Find", "document/literal wrapped", "urn:people/find"),
        ("Save", "document/literal bare", ""),
        ("Count", "document/literal bare", None),
    ]
    find = port.operations[0]
    assert find.input[1] == Field("Find/PersonalId", "Number (string)", "1")
    assert Field("FindResponse/Person/Home/Ward", "string", "1", True) in find.output
    assert (find.headers, find.faults) == (("Caller",), ("NotFound",))


def test_a_schema_that_cannot_judge_is_a_finding(tmp_path: Path) -> None:
    text = (CONTRACTS / "people" / "people.wsdl").read_text(encoding="utf-8")
    ambiguous = '<xs:element name="Reason" type="xs:string" minOccurs="0"/>'
    assert ambiguous in text
    (tmp_path / "p.wsdl").write_text(text.replace(ambiguous, ambiguous + ambiguous), encoding="utf-8")
    found = dict(inspect(tmp_path / "p.wsdl").unusual)
    assert "cannot judge" in found["schema not usable"]


def test_the_command_in_both_forms() -> None:
    file = str(CONTRACTS / "units" / "units.wsdl")
    plain = CliRunner().invoke(make(), ["soap", "inspect", file], env={"LGSP_LANG": "vi"}, prog_name="lgsp")
    assert plain.exit_code == 0
    assert "Bất thường:" in plain.stdout
    told = CliRunner().invoke(make(), ["soap", "inspect", file, "--json"], prog_name="lgsp")
    document = json.loads(told.stdout)
    assert [port["soap"] for port in document["ports"]] == ["1.1", "1.2"]
    assert {"kind": "DataSet", "text": "Units: UnitsResponse/UnitsResult"} in document["unusual"]
    missing = CliRunner().invoke(make(), ["soap", "inspect", "none.wsdl"], prog_name="lgsp")
    assert missing.exit_code == 2
    assert "cannot be read" in missing.stderr
