"""The statuses a dossier can have, and which may follow which, as data.

The ten values carry the meaning of the national portal's TrangThaiHoSo 1..10. Transitions are deduced from forms and
public code, not from a legal text: a step outside the table is a warning, never a refusal.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType


class Status(StrEnum):
    """Trạng thái hồ sơ."""

    REGISTERED = "registered"  # 1 mới đăng ký
    RECEIVED = "received"  # 2 được tiếp nhận
    REFUSED = "refused"  # 3 không được tiếp nhận
    PROCESSING = "processing"  # 4 đang xử lý
    SUPPLEMENT_REQUESTED = "supplement_requested"  # 5 yêu cầu bổ sung giấy tờ
    PAYMENT_REQUESTED = "payment_requested"  # 6 yêu cầu thực hiện nghĩa vụ tài chính
    WITHDRAWN = "withdrawn"  # 7 công dân yêu cầu rút hồ sơ
    STOPPED = "stopped"  # 8 dừng xử lý
    FINISHED = "finished"  # 9 đã xử lý xong
    RETURNED = "returned"  # 10 đã trả kết quả


_S = Status
TRANSITIONS: Mapping[Status, frozenset[Status]] = MappingProxyType(
    {
        _S.REGISTERED: frozenset({_S.RECEIVED, _S.REFUSED, _S.SUPPLEMENT_REQUESTED, _S.WITHDRAWN}),
        _S.RECEIVED: frozenset(
            {_S.PROCESSING, _S.SUPPLEMENT_REQUESTED, _S.PAYMENT_REQUESTED, _S.WITHDRAWN, _S.STOPPED}
        ),
        _S.REFUSED: frozenset(),
        _S.PROCESSING: frozenset(
            {_S.SUPPLEMENT_REQUESTED, _S.PAYMENT_REQUESTED, _S.WITHDRAWN, _S.STOPPED, _S.FINISHED}
        ),
        _S.SUPPLEMENT_REQUESTED: frozenset({_S.RECEIVED, _S.PROCESSING, _S.WITHDRAWN, _S.STOPPED, _S.REFUSED}),
        _S.PAYMENT_REQUESTED: frozenset({_S.PROCESSING, _S.WITHDRAWN, _S.STOPPED, _S.FINISHED}),
        _S.WITHDRAWN: frozenset({_S.STOPPED}),
        _S.STOPPED: frozenset(),
        _S.FINISHED: frozenset({_S.RETURNED}),
        _S.RETURNED: frozenset(),
    }
)
"""From each status, those that may follow at once."""

FINAL = frozenset({_S.REFUSED, _S.WITHDRAWN, _S.STOPPED, _S.RETURNED})
"""Statuses in which the clock of the dossier has stopped."""


def may_follow(before: Status, after: Status) -> bool:
    """Whether ``after`` may come at once after ``before``; staying is always allowed."""
    return before is after or after in TRANSITIONS[before]


def reachable(before: Status, after: Status) -> bool:
    """Whether ``after`` may come some time after ``before``."""
    seen: set[Status] = set()
    todo = [before]
    while todo:
        here = todo.pop()
        if here is after:
            return True
        if here not in seen:
            seen.add(here)
            todo.extend(TRANSITIONS[here])
    return False
