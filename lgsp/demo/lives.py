"""What can become of a dossier: its phases, and what officers do in each."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

WORDS: Mapping[str, str] = MappingProxyType(
    {
        "receiving": "registered",
        "new": "received",
        "denied": "refused",
        "processing": "processing",
        "waiting": "supplement_requested",
        "paying": "payment_requested",
        "cancelled": "withdrawn",
        "unresolved": "stopped",
        "releasing": "finished",
        "done": "returned",
    }
)
"""The one-stop system's words and what they mean. ``posting`` is left out on purpose: it changes nothing."""

_CLERK, _EXPERT, _HEAD, _LEADER, _STAMP = (
    "Công chức một cửa", "Chuyên viên", "Trưởng phòng", "Lãnh đạo", "Văn thư"
)  # fmt: skip
_DONE: Mapping[str, tuple[tuple[str, str], ...]] = MappingProxyType(
    {
        "receiving": ((_CLERK, "Kiểm tra hồ sơ nộp trực tuyến"),),
        "denied": ((_CLERK, "Từ chối tiếp nhận: hồ sơ không thuộc thẩm quyền giải quyết"),),
        "new": (
            (_CLERK, "Tiếp nhận hồ sơ, in giấy hẹn trả kết quả"),
            (_CLERK, "Số hóa thành phần hồ sơ"),
            (_CLERK, "Chuyển hồ sơ đến phòng chuyên môn"),
        ),
        "processing": (
            (_HEAD, "Phân công chuyên viên thụ lý"),
            (_EXPERT, "Thẩm định thành phần hồ sơ"),
            (_EXPERT, "Lấy ý kiến cơ quan phối hợp"),
            (_EXPERT, "Dự thảo kết quả giải quyết"),
        ),
        "again": ((_EXPERT, "Tiếp tục thẩm định"), (_EXPERT, "Hoàn thiện dự thảo kết quả")),
        "waiting": ((_EXPERT, "Yêu cầu công dân bổ sung giấy tờ"),),
        "paying": ((_EXPERT, "Thông báo thực hiện nghĩa vụ tài chính"),),
        "cancelled": ((_CLERK, "Công dân đề nghị rút hồ sơ"),),
        "unresolved": ((_LEADER, "Dừng xử lý: không đủ điều kiện giải quyết"),),
        "releasing": (
            (_HEAD, "Trình lãnh đạo ký duyệt"),
            (_LEADER, "Ký duyệt kết quả"),
            (_STAMP, "Đóng dấu, vào sổ, phát hành"),
        ),
        "posting": (),
        "done": ((_CLERK, "Trả kết quả cho công dân"),),
    }
)


@dataclass(frozen=True, slots=True)
class Phase:
    """A status and what is done in it, as (position, content)."""

    word: str
    deeds: tuple[tuple[str, str], ...]


def phases(chance: random.Random, *, online: bool, by_post: bool, pays: bool, posting: bool = True) -> list[Phase]:
    """A life, from the filing to wherever the dossier stands at the end of the day."""
    words = ["receiving"] if online else []
    if online and chance.random() < 0.04:
        return [_phase(chance, word) for word in (*words, "denied")]
    words += ["new"]
    if chance.random() < 0.03:
        return [_phase(chance, word) for word in (*words, "cancelled")]
    words += ["processing"]
    end = chance.random()
    if chance.random() < 0.14:
        words += ["waiting"]
        if end < 0.05:
            return [_phase(chance, word) for word in words]  # the citizen has not answered yet
        words += ["again"]
    if pays and chance.random() < 0.5:
        words += ["paying"]
        if end < 0.10:
            return [_phase(chance, word) for word in words]
        words += ["again"]
    if end < 0.13:
        words += ["cancelled"]
    elif end < 0.16:
        words += ["unresolved"]
    elif end >= 0.24:
        words += ["releasing"]
        if end >= 0.28:
            words += ["posting", "done"] if by_post and posting else ["done"]
        elif by_post and posting:
            words += ["posting"]  # on its way at closing time
    return [_phase(chance, word) for word in words]


def _phase(chance: random.Random, word: str) -> Phase:
    deeds = _DONE[word]
    if word == "processing" and chance.random() < 0.5:
        deeds = (*deeds[:2], *deeds[3:])
    return Phase("processing" if word == "again" else word, deeds)
