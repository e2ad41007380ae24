"""The judge refuses bytes that are no message, and messages that are not what the schema publishes."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from mocks.kit.judge import Breach, Judge, Unreadable, decode, decomposed
from mocks.npsp import Portal, make
from tests.mocks.samples import ITEM, STEP, item

CONTRACTS = [Path(__file__).parents[2] / "connectors" / name / "contract" for name in ("npsp", "onestop")]


@pytest.fixture(scope="module")
def portal() -> Portal:
    return make()


def envelope(**changes: Any) -> dict[str, Any]:
    return {"session": "s", "madonvi": "000.00.00.H21", "service": "DongBoHoSoMC", "isUpdating": "False"} | changes


@pytest.mark.parametrize("file", [f for c in CONTRACTS for f in sorted(c.glob("*.schema.json"))], ids=lambda f: f.name)
def test_every_schema_is_a_schema_with_its_source(file: Path) -> None:
    schema = json.loads(file.read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["$comment"].strip()
    assert schema["$id"].endswith(file.name.removesuffix(".schema.json"))


@pytest.mark.parametrize(
    ("body", "media", "reason"),
    [
        (b"", "application/json", "empty"),
        (b'{"a": 1, "a": 1}', "application/json", "twice"),
        (b'{"a": NaN}', "application/json", "NaN"),
        (b"\xef\xbb\xbf{}", "application/json", "byte order mark"),
        ('{"a": "Nguyễn"}'.encode("utf-16-le"), "application/json", "JSON|UTF-8"),
        ("{'a': 'Nguyễn'}".encode("cp1258", "replace"), "application/json", "JSON|UTF-8"),
        (b'{"a": "\xe9"}', "application/json", "UTF-8"),
        (b'{"a": ', "application/json", "not JSON"),
        (b"<html></html>", "application/json", "not JSON"),
        (b"{}", "text/plain", "content type"),
        (b"{}", "", "content type"),
        (b"{}", "application/json; charset=tcvn3", "charset"),
        (b"[" * 200 + b"]" * 200, "application/json", "deeply"),
        (b"[" * 100_000 + b"]" * 100_000, "application/json", "deeply"),
    ],
    ids=["empty", "key-twice", "nan", "bom", "utf16", "cp1258", "latin1", "cut", "html", "text", "no-type", "charset",
         "deep", "abyss"],
)  # fmt: skip
def test_bytes_that_are_no_message(body: bytes, media: str, reason: str) -> None:
    with pytest.raises(Unreadable, match=reason):
        decode(body, media)


def test_well_formed_bytes_are_read() -> None:
    assert decode('{"a": ["Nguyễn", 1]}'.encode(), 'application/json; charset="UTF-8"') == {"a": ["Nguyễn", 1]}


def test_decomposed_vietnamese_is_noticed() -> None:
    assert decomposed('{"a": "Nguye\u0302\u0303n"}'.encode())
    assert not decomposed('{"a": "Nguyễn"}'.encode())


G1_MUST = [
    "MaHoSo",
    "MaTTHC",
    "TenTTHC",
    "MaLinhVuc",
    "TenLinhVuc",
    "LoaiDoiTuong",
    "Email",
    "SoDienThoai",
    "TrichYeuHoSo",
    "NgayTiepNhan",
    "NgayHenTra",
    "TrangThaiHoSo",
    "HinhThuc",
    "DonViXuLy",
]
PLUS_MUST = [
    "KenhThucHien",
    "SoGiayToChuHoSo",
    "DinhDanhCHS",
    "NgayNopHoSo",
    "NoiNopHoSo",
    "HoSoCoThanhPhanSoHoa",
    "TaiKhoanDuocXacThucVoiVNeID",
    "DuocThanhToanTrucTuyen",
    "DSKetNoiCSDL",
]


@pytest.mark.parametrize("field", G1_MUST + PLUS_MUST)
@pytest.mark.parametrize("generation", ["g1", "g1plus"])
def test_each_mandatory_field_by_generation(portal: Portal, generation: str, field: str) -> None:
    sent = item(portal)
    del sent[field]
    schema, body = f"DongBoHoSoMC.{generation}.request", envelope(data=[sent])
    if generation == "g1" and field in PLUS_MUST:
        portal.judge.check(schema, body)
    else:
        with pytest.raises(Breach) as caught:
            portal.judge.check(schema, body)
        assert caught.value.problems == [f"data[0].{field}: missing"]


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("NgayTiepNhan", ""),
        ("NgayTiepNhan", "2026-11-23 09:30:00"),
        ("NgayTiepNhan", "202611230930"),
        ("NgayTiepNhan", "20261323093000"),
        ("NgayTiepNhan", "20261123243000"),
        ("NgayTiepNhan", "20261123093000\n"),
        ("NgayHenTra", None),
        ("NgayHenTra", 20261130170000),
        ("TrangThaiHoSo", 2),
        ("TrangThaiHoSo", "11"),
        ("TrangThaiHoSo", "02"),
        ("MaTTHC", "1.9974"),
        ("MaTTHC", "2.000033.H21"),
        ("MaHoSo", ""),
        ("TrichYeuHoSo", " "),
        ("TrichYeuHoSo", "x" * 1001),
        ("GhiChu", "x" * 2001),
        ("KenhThucHien", "0"),
        ("LoaiDoiTuong", "0"),
        ("HinhThuc", "2"),
        ("DinhDanhCHS", [{"LoaiDinhDanh": "1", "SoDinhDanh": "123456789"}]),
        ("DinhDanhCHS", [{"LoaiDinhDanh": "2", "SoDinhDanh": "099088000123"}]),
        ("DanhSachLePhi", [{**ITEM["DanhSachLePhi"][0], "Gia": "75.000"}]),
        ("DanhSachLePhi", [{**ITEM["DanhSachLePhi"][0], "HinhThucThu": "3"}]),
        ("TaiLieuNop", [{**ITEM["TaiLieuNop"][0], "IsDeleted": False}]),
        ("TaiLieuNop", [{**ITEM["TaiLieuNop"][0], "DuongDanTaiTepTin": "don.pdf"}]),
        ("TaiLieuNop", [{**ITEM["TaiLieuNop"][0], "TenTepDinhKem": "x" * 4001}]),
        ("MaHoso", "H21.14-261123-0007"),
    ],
)
def test_values_that_are_not_what_is_published(portal: Portal, field: str, value: Any) -> None:
    with pytest.raises(Breach) as caught:
        portal.judge.check("DongBoHoSoMC.g1plus.request", envelope(data=[item(portal, **{field: value})]))
    assert field in str(caught.value)
    assert "099088000123" not in str(caught.value)


@pytest.mark.parametrize("status", ["1", "3", "7"])
def test_a_dossier_not_received_has_no_time_of_reception(portal: Portal, status: str) -> None:
    sent = item(portal, NgayTiepNhan="", TrangThaiHoSo=status)
    portal.judge.check("DongBoHoSoMC.g1plus.request", envelope(data=[sent]))


@pytest.mark.parametrize("field", ["MaHoSo", "NguoiXuLy", "ThoiDiemXuLy", "NoiDungXuLy", "TrangThai"])
def test_each_mandatory_field_of_a_step(portal: Portal, field: str) -> None:
    step = {k: v for k, v in STEP.items() if k != field}
    body = {"session": "s", "madonvi": "H21", "service": "CapNhatTienDoHoSoMC", "data": [step]}
    with pytest.raises(Breach, match=f"{field}: missing"):
        portal.judge.check("CapNhatTienDoHoSoMC.request", body)


def test_steps_and_their_officer_have_limits(portal: Portal) -> None:
    body = {"session": "s", "madonvi": "H21", "service": "CapNhatTienDoHoSoMC", "data": [STEP] * 10}
    portal.judge.check("CapNhatTienDoHoSoMC.request", body)
    for wrong in ([STEP] * 11, [], [STEP | {"NguoiXuLy": "x" * 51}], [STEP | {"NguoiXuLy": ""}]):
        with pytest.raises(Breach):
            portal.judge.check("CapNhatTienDoHoSoMC.request", body | {"data": wrong})


def test_a_contract_without_schemas_judges_nothing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="cannot judge"):
        Judge(tmp_path)
