"""Routes: which events lead where, for the systems that are switched on."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from pydantic import BaseModel

from lgsp.canonical.dossier import Procedure
from lgsp.canonical.events import Doubt, Event, FeeRequested, PaymentDoubted, PaymentTold, ShipmentRequested, Witness
from lgsp.canonical.payment import Payment, PaymentState
from lgsp.canonical.shipment import Direction
from lgsp.config.settings import ProvinceSettings
from lgsp.errors import ConfigError
from lgsp.routing import Router, choose
from lgsp.spi.connector import ConnectorPlugin, SystemSettings
from lgsp.spi.mapping import Mappings, OperationMapping, Route
from lgsp.spi.operation import Operation, Repeat
from lgsp.spi.registry import System
from tests.support.ledgers import NINE, dossier, reported, step


class _Settings(SystemSettings):
    wanted: bool = True


class _Remote:
    pass


def _request(_event: Event, _context: Any) -> BaseModel:
    return BaseModel()


def _wanted(event: Event, settings: Any) -> bool:
    return event.source == "onestop" and bool(settings.wanted)


def system(name: str, *routes: Route) -> System:
    operations = (
        Operation("push", BaseModel, BaseModel, Repeat.SAFE, "200", full_state=True),
        Operation("tell", BaseModel, BaseModel, Repeat.ASK, "200", probe="push"),
    )
    mappings = tuple(OperationMapping(o.name, _request) for o in operations)
    return System(ConnectorPlugin(name, name, _Settings, _Remote, operations), Mappings(name, mappings, (), routes))


ONE = system("one", Route("dossier.reported", "push", _wanted), Route("step.taken", "tell", deadline=60.0))
TWO = system("two", Route("dossier.reported", "push"))
REPORT, STEP = reported("H21.14-261008-0001", 1), step("H21.14-261008-0001", 2)

TABLE: list[tuple[str, dict[str, Any], Event, list[tuple[str, str]]]] = [
    ("both", {"one": _Settings(), "two": _Settings()}, REPORT, [("one", "push"), ("two", "push")]),
    ("only-one-has-steps", {"one": _Settings(), "two": _Settings()}, STEP, [("one", "tell")]),
    ("not-wanted", {"one": _Settings(wanted=False), "two": _Settings()}, REPORT, [("two", "push")]),
    ("switched-off", {"one": _Settings(enabled=False), "two": _Settings()}, REPORT, [("two", "push")]),
    ("without-a-section", {"two": _Settings()}, REPORT, [("two", "push")]),
    ("of-another-source", {"one": _Settings()}, REPORT.with_(source="npsp"), []),
    ("nobody", {}, REPORT, []),
]


@pytest.mark.parametrize(("settings", "event", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_where_an_event_goes(settings: dict[str, Any], event: Event, expected: list[tuple[str, str]]) -> None:
    plans = Router([ONE, TWO], settings).plan(event)
    assert [(p.system, p.operation) for p in plans] == expected


def test_a_plan_says_what_kind_of_push_it_is_and_its_deadline() -> None:
    router = Router([ONE], {"one": _Settings()})
    [push], [tell] = router.plan(REPORT), router.plan(STEP)
    assert (push.full_state, push.deadline) == (True, 0.0)
    assert (tell.full_state, tell.deadline) == (False, 60.0)


PAYS = [system(name, Route("fee.requested", "tell")) for name in ("vnpay", "napas")]
CHOICES: list[tuple[str, list[System], str, dict[str, str] | str]] = [
    ("the-only-one", PAYS[:1], "", {"fee.requested": "vnpay"}),
    ("none", [ONE], "", {}),
    ("the-named-one", PAYS, "napas", {"fee.requested": "napas"}),
    ("several-none-named", PAYS, "", "province.fee_platform: several systems could do it; name one of napas, vnpay"),
    ("named-and-off", PAYS[:1], "napas", "province.fee_platform: 'napas' is not switched on"),
    ("named-and-cannot", [ONE], "one", "province.fee_platform: 'one' is not switched on or cannot do it"),
]


@pytest.mark.parametrize(("systems", "named", "expected"), [c[1:] for c in CHOICES], ids=[c[0] for c in CHOICES])
def test_one_platform_is_chosen(systems: list[System], named: str, expected: dict[str, str] | str) -> None:
    province = ProvinceSettings(code="H21", name="Gia Lai", fee_platform=named)
    own = {s.name: _Settings() for s in systems}
    if isinstance(expected, str):
        with pytest.raises(ConfigError, match=expected):
            choose(systems, own, province)
        return
    chosen = choose(systems, own, province)
    assert chosen.default == expected
    event = REPORT.with_(type="fee.requested", body=FeeRequested(dossier=dossier(), amount=Decimal(1), attempt=1))
    assert [p.system for p in Router(systems, own, chosen).plan(event)] == list(expected.values())


def test_spans_come_from_the_settings_where_the_route_says_so() -> None:
    route = Route("step.taken", "tell", deadline=lambda s: s.retry_cap * 2, delay=7.0, apart=True)
    [plan] = Router([system("one", route)], {"one": _Settings(retry_cap=30.0)}).plan(STEP)
    assert (plan.deadline, plan.delay, plan.apart) == (60.0, 7.0, True)


@pytest.mark.parametrize("doubt", list(Doubt))
def test_money_in_doubt_is_a_work_item_that_names_the_case_and_no_person(doubt: Doubt) -> None:
    paid = Payment(platform="vnpay", reference="R1", amount=Decimal(4), created_at=NINE)
    told = PaymentTold(platform="vnpay", state=PaymentState.PAID, amount=Decimal(5), witness=Witness.STATEMENT,
                       transaction="FT1", text="NGUYEN VAN MAU chuyen tien 0900000001")  # fmt: skip
    event = REPORT.with_(type="payment.doubted", body=PaymentDoubted(told=told, doubt=doubt, payment=paid))
    [plan] = Router([], {}).plan(event)
    assert plan.parked is not None
    cause, reason = plan.parked
    assert (plan.system, cause, plan.apart) == ("vnpay", f"payment:vnpay:{doubt}", True)
    assert "5 dong" in reason
    assert "NGUYEN" not in reason


def parcel(direction: Direction) -> Event:
    return REPORT.with_(type="shipment.requested", body=ShipmentRequested(dossier=dossier(), direction=direction))


def test_another_platform_for_a_procedure_and_another_carrier_for_papers() -> None:
    carriers = [system(name, Route("shipment.requested", "tell")) for name in ("vnpost", "viettel_post")]
    systems = [*PAYS, *carriers]
    own = {s.name: _Settings() for s in systems}
    province = ProvinceSettings(
        code="H21", name="Gia Lai", fee_platform="vnpay", fee_platform_of={"2.000033": "napas"},
        parcel_carrier="vnpost", paper_collector="viettel_post",
    )  # fmt: skip
    router = Router(systems, own, choose(systems, own, province))
    here, there = dossier(), dossier(procedure=Procedure(code="2.000033"))
    fees = [
        REPORT.with_(type="fee.requested", body=FeeRequested(dossier=d, amount=Decimal(1), attempt=1))
        for d in (here, there)
    ]
    events = [*fees, parcel(Direction.RETURN), parcel(Direction.COLLECT)]
    assert [[p.system for p in router.plan(e)] for e in events] == [["vnpay"], ["napas"], ["vnpost"], ["viettel_post"]]
    wrong = province.model_copy(update={"fee_platform_of": {"1.1": "momo"}, "paper_collector": "ems"})
    with pytest.raises(ConfigError) as error:
        choose(systems, own, wrong)
    assert [p.partition(":")[0] for p in error.value.problems] == [
        "province.fee_platform_of.1.1",
        "province.paper_collector",
    ]
