"""The session services (G1, G1+): one envelope, ``service`` chooses, HTTP 200 whatever the verdict."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from mocks.kit.http import Answer, Call
from mocks.kit.judge import decomposed
from mocks.kit.ledger import canonical
from mocks.npsp.dossiers import Dossier, refusals, unreal_dates, warnings

if TYPE_CHECKING:
    from mocks.npsp import Portal

ZONE = ZoneInfo("Asia/Ho_Chi_Minh")
OK = (0, "0", "00")

EXPIRED = "Phiên làm việc không hợp lệ hoặc đã hết hạn"
EXISTS = "Hồ sơ đã tồn tại"


class Services:
    """All of it works on the portal's state and answers with ``Answer``."""

    def __init__(self, portal: Portal) -> None:
        self._portal = portal
        self._said = 0
        self._refused = 0
        self._work: dict[str, tuple[str, Callable[[dict[str, Any], Call], Answer]]] = {
            "LayDanhSachTTHC": ("LayDanhMuc.request", self._list_procedures),
            "LayThuTuc": ("LayThuTuc.request", self._procedure),
            "LayDVC": ("LayDVC.request", self._online_services),
            "TraCuuTechID": ("TraCuuTechID.request", self._tech_id),
            "TraCuuHoSo": ("TraCuuHoSo.request", self._find),
            "DongBoHoSoMC": ("", self._sync),
            "CapNhatTienDoHoSoMC": ("CapNhatTienDoHoSoMC.request", self._progress),
            "DongBoTrangThaiHoSo": ("DongBoTrangThaiHoSo.request", self._answer_dossier),
            "DongBoDanhGia": ("DongBoDanhGia.request", self._ratings),
            "DongBoHoiDap": ("DongBoHoiDap.request", self._questions),
            "DongBoKetQuaHoiDapGuiTuDVCQG": ("DongBoKetQuaHoiDapGuiTuDVCQG.request", self._answers),
            "LayDanhSachHoiDapGuiTuDVCQG": ("LayDanhSachHoiDap.request", self._list_questions),
            "LayDanhSachHoiDapBoCoQuan": ("LayDanhSachHoiDap.request", self._list_questions),
            "LayNoiDungTraLoiTheoCauHoi": ("LayNoiDungTraLoiTheoCauHoi.request", self._answers_of),
        }

    # --- log-in and envelope ----------------------------------------------------------------------------------------

    def login(self, call: Call) -> Answer:
        data = self._portal.judged(call, "login.request")
        options = self._portal.options
        if data["username"] != options.username or data["password"] != options.password:
            self._portal.note("login", "refused", ["unknown user or wrong password"])
            return Answer({"error_code": "-1", "message": "Sai tên đăng nhập hoặc mật khẩu"}, schema="login.answer")
        return Answer(
            {"error_code": self._ok_code(), "message": "", "session": self._portal.open_session()},
            schema="login.answer",
        )

    def serve(self, call: Call, service: str, endpoint: str) -> Answer:
        portal = self._portal
        data = portal.peek(call)
        if call.problem is not None:
            raise call.problem
        schema, work = self._work.get(service, ("LayDanhMuc.request", self._dictionary))
        if service not in self._work and not service.startswith("LayDanhMuc"):
            portal.note(service, "refused", ["service: unknown"])
            return self._no(-1, "Dịch vụ không tồn tại")
        if endpoint != self.endpoint_of(service):
            portal.note(service, "refused", ["service: not at this endpoint"])
            return self._no(-1, "Dịch vụ không tồn tại tại địa chỉ này")
        session = data.get("session") if isinstance(data, dict) else None
        if isinstance(session, str) and not portal.session_lives(session):
            portal.note(service, "refused", ["session: unknown or expired"])
            return self._no(-1, EXPIRED)
        if service == "DongBoHoSoMC":
            schema = f"DongBoHoSoMC.{portal.options.generation}.request"
        portal.judge.check(schema, data)
        if not portal.catalogue.unit_exists(data["madonvi"]):
            portal.note(service, "refused", ["madonvi: unknown or closed"])
            return self._no(-1, "Mã đơn vị không tồn tại hoặc đã đóng")
        return work(data, call)

    def endpoint_of(self, service: str) -> str:
        shared = service.startswith("LayDanhMuc") or service in ("LayDanhSachTTHC", "TraCuuTechID")
        return self._portal.options.share_path if shared else self._portal.options.integration_path

    # --- answers: the same code comes in three shapes ---------------------------------------------------------------

    def _ok_code(self) -> int | str:
        self._said += 1
        return OK[self._said % 3]

    def _yes(self, message: str, result: Any = None, schema: str = "answer") -> Answer:
        data: dict[str, Any] = {"error_code": self._ok_code(), "message": message}
        if result is not None:
            data["result"] = result
        return self._shaped(data, schema)

    def _no(self, code: int, message: str) -> Answer:
        self._refused += 1
        return self._shaped({"error_code": code if self._refused % 2 else str(code), "message": message}, "answer")

    def invalid(self, problems: list[str]) -> Answer:
        return self._no(-1, f"Dữ liệu không hợp lệ: {'; '.join(problems)}")

    def exists(self) -> Answer:
        """The create of what exists: 3 as text and -3 as a number in turn."""
        self._refused += 1
        return self._shaped({"error_code": "3" if self._refused % 2 else -3, "message": EXISTS}, "answer")

    def _shaped(self, data: dict[str, Any], schema: str) -> Answer:
        if self._portal.options.double_encoded:
            inner = json.dumps(data, ensure_ascii=False)
            return Answer({"error_code": data["error_code"], "message": inner}, schema="answer")
        return Answer(data, schema=schema)

    # --- catalogue --------------------------------------------------------------------------------------------------

    def _dictionary(self, data: dict[str, Any], call: Call) -> Answer:
        service = data["service"]
        named = service in ("LayDanhMucCoQuan", "LayDanhMucLinhVuc")
        return self._yes("", self._portal.catalogue.dictionary(service), f"{service}.answer" if named else "answer")

    def _list_procedures(self, data: dict[str, Any], call: Call) -> Answer:
        return self._yes("", self._portal.catalogue.procedure_list, "LayDanhSachTTHC.answer")

    def _procedure(self, data: dict[str, Any], call: Call) -> Answer:
        catalogue = self._portal.catalogue
        found = catalogue.procedures.get(data["maTTHC"])
        return self._yes("", [] if found is None else [catalogue.detail(found)], "LayThuTuc.answer")

    def _online_services(self, data: dict[str, Any], call: Call) -> Answer:
        procedures = self._portal.catalogue.procedures
        codes = [data["maTTHC"]] if "maTTHC" in data else list(procedures)
        return self._yes(
            "",
            [
                {"MADVC": f"{p.code}.01", "TENDVC": p.name, "MATTHC": p.code, "TENTTHC": p.name,
                 "TENCOQUANBANHANH": "", "TENLINHVUC": p.field_name, "APDUNGDVC": []}
                for p in (procedures[c] for c in codes if c in procedures)
            ],
        )  # fmt: skip

    def _tech_id(self, data: dict[str, Any], call: Call) -> Answer:
        found = self._portal.catalogue.tech_id(data["mstorcmnd"])
        return self._yes("", [] if found is None else [{"TECHNICALID": found}], "TraCuuTechID.answer")

    # --- dossiers ---------------------------------------------------------------------------------------------------

    def _find(self, data: dict[str, Any], call: Call) -> Answer:
        found = self._portal.dossiers.get(data["mahoso"])
        if found is None:
            return self._yes("", [], "TraCuuHoSo.answer")
        item = found.item()
        row = {name: item.get(name, "") for name in ("MaTTHC", "TenTTHC", "NgayTiepNhan", "NgayHenTra")}
        row |= {"MaHoSo": found.code, "TrangThaiHoSo": found.status}
        if self._portal.options.lookup_lists_steps:
            row["DanhSachTienDo"] = [json.loads(step) for step in found.steps]
        return self._yes("", [row], "TraCuuHoSo.answer")

    def _sync(self, data: dict[str, Any], call: Call) -> Answer:
        portal = self._portal
        updating = data["isUpdating"] == "True"
        for item in data["data"]:
            code = item["MaHoSo"]
            if problems := refusals(item, portal.catalogue):
                portal.note("DongBoHoSoMC", "refused", problems, code)
                return self.invalid(problems)
            if not updating and code in portal.dossiers:
                portal.note("DongBoHoSoMC", "refused", ["create of an existing dossier"], code)
                return self.exists()
            if updating and code not in portal.dossiers:
                portal.note("DongBoHoSoMC", "refused", ["update of an unknown dossier"], code)
                return self._no(-1, "Hồ sơ không tồn tại")
        odd = decomposed(call.body)
        for item in data["data"]:
            self._store(item, updating, odd)
        return self._yes("Đồng bộ hồ sơ thành công")

    def _store(self, item: dict[str, Any], updating: bool, odd: bool) -> None:
        portal = self._portal
        code = item["MaHoSo"]
        found = portal.dossiers.get(code)
        before = None if found is None else found.status
        if found is None:
            found = portal.dossiers[code] = Dossier(code, "province", item["TrangThaiHoSo"], b"")
        content = canonical(item)
        stale = bool(found.latest) and content != found.latest
        flags = found.take(item, content)
        if updating:
            found.updates += 1
        else:
            found.creates += 1
        kind = "update" if updating else "create"
        effect = portal.ledger.record(
            portal.clock.now(), code, kind, content, before=before, after=found.status, once=not updating, flags=flags
        )
        if said := warnings(item, portal.catalogue):
            portal.note("DongBoHoSoMC", "warning", said, code)
        if stale and effect.count > 1:
            portal.note("DongBoHoSoMC", "warning", ["went back to content sent before"], code)
        if odd:
            portal.note("DongBoHoSoMC", "warning", ["text is not in Unicode form NFC"], code)

    def _progress(self, data: dict[str, Any], call: Call) -> Answer:
        portal = self._portal
        for step in data["data"]:
            if step["MaHoSo"] not in portal.dossiers:
                portal.note("CapNhatTienDoHoSoMC", "refused", ["step of an unknown dossier"], step["MaHoSo"])
                return self._no(-1, "Hồ sơ không tồn tại")
            if unreal := unreal_dates(step):
                problems = [f"{place}: không phải thời điểm có thật" for place in unreal]
                portal.note("CapNhatTienDoHoSoMC", "refused", problems, step["MaHoSo"])
                return self.invalid(problems)
        for step in data["data"]:
            found = portal.dossiers[step["MaHoSo"]]
            content = canonical(step)
            late = step["ThoiDiemXuLy"] < found.last_step
            effect = portal.ledger.record(
                portal.clock.now(), found.code, "step", content, after=step["TrangThai"], once=True,
                flags=("out_of_order",) if late else (),
            )  # fmt: skip
            found.steps.append(content)  # no key in the item: what comes twice is stored twice
            found.last_step = max(found.last_step, step["ThoiDiemXuLy"])
            found.out_of_order += late
            found.doubles += effect.count > 1
        return self._yes("Cập nhật tiến độ thành công")

    def _answer_dossier(self, data: dict[str, Any], call: Call) -> Answer:
        portal, item = self._portal, data["data"]
        found = portal.dossiers.get(item["MaHoSo"])
        if found is None or found.origin != "portal":
            portal.note("DongBoTrangThaiHoSo", "refused", ["not a dossier of the portal"], item["MaHoSo"])
            return self._no(-1, "Hồ sơ không tồn tại trên Cổng")
        if unreal := unreal_dates(item):
            portal.note("DongBoTrangThaiHoSo", "refused", unreal, item["MaHoSo"])
            return self.invalid([f"{place}: không phải thời điểm có thật" for place in unreal])
        content = canonical(item)
        if not found.answers or found.answers[-1] != content:
            found.answers.append(content)
        portal.ledger.record(portal.clock.now(), found.code, "answer", content, after=item["TrangThai"])
        return self._yes("thành công")

    # --- ratings, questions -----------------------------------------------------------------------------------------

    def _ratings(self, data: dict[str, Any], call: Call) -> Answer:
        portal = self._portal
        for item in data["data"]:
            if item["MaThuTuc"] not in portal.catalogue.procedures:
                portal.note("DongBoDanhGia", "refused", ["MaThuTuc: unknown"])
                return self._no(-1, "Thủ tục không tồn tại")
        for item in data["data"]:
            key = f"{item['NgayTongHop']}/{item['MaThuTuc']}/{item['Madonvi']}"
            portal.ratings[key] = item
            portal.ledger.record(portal.clock.now(), key, "rating", canonical(item))
        return self._yes("Đồng bộ đánh giá thành công")

    def _questions(self, data: dict[str, Any], call: Call) -> Answer:
        portal = self._portal
        for item in data["data"]:
            portal.questions[item["HOIDAPID"]] = {
                "HOIDAPID": item["HOIDAPID"], "MALINHVUC": item["MaLinhVuc"], "MADONVI": item["MADONVI"],
                "TENDONVI": item["TENDONVI"], "NOIDUNG": item["NOIDUNG"], "TRANGTHAI": "1", "sent_by": "province",
            }  # fmt: skip
            portal.ledger.record(portal.clock.now(), item["HOIDAPID"], "question", canonical(item))
        return self._yes("Đồng bộ hỏi đáp thành công")

    def _answers(self, data: dict[str, Any], call: Call) -> Answer:
        portal = self._portal
        for item in data["data"]:
            if item["HOIDAPID"] not in portal.questions:
                portal.note("DongBoKetQuaHoiDapGuiTuDVCQG", "refused", ["HOIDAPID: unknown"])
                return self._no(-1, "Câu hỏi không tồn tại")
        for item in data["data"]:
            question = portal.questions[item["HOIDAPID"]]
            question |= {"TRALOIID": f"TL-{item['HOIDAPID']}", "NOIDUNGTRALOI": item["NOIDUNGTRALOI"], "TRANGTHAI": "2"}
            portal.ledger.record(portal.clock.now(), item["HOIDAPID"], "reply", canonical(item))
        return self._yes("Đồng bộ kết quả hỏi đáp thành công")

    def _list_questions(self, data: dict[str, Any], call: Call) -> Answer:
        wanted = "portal" if data["service"] == "LayDanhSachHoiDapGuiTuDVCQG" else "agency"
        rows = [q for q in self._portal.questions.values() if q["sent_by"] == wanted]
        return self._yes("", [{k: v for k, v in q.items() if k != "sent_by"} for q in rows])

    def _answers_of(self, data: dict[str, Any], call: Call) -> Answer:
        found = self._portal.questions.get(data["cauhoiid"])
        rows = [] if found is None or "TRALOIID" not in found else [found]
        return self._yes("", [{k: v for k, v in q.items() if k != "sent_by"} for q in rows])


def local14(moment: datetime, plus: timedelta = timedelta()) -> str:
    return (moment + plus).astimezone(ZONE).strftime("%Y%m%d%H%M%S")
