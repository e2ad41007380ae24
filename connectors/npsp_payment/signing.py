"""Checksums of the portal's payment platform: SHA-256 over values joined by ``|``, the secret last."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

INIT = (
    "LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "SoTien", "LoaiHinhThanhToan", "MaKenhThanhToan", "MaThietBi",
    "NgonNgu", "MaTienTe", "MaNganHang", "ThongTinGiaoDich", "ThoiGianGD", "Ip",
)  # fmt: skip
CONFIRM = (  # here ThoiGianGD comes before ThongTinGiaoDich
    "LoaiBanTin", "MaLoi", "MaDoiTac", "MaThamChieu", "SoTien", "MaTienTe", "MaGiaoDich", "MaNganHang", "ThoiGianGD",
    "ThongTinGiaoDich",
)  # fmt: skip
QUERY = ("LoaiBanTin", "PhienBan", "MaDoiTac", "MaThamChieu", "ThoiGianGD")
"""Of QUERY and GET_BILL."""


def joined(values: Mapping[str, Any], order: tuple[str, ...]) -> str:
    """The values as they stand in the message, in order."""
    return "|".join(str(values.get(name, "")) for name in order)


def checksum(values: Mapping[str, Any], order: tuple[str, ...], secret: str, *, legacy: bool = False) -> str:
    """Lower-case hex. ``legacy``: HMAC-SHA256 without the secret at the end, as an early client had it."""
    text = joined(values, order)
    if legacy:
        return hmac.new(secret.encode(), text.encode("utf-8", "replace"), hashlib.sha256).hexdigest()
    return hashlib.sha256(f"{text}|{secret}".encode("utf-8", "replace")).hexdigest()


def right(values: Mapping[str, Any], order: tuple[str, ...], secret: str, given: str, *, legacy: bool = False) -> bool:
    """Whether the checksum is right; in constant time. None is a wrong one."""
    wanted = checksum(values, order, secret, legacy=legacy)
    return bool(secret) and hmac.compare_digest(wanted.encode(), given.lower().encode("utf-8", "replace"))
