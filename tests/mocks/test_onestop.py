"""The one-stop system's REST v2: idempotent where it says so, refusing strangers and unknown things."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from mocks.onestop import OneStop, make
from tests.mocks.samples import NEW_DOSSIER, REST, SITE, client

pytestmark = pytest.mark.anyio


def caller(app: OneStop, **headers: str) -> httpx.AsyncClient:
    return client(app, auth=("lgsp", "secret"), headers=SITE | headers)


async def test_strangers_and_wrong_sites_are_refused() -> None:
    app = make()
    async with client(app, headers=SITE) as http:
        reply = await http.get(f"{REST}/dossiers")
        assert reply.status_code == 401
        assert reply.headers["www-authenticate"].startswith("Basic")
    async with client(app, headers=SITE, auth=("lgsp", "wrong")) as http:
        assert (await http.get(f"{REST}/dossiers")).status_code == 401
    async with caller(app, groupId="1") as http:
        assert (await http.get(f"{REST}/dossiers")).status_code == 403


async def test_a_reference_makes_one_dossier_however_often_it_is_sent() -> None:
    app = make()
    async with caller(app) as http:
        first = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER)).json()
        again = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER)).json()
        other = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER | {"applicantName": "Khác"})).json()
        assert first == again == other
        assert first["dossierNo"].startswith("H21.14-")
        assert (await http.get(f"{REST}/dossiers/{first['dossierId']}")).json() == first
    assert app.ledger.kinds["create"] == 1
    assert [v["kind"] for v in app.violations] == ["warning"]


@pytest.mark.parametrize(
    "field", ["referenceUid", "serviceCode", "govAgencyCode", "applicantName", "applicantIdType", "submitDate"]
)
async def test_each_mandatory_field_of_a_new_dossier(field: str) -> None:
    app = make()
    async with caller(app) as http:
        body = {k: v for k, v in NEW_DOSSIER.items() if k != field}
        reply = await http.post(f"{REST}/dossiers", json=body)
    assert reply.status_code == 400
    assert reply.json()["message"] == f"{field}: missing"
    assert len(app.ledger) == 0


@pytest.mark.parametrize(
    "change",
    [
        {"applicantIdType": "1"},
        {"submitDate": "20261123081500"},
        {"submitDate": 0},
        {"viaPostal": True},
        {"serviceCode": "9.999999"},
        {"dossierNumber": "x"},
        {"dossierFiles": [{"referenceUid": "f", "displayName": "don.pdf"}]},
    ],
    ids=lambda c: next(iter(c)) + "-" + type(next(iter(c.values()))).__name__,
)
async def test_values_a_new_dossier_cannot_have(change: dict[str, Any]) -> None:
    app = make()
    async with caller(app) as http:
        assert (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER | change)).status_code == 400
    assert not app.store.dossiers


async def test_a_local_variant_of_a_procedure_is_known() -> None:
    async with caller(make()) as http:
        body = NEW_DOSSIER | {"serviceCode": "2.000033.H21"}
        assert (await http.post(f"{REST}/dossiers", json=body)).status_code == 200


async def test_what_does_not_exist_is_not_found() -> None:
    async with caller(make()) as http:
        for path in ("dossiers/1", "dossiers/abc/actions", "dossiers/1/payments", "other"):
            reply = await http.get(f"{REST}/{path}")
            assert reply.status_code == 404
            assert reply.json()["code"] == "NOT_FOUND"
        assert (await http.delete(f"{REST}/dossiers")).status_code == 405


async def test_actions_append_and_a_repeat_is_a_double() -> None:
    app = make()
    async with caller(app) as http:
        number = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER)).json()["dossierId"]
        body = {"actionCode": "1300", "actionUser": "npsp", "actionNote": "Đã trả lời"}
        for _ in range(2):
            assert (await http.post(f"{REST}/dossiers/{number}/actions", json=body)).status_code == 200
        assert (await http.post(f"{REST}/dossiers/{number}/actions", json={"actionUser": "x"})).status_code == 400
        listed = (await http.get(f"{REST}/dossiers/{number}/actions")).json()
    assert (listed["total"], [a["sequenceNo"] for a in listed["data"]]) == (2, ["1", "2"])
    assert app.ledger.summary()["doubles"] == 1


async def test_a_payment_is_a_state() -> None:
    app = make()
    async with caller(app) as http:
        number = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER)).json()["dossierId"]
        url = f"{REST}/dossiers/{number}/payments"
        assert (await http.get(url)).json() == {"total": 0, "data": []}
        body = {"paymentStatus": 3, "paymentAmount": 75000, "paymentMethod": "npsp", "confirmNote": "1"}
        first = (await http.put(url, json=body)).json()
        assert (await http.put(url, json=body)).json() == first
        assert (await http.put(url, json=body | {"paymentAmount": 75000.5})).status_code == 400
        assert (await http.get(url)).json()["total"] == 1
    assert [e.flags for e in app.ledger.after(0, 10, kind="payment")] == [(), ("repeat",)]


async def test_a_file_is_taken_once() -> None:
    app = make()
    async with caller(app) as http:
        number = (await http.post(f"{REST}/dossiers", json=NEW_DOSSIER)).json()["dossierId"]
        body = {"referenceUid": "kq-1", "displayName": "ket-qua.pdf", "fileUrl": "https://lgsp.example/f/1"}
        ids = {
            (await http.post(f"{REST}/dossiers/{number}/files", json=body)).json()["dossierFileId"] for _ in range(2)
        }
    assert len(ids) == 1
    assert app.ledger.kinds["file"] == 1


async def test_polling_sees_changes_in_their_order() -> None:
    app = make()
    app.clock.set(datetime(2026, 11, 23, 1, tzinfo=UTC))
    async with caller(app) as http:
        seeds = [{"dossierNo": f"H21.14-261123-000{n}", "serviceCode": "2.000033"} for n in (1, 2, 3)]
        for seed in seeds:
            app.clock.advance(60)
            reply = await http.post("http://mock/_mock/onestop/dossiers", json=seed)
            assert reply.status_code == 200
        listed = (await http.get(f"{REST}/dossiers", params={"start": 0, "end": 2})).json()
        assert (listed["total"], len(listed["data"])) == (3, 2)
        since = listed["data"][-1]["modifiedDate"]
        app.clock.advance(60)
        moved = await http.post(
            f"http://mock/_mock/onestop/dossiers/{listed['data'][0]['dossierId']}/move",
            json={"actionCode": "1100", "record": {"dossierStatus": "processing", "receiveDate": since}},
        )
        assert moved.json()["record"]["dossierStatus"] == "processing"
        changed = (await http.get(f"{REST}/dossiers", params={"modifiedSince": since})).json()["data"]
        assert [d["dossierNo"][-1] for d in changed] == ["2", "3", "1"]
        actions = await http.get(f"{REST}/dossiers/{changed[-1]['dossierId']}/actions")
        assert [a["actionCode"] for a in actions.json()["data"]] == ["1100"]
        one = (await http.get(f"{REST}/dossiers", params={"dossierNo": "H21.14-261123-0002"})).json()
        assert one["total"] == 1
        for wrong in ({"modifiedSince": "yesterday"}, {"start": -1}, {"end": 5000}, {"changedSince": 1}):
            assert (await http.get(f"{REST}/dossiers", params=wrong)).status_code == 400


async def test_a_seed_is_judged_too() -> None:
    async with client(make()) as http:
        reply = await http.post("http://mock/_mock/onestop/dossiers", json={"dossierStatus": "lost"})
    assert reply.status_code == 400
    assert "dossierStatus" in reply.json()["error"]
