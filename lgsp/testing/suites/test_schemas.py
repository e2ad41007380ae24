"""Every instance that a request model admits, the published schema admits: judged on the bytes that leave."""

from __future__ import annotations

from collections.abc import Mapping

import httpx
import pytest
from pydantic import BaseModel

from lgsp.errors import CallError
from lgsp.spi.contract import contract_of, examples_of
from lgsp.testing.conformance import Case, Rig, cases, filled, rig_of
from lgsp.testing.judge import problems
from lgsp.testing.models import bent


def schemas_of(case: Case) -> Mapping[str, str]:
    """Wire call -> schema of its request."""
    return {**examples_of(case.system)["schemas"], **case.example.get("schemas", {})}


def judged_cases() -> list[Case]:
    """One for each request that has a schema, in each shape that an example says."""
    found: dict[tuple[str, ...], Case] = {}
    for case in cases():
        found.setdefault(
            (case.system.name, case.operation.name, *sorted(case.example.get("schemas", {}).values())), case
        )
    return [c for c in found.values() if c.operation.name in schemas_of(c) or c.example.get("judged")]


async def sent_by(rig: Rig, request: BaseModel) -> list[httpx.Request]:
    """What leaves for this request, up to the first refusal."""
    start = len(rig.tap.requests)
    try:
        await getattr(rig.connector, rig.case.operation.name)(request, "key")
    except CallError:
        pass  # the remote may refuse an invented dossier; how it was asked is what counts
    return rig.tap.requests[start:]


def breaches(case: Case, requests: list[httpx.Request]) -> list[str]:
    contract, schemas = contract_of(case.system), schemas_of(case)
    return [
        f"{call} breaks {schemas[call]}: {found}"
        for request in requests
        if (call := request.extensions["operation"]) in schemas and request.content
        if (found := problems(contract, schemas[call], request.content))
    ]


@pytest.mark.anyio
@pytest.mark.parametrize("case", judged_cases(), ids=str)
async def test_what_the_model_admits_the_schema_admits(case: Case) -> None:
    judged = 0
    async with rig_of(case) as rig:
        await rig.before()
        for request in bent(case.operation.request, filled(case.example["request"], 1)):
            requests = await sent_by(rig, request)
            judged += any(r.extensions["operation"] in schemas_of(case) for r in requests)
            assert breaches(case, requests) == [], f"for {request.model_dump_json()[:3000]}"
    assert judged, "no request was judged"


@pytest.mark.anyio
@pytest.mark.parametrize("case", cases(), ids=str)
async def test_each_example_is_within_the_schema(case: Case) -> None:
    async with rig_of(case) as rig:
        await rig.before()
        await rig.call()
        assert breaches(case, rig.tap.requests) == []
        unbound = {
            r.extensions["operation"]
            for r in rig.tap.requests
            if r.content and r.extensions["operation"] not in schemas_of(case)
        }
        assert unbound == set(), "requests with a body and no schema in contract/examples.json"


def test_the_judge_is_awake() -> None:
    case = next(iter(judged_cases()), None)
    if case is None:
        pytest.skip("no call has a body that a schema judges")
    schema = next(iter(schemas_of(case).values()))
    assert problems(contract_of(case.system), schema, b"[]") != []
