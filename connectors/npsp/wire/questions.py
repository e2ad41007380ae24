"""G1 and G1+: ratings, questions and answers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, StringConstraints

from connectors.npsp.wire.base import AnyText, DossierCode, Filled, Got, Percent, Sent, text_of
from connectors.npsp.wire.session import Envelope
from connectors.npsp.wire.times import Day8


class RatingItem(Sent):
    """A month's ratings of one procedure."""

    NgayTongHop: Annotated[str, StringConstraints(pattern=r"^([1-9]|1[0-2])-20[0-9]{2}\Z")]
    TongSoNguoiDanhGia: Annotated[str, StringConstraints(pattern=r"^[0-9]{1,9}\Z")]
    PhanTramDanhGiaRatHaiLong: Percent
    PhanTramDanhGiaHaiLong: Percent
    PhanTramDanhGiaChuaHaiLong: Percent
    DanhSachNoiDungYKien: str = ""
    MaThuTuc: Filled
    NoiDung: str = ""
    Madonvi: Filled
    TenDonVi: Filled


class SyncRatings(Sent):
    """DongBoDanhGia."""

    service: Literal["DongBoDanhGia"] = "DongBoDanhGia"
    data: Annotated[tuple[RatingItem, ...], Field(min_length=1)]


class SyncRatingsCall(Envelope, SyncRatings):
    pass


class ListQuestionsFromPortal(Sent):
    service: Literal["LayDanhSachHoiDapGuiTuDVCQG"] = "LayDanhSachHoiDapGuiTuDVCQG"


class ListQuestionsFromPortalCall(Envelope, ListQuestionsFromPortal):
    pass


class ListQuestionsOfUnit(Sent):
    service: Literal["LayDanhSachHoiDapBoCoQuan"] = "LayDanhSachHoiDapBoCoQuan"


class ListQuestionsOfUnitCall(Envelope, ListQuestionsOfUnit):
    pass


class GetAnswers(Sent):
    service: Literal["LayNoiDungTraLoiTheoCauHoi"] = "LayNoiDungTraLoiTheoCauHoi"
    cauhoiid: DossierCode


class GetAnswersCall(Envelope, GetAnswers):
    pass


class Question(Got):
    """One row of the question services."""

    HOIDAPID: Annotated[str, BeforeValidator(text_of), StringConstraints(min_length=1)]
    MALINHVUC: AnyText = ""
    MADONVI: AnyText = ""
    TENDONVI: AnyText = ""
    NOIDUNG: AnyText = ""
    TRALOIID: AnyText = ""
    NOIDUNGTRALOI: AnyText = ""
    HOVATEN: AnyText = ""
    THUDIENTU: AnyText = ""
    DIACHI: AnyText = ""
    SODIENTHOAI: AnyText = ""
    MATTHCDP: AnyText = ""
    TRANGTHAI: AnyText = ""
    """``0``: withdrawn or not for publication; passed over."""


class Questions(Got):
    rows: tuple[Question, ...]


class QuestionItem(Sent):
    """DongBoHoiDap; upper and mixed case in one object, as published."""

    HOIDAPID: DossierCode
    MaLinhVuc: str = ""
    NOIDUNG: Filled
    MADONVI: Filled
    TENDONVI: Filled


class PushQuestion(Sent):
    service: Literal["DongBoHoiDap"] = "DongBoHoiDap"
    data: Annotated[tuple[QuestionItem, ...], Field(min_length=1, max_length=1)]


class PushQuestionCall(Envelope, PushQuestion):
    pass


class QuestionAnswerItem(Sent):
    HOIDAPID: DossierCode
    MADONVI: Filled
    NGUOITRALOI: Filled
    CHUCVUNGUOITRALOI: str = ""
    NGAYTRALOI: Day8
    NOIDUNGTRALOI: Filled


class PushAnswer(Sent):
    """DongBoKetQuaHoiDapGuiTuDVCQG."""

    service: Literal["DongBoKetQuaHoiDapGuiTuDVCQG"] = "DongBoKetQuaHoiDapGuiTuDVCQG"
    data: Annotated[tuple[QuestionAnswerItem, ...], Field(min_length=1, max_length=1)]


class PushAnswerCall(Envelope, PushAnswer):
    pass
