"""A small registry of people, made with the mock kit: it knows our wire from its bytes only."""

from __future__ import annotations

from mocks.kit.app import Mock
from mocks.kit.http import Answer, Call
from mocks.kit.judge import Breach, Unreadable
from mocks.kit.soap import Soap
from tests.wire.soap.kit import CONTRACTS

ADDRESS = "http://mock.test/people"


class Registry(Mock):
    """Knows one person, in the shapes of ``people.wsdl``."""

    name = "people"
    contract = CONTRACTS / "people"
    address = ADDRESS

    def start_over(self) -> None:
        super().start_over()
        self.soap = Soap(self.contract)

    def operation(self, call: Call) -> str:
        return self.soap.name(call) or "other"

    def handle(self, call: Call, operation: str) -> Answer:
        document = self.soap.wsdl(call, self.address)
        if document is not None:
            return document
        message = self.soap.judged(call)
        if operation == "Find":
            number = message.text("PersonalId")
            if number.endswith("000"):
                detail = '<NotFound xmlns="urn:people"><Why>1</Why></NotFound>'
                return self.soap.fault(message.version, "Client.NotFound", "no such person", detail=detail)
            if number.endswith("999"):
                return self.soap.answer(message, '<FindResponse xmlns="urn:people"><Nonsense/></FindResponse>')
            caller = message.headers.get("Caller")
            reason = message.text("Reason") or ("".join(map(str, caller.itertext())) if caller is not None else "")
            return self.soap.answer(
                message,
                f'<FindResponse xmlns="urn:people"><Person><PersonalId>{number}</PersonalId><Name>Mẫu {reason}</Name>'
                "<BirthYear>1999</BirthYear></Person></FindResponse>",
            )
        if operation == "Count":
            return self.soap.answer(message, f'<Counted xmlns="urn:people">{len(message.body.text or "")}</Counted>')
        self.ledger.record(self.clock.now(), message.text("PersonalId"), "save", message.content())
        return Answer(status=202, body=b"", media="text/xml")

    def breach(self, call: Call, error: Breach) -> Answer:
        return self.soap.refused(call, error)

    def unreadable(self, call: Call, error: Unreadable) -> Answer:
        return self.soap.refused(call, error)
