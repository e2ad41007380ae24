"""The published samples, tied by hand to canonical values: what only this catches is two texts swapped in wire.py."""

from __future__ import annotations

import json
from typing import Any

import pytest

from connectors.npsp.inbound import HOOKS, answer, promotion
from connectors.npsp.wire.calls import CALLS
from connectors.npsp.wire.catalogue import ProcedureDetail, TechId
from connectors.npsp.wire.session import Login
from lgsp.canonical.dossier import Origin, Step
from lgsp.canonical.events import (
    DossierAnswered,
    DossierChanged,
    DossierFiled,
    QuestionAnswered,
    RatingsSummed,
    StepTaken,
)
from lgsp.canonical.party import IdentifierKind, PartyKind
from lgsp.canonical.status import Status
from lgsp.spi.inbound import InboundRequest, Verdict
from mappings.npsp import MAPPINGS, received
from tests.systems.npsp.support import context, dossier, event, judge, local, sample, settings

ENVELOPE = {"session": "6f1c2b7e90a94f0d", "madonvi": "000.00.00.H99"}


def enveloped(operation: str, request: Any) -> Any:
    fields = {name: getattr(request, name) for name in type(request).model_fields}
    return CALLS[operation].model_validate({**fields, **ENVELOPE}).model_dump(mode="json")


def told(ours: Any, theirs: Any) -> Any:
    """Ours without the empty fields that a sample leaves out."""
    if isinstance(ours, dict) and isinstance(theirs, dict):
        return {k: told(v, theirs.get(k)) for k, v in ours.items() if k in theirs or v not in ("", [])}
    if isinstance(ours, list) and isinstance(theirs, list):
        return [told(a, b) for a, b in zip(ours, theirs, strict=True)]
    return ours


CASES = [
    pytest.param(
        "DongBoHoSoMC", "sync_dossier", event("dossier.changed", DossierChanged(dossier=dossier())), id="dossier"
    ),
    pytest.param(
        "CapNhatTienDoHoSoMC",
        "update_progress",
        event(
            "step.taken",
            StepTaken(
                step=Step(
                    id="1",
                    dossier="H99.14-240612-0007",
                    officer="Trần Thị Mẫu",
                    position="Chuyên viên",
                    department="Phòng Quản lý xây dựng",
                    content="Thẩm định hồ sơ",
                    at=local(2024, 6, 13, 10, 0),
                    status=Status.PROCESSING,
                    started_at=local(2024, 6, 13, 8, 0),
                    due_at=local(2024, 6, 20, 17, 0),
                )
            ),
        ),
        id="step",
    ),
    pytest.param(
        "DongBoTrangThaiHoSo",
        "answer_dossier",
        event(
            "dossier.answered",
            DossierAnswered(
                national_code="G09.20-240610-0031",
                local_code="H99.08-240611-0002",
                tech_id="3d0c1f52-8a5e-4a77-9b1c-0e7f4d2a6b10",
                note="Đã tiếp nhận thông báo",
                dossier=dossier(code="H99.08-240611-0002", national_code="G09.20-240610-0031", origin=Origin.PORTAL),
            ),
            at=local(2024, 6, 11, 14, 0),
        ),
        id="answer",
    ),
    pytest.param(
        "DongBoDanhGia",
        "sync_ratings",
        event(
            "ratings.summed",
            RatingsSummed(
                month="2024-06",
                procedure_code="1.009974",
                question="Thái độ phục vụ",
                voters=40,
                very_satisfied=60,
                satisfied=35,
                dissatisfied=5,
                unit_code="000.00.00.H99",
                unit_name="UBND tỉnh Mẫu",
            ),
        ),
        id="ratings",
    ),
    pytest.param(
        "DongBoKetQuaHoiDapGuiTuDVCQG",
        "push_answer",
        event(
            "question.answered",
            QuestionAnswered(
                id="7781",
                unit_code="000.00.00.H99",
                officer="Trần Thị Mẫu",
                position="Chuyên viên",
                answered_at=local(2024, 6, 14, 6, 0),
                content="...",
            ),
        ),
        id="question-answer",
    ),
]


@pytest.mark.parametrize(("name", "operation", "happened"), CASES)
def test_a_canonical_event_becomes_the_published_request(name: str, operation: str, happened: Any) -> None:
    theirs = sample(name)["request"]
    ours = enveloped(operation, MAPPINGS.mapping(operation).outbound(happened, context()))
    assert told(ours, theirs) == theirs
    schema = "DongBoHoSoMC.g1plus" if name == "DongBoHoSoMC" else name
    judge(f"{schema}.request").validate(ours)


@pytest.mark.parametrize(
    ("name", "operation"),
    [
        ("DongBoHoSoMC", "sync_dossier"),
        ("CapNhatTienDoHoSoMC", "update_progress"),
        ("DongBoTrangThaiHoSo", "answer_dossier"),
        ("DongBoDanhGia", "sync_ratings"),
        ("DongBoKetQuaHoiDapGuiTuDVCQG", "push_answer"),
        ("TraCuuHoSo", "find_dossier"),
        ("TraCuuTechID", "find_tech_id"),
        ("LayDanhMucCoQuan", "dictionary"),
        ("LayThuTuc", "get_procedure"),
    ],
)
def test_a_published_request_goes_through_the_wire_model_unchanged(name: str, operation: str) -> None:
    theirs = sample(name)["request"]
    ours = CALLS[operation].model_validate(theirs).model_dump(mode="json")
    assert told(ours, theirs) == theirs


def test_the_published_login_goes_through_the_wire_model() -> None:
    theirs = sample("login")["request"]
    assert Login.model_validate(theirs).model_dump() == theirs


def test_the_published_procedure_is_read() -> None:
    found = ProcedureDetail.model_validate(sample("LayThuTuc")["answer"]["result"][0])
    assert found.LINHVUCTHUCHIEN[0].MALINHVUC == "G17-XD03"
    assert found.CACHTHUCTHUCHIEN[0].THOIGIAN[0].PHILEPHI[0].SOTIEN == "75.000"
    assert found.KETQUATHUCHIEN[0].MAKETQUA == "KQ.G17.000031"


def test_the_published_account_key_is_read() -> None:
    row = sample("TraCuuTechID")["answer"]["result"][0]
    assert TechId.model_validate(row).TECHNICALID == "3d0c1f52-8a5e-4a77-9b1c-0e7f4d2a6b10"


def test_the_published_promotion_notice_is_a_dossier_filed_at_the_portal() -> None:
    published = sample("addtthcKhuyenMai")
    call = InboundRequest(
        "POST",
        "/",
        {"adapter": "VXPAdapter"},
        {},
        {"content-type": "application/json"},
        json.dumps(published["request"]).encode(),
        "",
    )
    got = promotion(call, settings())
    (happened,) = received.promotion(got.items[0], context())  # type: ignore[arg-type]  # items are BaseModel to the bus
    assert happened.dossier == "G09.20-240610-0031"
    assert isinstance(happened.body, DossierFiled)
    filed = happened.body.dossier
    assert (filed.national_code, filed.origin) == ("G09.20-240610-0031", Origin.PORTAL)
    assert (filed.applicant.kind, filed.applicant.name) == (PartyKind.BUSINESS, "Công ty Mẫu")
    assert filed.applicant.number(IdentifierKind.TAX_CODE) == "0100000001"
    assert filed.submitted_at == local(2024, 6, 10, 8, 0)
    assert json.loads(answer(call, Verdict.ACCEPTED, "").body) == published["answer"]
    assert HOOKS[0].path.endswith("/RestService/forward/addtthcKhuyenMai")
