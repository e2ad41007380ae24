"""The portal keeps state and refuses what the real one refuses."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from mocks.npsp import Portal, make
from tests.mocks.samples import ADAPTER, DSTCODE, G1, ITEM, STEP, client, item, ok

pytestmark = pytest.mark.anyio
CODE = ITEM["MaHoSo"]


async def opened(portal: Portal) -> G1:
    caller = G1(client(portal))
    await caller.login()
    return caller


async def test_adapter_wants_its_dstcode_in_query_or_header() -> None:
    login = {"username": "lgsp.h21", "password": "secret"}
    async with client(make()) as http:
        for query, headers, status in (
            (DSTCODE, {}, 200),
            ({}, DSTCODE, 200),
            ({}, {}, 500),
            ({"dstcode": "VN:GOV:000.00.00.G99:other"}, {}, 500),
        ):
            reply = await http.post(f"{ADAPTER}/mapi/login", json=login, params=query, headers=headers)
            assert reply.status_code == status
            assert reply.headers["content-type"].startswith("application/json" if status == 200 else "text/plain")
        assert (await http.get(f"{ADAPTER}/mapi/login", params=DSTCODE)).status_code == 405
        assert (await http.post(f"{ADAPTER}/mapi/other", json={}, params=DSTCODE)).status_code == 404


async def test_log_in_refuses_a_wrong_password() -> None:
    async with client(make()) as http:
        reply = await http.post(f"{ADAPTER}/mapi/login", json={"username": "lgsp.h21", "password": "x"}, params=DSTCODE)
    assert reply.json()["error_code"] == "-1"
    assert "session" not in reply.json()


async def test_a_session_ends_with_the_clock() -> None:
    portal = make()
    caller = await opened(portal)
    assert ok(await caller.call("TraCuuHoSo", mahoso=CODE))
    portal.clock.advance(599)
    assert ok(await caller.call("TraCuuHoSo", mahoso=CODE))
    portal.clock.advance(1)
    answer = await caller.call("TraCuuHoSo", mahoso=CODE)
    assert int(answer["error_code"]) == -1
    assert "Phiên làm việc" in answer["message"]
    await caller.login()
    assert ok(await caller.call("TraCuuHoSo", mahoso=CODE))


async def test_zero_comes_in_three_shapes() -> None:
    caller = await opened(make())
    codes = [(await caller.call("TraCuuHoSo", mahoso=CODE))["error_code"] for _ in range(3)]
    assert {repr(code) for code in codes} == {"0", "'0'", "'00'"}


async def test_a_dossier_is_created_once_then_updated() -> None:
    portal = make()
    caller = await opened(portal)
    missing = await caller.sync(item(portal), updating=True)
    assert (int(missing["error_code"]), missing["message"]) == (-1, "Hồ sơ không tồn tại")
    assert ok(await caller.sync(item(portal)))
    again = [await caller.sync(item(portal)) for _ in range(4)]
    assert {repr(answer["error_code"]) for answer in again} == {"'3'", "-3"}
    assert all("đã tồn tại" in answer["message"] for answer in again)
    assert ok(await caller.sync(item(portal, TrangThaiHoSo="4"), updating=True))
    found = (await caller.call("TraCuuHoSo", mahoso=CODE))["result"]
    assert [row["TrangThaiHoSo"] for row in found] == ["4"]
    assert [e.kind for e in portal.ledger.of(CODE)] == ["create", "update"]
    assert portal.ledger.summary()["doubles"] == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"MaTTHC": "9.999999"}, "MaTTHC"),
        ({"MaLinhVuc": "G17-XD03"}, "MaLinhVuc"),
        ({"NgayTiepNhan": "20260230093000"}, "NgayTiepNhan"),
        ({"SoGiayToChuHoSo": "000000001"}, "SoGiayToChuHoSo"),
        ({"DinhDanhCHS": [{"LoaiDinhDanh": "2", "SoDinhDanh": "000000001"}]}, "DinhDanhCHS"),
        (
            {
                "DanhSachHoSoBoSung": [
                    {"HoSoBoSungId": 1, "NguoiYeuCauBoSung": "A", "NoiDungBoSung": "B", "NgayBoSung": "20270229080000",
                     "TrangThaiBoSung": False}
                ]
            },
            "NgayBoSung",
        ),
    ],
    ids=["procedure", "field", "unreal-day", "dummy-number", "dummy-cmnd", "unreal-round"],
)  # fmt: skip
async def test_what_the_portal_does_not_know_is_refused(change: dict[str, Any], word: str) -> None:
    portal = make()
    caller = await opened(portal)
    answer = await caller.sync(item(portal, **change))
    assert int(answer["error_code"]) == -1
    assert word in answer["message"]
    assert not portal.dossiers
    assert len(portal.ledger) == 0
    assert portal.violations[-1]["dossier"] == CODE


@pytest.mark.parametrize(
    ("unit", "taken"), [("H21", True), ("H21.14.05", True), ("H08", False), ("000.00.00.H99", False)]
)
async def test_the_calling_unit_must_be_open(unit: str, taken: bool) -> None:
    portal = make()
    caller = await opened(portal)
    body = {"session": caller.session, "madonvi": unit, "service": "LayDanhMucCoQuan"}
    reply = await caller.http.post(f"{ADAPTER}/mapi/g", json=body, params=DSTCODE)
    assert ok(reply.json()) is taken


async def test_schema_breach_is_answered_with_the_place_not_the_value() -> None:
    portal = make()
    caller = await opened(portal)
    answer = await caller.sync(item(portal, SoGiayToChuHoSo=""))
    assert "data[0].SoGiayToChuHoSo" in answer["message"]
    assert "Nguyễn" not in answer["message"]
    portal.change_settings({"generation": "g1"})
    assert ok(await caller.sync(item(portal, SoGiayToChuHoSo="")))


async def test_an_older_state_is_taken_and_noted() -> None:
    portal = make()
    caller = await opened(portal)
    await caller.sync(item(portal))
    finished = item(portal, TrangThaiHoSo="9", NgayKetThucXuLy="20261125100000")
    returned = {**finished, "TrangThaiHoSo": "10", "NgayTra": "20261126100000"}
    assert ok(await caller.sync(finished, updating=True))
    assert ok(await caller.sync(returned, updating=True))
    assert portal.ledger.summary()["out_of_order"] == 0
    assert ok(await caller.sync(item(portal, TrangThaiHoSo="4"), updating=True))
    assert portal.ledger.summary()["out_of_order"] == 1
    assert portal.dossiers[CODE].status == "4"
    assert portal.dossiers[CODE].statuses == ["2", "9", "10", "4"]


async def test_a_lost_date_is_out_of_order_though_the_status_stays() -> None:
    portal = make()
    caller = await opened(portal)
    await caller.sync(item(portal, TrangThaiHoSo="9", NgayKetThucXuLy="20261125100000"))
    await caller.sync(item(portal, TrangThaiHoSo="9"), updating=True)
    assert portal.dossiers[CODE].out_of_order == 1


async def test_a_step_told_twice_is_stored_twice_and_counted() -> None:
    portal = make()
    caller = await opened(portal)
    unknown = await caller.call("CapNhatTienDoHoSoMC", data=[STEP])
    assert "không tồn tại" in unknown["message"]
    await caller.sync(item(portal))
    later = STEP | {"ThoiDiemXuLy": "20261124110000", "NoiDungXuLy": "Trình ký"}
    for step in (STEP, later, STEP):
        assert ok(await caller.call("CapNhatTienDoHoSoMC", data=[step]))
    dossier = portal.dossiers[CODE]
    assert [json.loads(s)["NoiDungXuLy"] for s in dossier.steps] == ["Thẩm định hồ sơ", "Trình ký", "Thẩm định hồ sơ"]
    assert (dossier.doubles, dossier.out_of_order) == (1, 1)
    assert portal.ledger.summary()["doubles"] == 1
    assert [e.count for e in portal.ledger.of(CODE) if e.kind == "step"] == [1, 1, 2]
    found = (await caller.call("TraCuuHoSo", mahoso=CODE))["result"][0]
    assert len(found["DanhSachTienDo"]) == 3
    portal.change_settings({"lookup_lists_steps": False})
    assert "DanhSachTienDo" not in (await caller.call("TraCuuHoSo", mahoso=CODE))["result"][0]


async def test_more_than_ten_steps_change_nothing() -> None:
    portal = make()
    caller = await opened(portal)
    await caller.sync(item(portal))
    steps = [STEP | {"NoiDungXuLy": f"Bước {n}"} for n in range(11)]
    assert not ok(await caller.call("CapNhatTienDoHoSoMC", data=steps))
    assert portal.dossiers[CODE].steps == []


async def test_catalogue_gives_each_procedure_its_field() -> None:
    caller = await opened(make())
    listed = (await caller.call("LayDanhSachTTHC"))["result"]
    assert len(listed) > 3000
    detail = (await caller.call("LayThuTuc", maTTHC="2.000033"))["result"][0]
    fields = {r["MALINHVUC"]: r["TENLINHVUC"] for r in (await caller.call("LayDanhMucLinhVuc"))["result"]}
    assert fields[detail["LINHVUCTHUCHIEN"][0]["MALINHVUC"]] == "Xúc tiến thương mại"
    assert (await caller.call("LayThuTuc", maTTHC="9.999999"))["result"] == []
    for name in ("CoQuan", "TinhThanh", "GioiTinh", "DanToc", "LePhi", "ThuTucThuocLoai"):
        assert ok(await caller.call(f"LayDanhMuc{name}"))
    assert int((await caller.call("LayDanhMucGiKhac"))["error_code"]) == -1
    assert int((await caller.call("laydanhmuccoquan"))["error_code"]) == -1


async def test_tech_id_is_the_same_each_time_and_some_have_none() -> None:
    caller = await opened(make())
    found = [
        (await caller.call("TraCuuTechID", provider="wso2is", mstorcmnd=f"0990880001{n:02d}"))["result"]
        for n in range(30)
    ]
    again = (await caller.call("TraCuuTechID", provider="wso2is", mstorcmnd="099088000100"))["result"]
    assert again == found[0]
    assert 0 < sum(1 for rows in found if not rows) < 30


async def test_double_encoded_answers() -> None:
    portal = make()
    caller = await opened(portal)
    portal.change_settings({"double_encoded": True})
    outer = await caller.sync(item(portal))
    assert ok(json.loads(outer["message"]))


async def test_an_answer_needs_a_dossier_of_the_portal() -> None:
    portal = make()
    caller = await opened(portal)
    await caller.sync(item(portal))
    data = {
        "MaHoSo": CODE, "MaHoSoDonVi": "H21-1", "MaDoiTuong": "", "NoiDung": "Đã tiếp nhận",
        "NgayXuLy": "20261124100000", "TrangThai": "2", "TaiLieuXuLy": [],
    }  # fmt: skip
    assert not ok(await caller.call("DongBoTrangThaiHoSo", type="2", data=data))
    portal.pushes.transport = httpx.MockTransport(lambda _: httpx.Response(200, json={"error_code": 0}))
    _, task = portal.pushes.file({"target": "http://bus", "code": "G09.20-261123-0001"})
    await task
    assert ok(await caller.call("DongBoTrangThaiHoSo", type="2", data=data | {"MaHoSo": "G09.20-261123-0001"}))
    assert len(portal.dossiers["G09.20-261123-0001"].answers) == 1
    assert (await caller.sync(item(portal, MaHoSo="G09.20-261123-0001")))["error_code"] in ("3", -3)
    await portal.close()


async def test_ratings_questions_and_answers() -> None:
    portal = make()
    caller = await opened(portal)
    rating = {
        "NgayTongHop": "11-2026", "TongSoNguoiDanhGia": 12, "PhanTramDanhGiaRatHaiLong": "50%",
        "PhanTramDanhGiaHaiLong": "40%", "PhanTramDanhGiaChuaHaiLong": "10%", "MaThuTuc": "2.000033",
        "Madonvi": "H21.14", "TenDonVi": "Sở Công Thương",
    }  # fmt: skip
    assert ok(await caller.call("DongBoDanhGia", data=[rating]))
    assert not ok(await caller.call("DongBoDanhGia", data=[rating | {"MaThuTuc": "9.999999"}]))
    assert not ok(await caller.call("DongBoDanhGia", data=[rating | {"PhanTramDanhGiaHaiLong": "140%"}]))
    reply = {
        "HOIDAPID": "7", "MADONVI": "H21.14", "NGUOITRALOI": "Trần Thị Mẫu", "CHUCVUNGUOITRALOI": "",
        "NGAYTRALOI": "20261124", "NOIDUNGTRALOI": "Trả lời",
    }  # fmt: skip
    assert not ok(await caller.call("DongBoKetQuaHoiDapGuiTuDVCQG", data=[reply]))
    await caller.http.post("http://mock/_mock/npsp/questions", json={"HOIDAPID": "7", "NOIDUNG": "Hỏi"})
    assert [q["HOIDAPID"] for q in (await caller.call("LayDanhSachHoiDapGuiTuDVCQG"))["result"]] == ["7"]
    assert (await caller.call("LayNoiDungTraLoiTheoCauHoi", cauhoiid="7"))["result"] == []
    assert ok(await caller.call("DongBoKetQuaHoiDapGuiTuDVCQG", data=[reply]))
    answered = (await caller.call("LayNoiDungTraLoiTheoCauHoi", cauhoiid="7"))["result"]
    assert [a["NOIDUNGTRALOI"] for a in answered] == ["Trả lời"]


async def test_a_filing_is_pushed_until_it_is_acknowledged() -> None:
    portal = make()
    answers = iter(
        [
            httpx.Response(503, text="busy"),
            httpx.Response(200, text="<html>"),
            httpx.Response(200, json={"error_code": -1, "message": "lỗi"}),
            httpx.Response(200, json={"error_code": 1, "message": "đã có"}),
        ]
    )
    seen: list[dict[str, Any]] = []

    def bus(request: httpx.Request) -> httpx.Response:
        seen.append(json.loads(request.content))
        assert request.url.path == "/npsp/VXPAdapter/RestService/forward/addtthcKhuyenMai"
        return next(answers)

    waited: list[float] = []

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    portal.sleep = sleep
    portal.pushes.transport = httpx.MockTransport(bus)
    async with client(portal) as http:
        reply = await http.post("http://mock/_mock/npsp/file", json={"target": "http://bus:8080", "wait": True})
        shown = reply.json()
        assert (shown["state"], shown["attempts"], shown["codes"]) == ("acknowledged", 4, [-1, 1])
        assert len(waited) == 3
        assert all(message == seen[0] for message in seen)
        assert portal.dossiers[shown["code"]].origin == "portal"
        assert portal.ledger.kinds["filed"] == 1
        wrong = await http.post("http://mock/_mock/npsp/file", json={"target": "http://bus", "procedure": "9.9"})
        assert wrong.status_code == 400
    await portal.close()


G2 = "http://mock/npsp/g2"


async def test_the_newer_generation_from_number_to_status() -> None:
    portal = make()
    async with client(portal) as http:
        assert (await http.post(f"{G2}/GetNextValue", json={"code": "G09"})).status_code == 401
        denied = await http.post(f"{G2}/token", json={"client_id": "lgsp-h21", "client_secret": "x"})
        assert denied.status_code == 401
        token = (await http.post(f"{G2}/token", json={"client_id": "lgsp-h21", "client_secret": "secret"})).json()
        http.headers["authorization"] = f"Bearer {token['access_token']}"
        code = (await http.post(f"{G2}/GetNextValue", json={"code": "G09.20"})).json()["data"]["MaHoSo"]
        stored = (await http.post(f"{G2}/upload", json={"TenTep": "don.pdf", "NoiDung": "JVBERi0="})).json()["data"]
        person = {"LoaiDoiTuong": 0, "ThongTinChiTiet": {"TenNguoiNop": "Mẫu", "SoDinhDanh": "099088000123"}}
        paper = {"IdGiayTo": stored["IdTepTin"], "HashTepTin": stored["HashTepTin"], "TenGiayTo": "Đơn"}
        part = {
            "MaThanhPhanHoSo": "A", "TenThanhPhanHoSo": "Đơn", "SoLuong": 1, "LoaiBan": 2, "GiayToDinhKem": [paper],
        }  # fmt: skip
        body = {
            "MaHoSo": code, "MaTTHC": "2.000033", "ChuHoSo": "Mẫu", "LoaiDoiTuong": 0, "MaDonViTiepNhan": "H21.14",
            "NgayNop": "2026-11-23 08:15:00", "ThongTinNguoiNop": person, "ThanhPhanHoSo": [part],
        }  # fmt: skip
        for wrong in (
            {"LoaiDoiTuong": 4},
            {"NgayNop": "20261123081500"},
            {"NgayNop": "2026-02-30 08:15:00"},
            {"MaHoSo": "G09.20-000000-000009"},
            {"ThanhPhanHoSo": [part | {"GiayToDinhKem": [paper | {"HashTepTin": "0"}]}]},
        ):
            assert (await http.post(f"{G2}/NoiHoSo", json=body | wrong)).status_code == 400
        created = (await http.post(f"{G2}/NoiHoSo", json=body)).json()
        assert created["code"] == 200
        number = created["data"]["idHoSo"]
        assert (await http.post(f"{G2}/NoiHoSo", json=body)).json()["message"] == "Hồ sơ đã tồn tại"
        step = {
            "IDHoSo": number, "MaHoSo": code, "NguoiXuLy": "Trần Thị Mẫu",
            "ThoiDiemXuLy": "2026-11-24T10:00:00.000+07:00",
            "NoiDungXuLy": "Thẩm định", "TrangThai": "4",
        }  # fmt: skip
        assert (await http.post(f"{G2}/CapNhatTienTrinh", json=[step])).status_code == 200
        assert (await http.post(f"{G2}/CapNhatTienTrinh", json=[step | {"IDHoSo": "hs-9"}])).status_code == 404
        status = {"IdHoSo": number, "MaHoSo": code, "TrangThai": "4", "NoiDungXuLy": "x"}
        assert (await http.post(f"{G2}/CapNhatTrangThai", json=[status])).status_code == 200
        fee = ITEM["DanhSachLePhi"]
        with_fee = await http.post(f"{G2}/CapNhatTrangThai", json=[status | {"DanhSachLePhi": fee}])
        assert with_fee.status_code == 400
        portal.clock.advance(601)
        assert (await http.post(f"{G2}/CapNhatTrangThai", json=[status])).status_code == 401
    assert [e.kind for e in portal.ledger.of(code)] == ["g2.create", "g2.step", "g2.status"]


async def test_linked_dossiers_wait_until_they_are_acknowledged() -> None:
    portal = make()
    base = "http://mock/npsp/dvclt"
    listing = f"{base}/api/lienthongdvclt/hosolienthong"
    async with client(portal) as http:
        row = (await http.post("http://mock/_mock/npsp/dvclt", json={})).json()
        assert (await http.get(listing)).status_code == 401
        login = {"userName": "lgsp.h21", "password": "secret"}
        token = (await http.post(f"{base}/api/tokens", json=login)).json()["token"]
        http.headers["authorization"] = f"Bearer {token}"
        assert (await http.get(listing)).json()["data"] == [row]
        detail = (await http.get(f"{listing}/{row['id']}")).json()
        assert isinstance(json.loads(detail["data"]), dict)
        assert (await http.put(listing, json={"maHoSo": row["maHoSo"], "daNhan": False})).status_code == 400
        for _ in range(2):
            acknowledged = await http.put(listing, json={"maHoSo": row["maHoSo"], "daNhan": True})
            assert acknowledged.json()["message"] == "Cập nhật thành công"
        assert (await http.get(listing)).json()["data"] == []
        status = {
            "maTTHC": row["maTTHC"], "soHoSoLT": "1", "coQuanXuLy": 540, "maHoSo": row["maHoSo"], "trangThai": 6,
            "thoiGianThucHien": "24/11/2026 10:00:00",
        }  # fmt: skip
        url = f"{base}/api/lienthongdvclt/capnhattrangthai"
        assert "thành công" in (await http.post(url, json=status)).json()["message"]
        assert "bị từ chối" in (await http.post(url, json=status | {"trangThai": 4})).json()["message"].lower()
