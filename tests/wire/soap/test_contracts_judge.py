"""The suites judge SOAP contracts as they do JSON ones, with a validator that neither side uses."""

from __future__ import annotations

import pytest

from lgsp.testing import judge, xsd
from tests.wire.soap.kit import CONTRACTS, envelope, operation

PEOPLE = CONTRACTS / "people"
FIND = '<Find xmlns="urn:people"><PersonalId>012345678901</PersonalId></Find>'


def test_what_we_write_is_what_a_third_judge_takes() -> None:
    content = operation("people", "Find").envelope({"PersonalId": "012345678901"}).content
    assert judge.problems(PEOPLE, "Find", content) == []
    assert judge.problems(CONTRACTS / "units", "Units", operation("units", "Units").envelope({}).content) == []


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (envelope(FIND.replace("901", "")), "/Find/PersonalId: PatternFacets"),
        (envelope(FIND.replace("PersonalId", "Id")), "/Find: "),
        (envelope(FIND).replace("Find", "Lose"), "body: Lose instead of Find"),
        (envelope(""), "body: nothing instead of Find"),
        ("[]", "body: no XML"),
    ],
)
def test_a_breach_is_named_without_its_value(body: str, told: str) -> None:
    found = judge.problems(PEOPLE, "Find", body.encode())
    assert found[0].startswith(told)
    assert "012345678" not in found[0]


def test_each_request_of_a_wsdl_is_known() -> None:
    assert xsd.requests_of(PEOPLE) == {"Find", "Person", "Count"}
    assert xsd.requests_of(CONTRACTS / "units") == {"Units", "Table"}
