"""Faults of both versions and what they mean; the body decides, not the status."""

from __future__ import annotations

import pytest

from lgsp.errors import AccessRefused, BadAnswer, CallError, OutcomeUnknown, Rejected, SessionRejected, Unavailable
from lgsp.wire.soap import Fault
from tests.wire.soap.kit import SOAP12, envelope, operation, reply


def fault11(code: str, detail: str = "", text: str = "Không có công dân 012345678901") -> str:
    inner = f"<detail>{detail}</detail>" if detail else ""
    return envelope(f"<e:Fault><faultcode>{code}</faultcode><faultstring>{text}</faultstring>{inner}</e:Fault>")


def fault12(code: str, subcode: str = "") -> str:
    below = f"<e:Subcode><e:Value>x:{subcode}</e:Value></e:Subcode>" if subcode else ""
    return envelope(
        f"<e:Fault><e:Code><e:Value>e:{code}</e:Value>{below}</e:Code><e:Reason><e:Text xml:lang='vi'>Không</e:Text>"
        "</e:Reason></e:Fault>",
        namespace=SOAP12,
    )


def failing(body: str, status: int = 500) -> CallError:
    with pytest.raises(CallError) as caught:
        operation("people", "Find").answer(reply(body, status=status))
    assert "012345678901" not in str(caught.value)
    return caught.value


@pytest.mark.parametrize(
    ("body", "kind", "code"),
    [
        (fault11("e:Client"), Rejected, "Client"),
        (fault11("Client.Person.NotFound"), Rejected, "Client.Person.NotFound"),
        (fault11("e:Server"), OutcomeUnknown, "Server"),
        (fault11("e:MustUnderstand"), Rejected, "MustUnderstand"),
        (fault11("e:VersionMismatch"), Rejected, "VersionMismatch"),
        (fault11("wsse:FailedAuthentication"), AccessRefused, "FailedAuthentication"),
        (fault11("", ""), OutcomeUnknown, "none"),
        (fault12("Sender"), Rejected, "Sender"),
        (fault12("Sender", "NotFound"), Rejected, "NotFound"),
        (fault12("Receiver"), OutcomeUnknown, "Receiver"),
        (fault12("Sender", "FailedAuthentication"), AccessRefused, "FailedAuthentication"),
        (fault12("Receiver", "MessageExpired"), Unavailable, "MessageExpired"),
    ],
)
def test_what_a_fault_means(body: str, kind: type[CallError], code: str) -> None:
    error = failing(body)
    assert (type(error), error.code, error.system, error.operation) == (kind, code, "remote", "find")


def test_a_fault_in_a_200_is_a_fault() -> None:
    assert isinstance(failing(fault11("e:Client"), 200), Rejected)


def test_an_answer_in_a_500_is_an_answer() -> None:
    body = envelope('<FindResponse xmlns="urn:people"/>')
    assert operation("people", "Find").answer(reply(body, status=500)) == {"Person": []}


def test_a_typed_detail() -> None:
    error = failing(fault11("e:Server", '<NotFound xmlns="urn:people"><Why>3</Why></NotFound><trace>x</trace>'))
    assert isinstance(error.fault, Fault)
    assert error.fault.detail == {"NotFound": {"Why": 3}, "trace": "x"}
    assert error.fault.text == "Không có công dân 012345678901"


def test_a_detail_that_does_not_fit_its_type_is_handed_on() -> None:
    error = failing(fault11("e:Server", '<NotFound xmlns="urn:people"><Why>because</Why></NotFound>'))
    assert isinstance(error.fault, Fault)
    assert error.fault.detail["NotFound"].tag == "{urn:people}NotFound"


def test_a_system_reads_its_own_codes() -> None:
    def meaning(fault: Fault) -> CallError | None:
        return Unavailable("busy", code=fault.name) if fault.name == "Server.Busy" else None

    find = operation("people", "Find")
    with pytest.raises(Unavailable) as caught:
        find.answer(reply(fault11("Server.Busy")), own=meaning)
    assert (caught.value.system, caught.value.operation) == ("remote", "find")
    with pytest.raises(OutcomeUnknown):
        find.answer(reply(fault11("Server.Other")), own=meaning)


@pytest.mark.parametrize(
    ("body", "status", "kind"),
    [
        ("<html><body>maintenance</body></html>", 200, BadAnswer),
        ("<!DOCTYPE html><html/>", 503, OutcomeUnknown),
        ("no", 401, SessionRejected),
        ("", 500, OutcomeUnknown),
        ("", 200, BadAnswer),
        (envelope("<a/>"), 200, BadAnswer),
        (envelope(""), 200, BadAnswer),
        (envelope('<Find xmlns="urn:people"/>'), 200, BadAnswer),
        ('<e:Envelope xmlns:e="urn:other"/>', 200, BadAnswer),
        (fault11("e:Client")[:-30], 200, BadAnswer),
        ('<!DOCTYPE a [<!ENTITY x "y">]>' + envelope('<FindResponse xmlns="urn:people"/>'), 200, BadAnswer),
    ],
)
def test_what_is_no_soap(body: str, status: int, kind: type[CallError]) -> None:
    assert type(failing(body, status)) is kind
