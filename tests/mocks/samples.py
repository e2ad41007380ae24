"""Messages written by hand from the published field lists, and short ways to call a mock in process."""

from __future__ import annotations

import copy
from typing import Any

import httpx

from mocks.npsp import Portal

ADAPTER = "http://mock/npsp/VXPAdapter/RestService/forward"
DSTCODE = {"dstcode": "VN:GOV:000.00.00.G22:vpcpdvcprovider"}
REST = "http://mock/onestop/o/rest/v2"
SITE = {"groupId": "55301"}
PROCEDURE = "2.000033"

ITEM: dict[str, Any] = {
    "MaHoSo": "H21.14-261123-0007",
    "MaTTHC": PROCEDURE,
    "TenTTHC": "Thông báo hoạt động khuyến mại",
    "MaLinhVuc": "",
    "TenLinhVuc": "Xúc tiến thương mại",
    "KenhThucHien": "2",
    "ChuHoSo": "Nguyễn Văn Mẫu",
    "SoGiayToChuHoSo": "099088000123",
    "DinhDanhCHS": [{"LoaiDinhDanh": "1", "SoDinhDanh": "099088000123"}],
    "LoaiDoiTuong": "1",
    "MaDoiTuong": "",
    "ThongTinKhac": "",
    "Email": "",
    "Fax": "",
    "SoDienThoai": "0900000001",
    "TrichYeuHoSo": "Thông báo khuyến mại",
    "NgayNopHoSo": "20261123081500",
    "NgayTiepNhan": "20261123093000",
    "NgayHenTra": "20261130170000",
    "TrangThaiHoSo": "2",
    "NgayTra": "",
    "ThongTinTra": "",
    "HinhThuc": "0",
    "NgayKetThucXuLy": "",
    "NgayTuChoi": "",
    "DonViXuLy": "Sở Công Thương",
    "GhiChu": "",
    "NoiNopHoSo": "2",
    "HoSoCoThanhPhanSoHoa": "1",
    "TaiKhoanDuocXacThucVoiVNeID": "1",
    "DuocThanhToanTrucTuyen": "0",
    "DSKetNoiCSDL": [{"MaCSDL": "1"}],
    "TaiLieuNop": [
        {
            "TepDinhKemId": "88121",
            "TenTepDinhKem": "don.pdf",
            "IsDeleted": "False",
            "MaThanhPhanHoSo": "000.00.00.G17-KQ000123",
            "DuongDanTaiTepTin": "https://lgsp.h21.example/tep/9b1d",
            "DuocSoHoa": "1",
            "DuocTaiSuDung": "0",
            "DuocLayTuKhoDMQG": "0",
            "MaKetQuaThayThe": "",
        }
    ],
    "DanhSachLePhi": [
        {"TenPhiLePhi": "Lệ phí", "MaPhiLePhi": "2", "HinhThucThu": "1", "Gia": "75000", "LoaiPhiLePhi": "1"}
    ],
    "DanhSachTepDinhKemKhac": [],
    "DanhSachHoSoBoSung": [],
    "DanhSachGiayToKetQua": [],
}

STEP = {
    "MaHoSo": ITEM["MaHoSo"],
    "NguoiXuLy": "Trần Thị Mẫu",
    "ChucDanh": "Chuyên viên",
    "ThoiDiemXuLy": "20261124100000",
    "PhongBanXuLy": "Phòng Quản lý thương mại",
    "NoiDungXuLy": "Thẩm định hồ sơ",
    "TrangThai": "4",
    "NgayBatDau": "20261124080000",
    "NgayKetThucTheoQuyDinh": "20261130170000",
}

NEW_DOSSIER: dict[str, Any] = {
    "referenceUid": "npsp:G09.20-261123-0001",
    "serviceCode": PROCEDURE,
    "govAgencyCode": "H21.14",
    "applicantName": "Công ty Mẫu",
    "applicantIdType": "business",
    "applicantIdNo": "5900000001",
    "submitDate": 1_795_400_000_000,
    "originDossierNo": "G09.20-261123-0001",
    "systemId": 5,
    "originality": 1,
    "online": True,
}


def item(portal: Portal, **changes: Any) -> dict[str, Any]:
    made = copy.deepcopy(ITEM)
    made["MaLinhVuc"] = portal.catalogue.procedures[PROCEDURE].field_code
    return made | changes


def client(app: Any, **more: Any) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), **more)


class G1:
    """A caller of the session services."""

    def __init__(self, http: httpx.AsyncClient, base: str = ADAPTER) -> None:
        self.http, self.base, self.session = http, base, ""

    async def login(self) -> None:
        body = {"username": "lgsp.h21", "password": "secret"}
        reply = await self.http.post(f"{self.base}/mapi/login", json=body, params=DSTCODE)
        self.session = reply.json()["session"]

    async def raw(self, service: str, **args: Any) -> httpx.Response:
        body = {"session": self.session, "madonvi": "000.00.00.H21", "service": service, **args}
        return await self.http.post(f"{self.base}/mapi/g", json=body, params=DSTCODE)

    async def call(self, service: str, **args: Any) -> dict[str, Any]:
        reply = await self.raw(service, **args)
        assert reply.status_code == 200
        answer: dict[str, Any] = reply.json()
        return answer

    async def sync(self, *items: dict[str, Any], updating: bool = False) -> dict[str, Any]:
        return await self.call("DongBoHoSoMC", isUpdating=str(updating), data=list(items))


def ok(answer: dict[str, Any]) -> bool:
    return int(answer["error_code"]) == 0
