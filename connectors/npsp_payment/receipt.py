"""What the receipt of a dossier's fees is to say (ThongTinBienLai), for INIT and for the portal's own look-up alike."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from connectors.npsp_payment.wire import Receipt
from lgsp.canonical.dossier import Dossier
from lgsp.canonical.fee import PaidThrough
from lgsp.canonical.party import IdentifierKind
from lgsp.errors import MappingError

_NOBODY = "000000000"
"""What other systems send where the payer has no number."""
_PERSON = (IdentifierKind.PERSONAL_ID, IdentifierKind.CMND, IdentifierKind.PASSPORT)
_COMPANY = (IdentifierKind.TAX_CODE, IdentifierKind.BUSINESS_CODE, IdentifierKind.ORGANISATION_CODE)


def receipt(dossier: Dossier, amount: Decimal, settings: Any) -> Receipt:
    """``MappingError`` where an account or a service code is missing, or the lines do not add up to the amount."""
    procedure = dossier.procedure.code
    service = settings.service_codes.get(procedure) or (
        procedure + settings.service_suffix if settings.service_suffix else ""
    )
    if not service:
        raise MappingError("MaDVC", f"no online service is known for {procedure}: add it to service_codes")
    account = settings.accounts.get(procedure) or settings.accounts.get("default")
    if account is None:
        raise MappingError("TKThuHuong", f"no account is known for {procedure}: add it to accounts, or a default")
    fees = [fee for fee in dossier.fees if fee.paid is PaidThrough.NOT_PAID and fee.amount]
    if not fees:
        raise MappingError("DSKhoanNop", "the dossier has no fee that is still to be paid")
    if sum((fee.amount for fee in fees), Decimal(0)) != amount:
        raise MappingError("DSKhoanNop", "the dossier's fees do not add up to the amount that is asked for")
    unit = dossier.receiving_unit
    payer = dossier.submitter or dossier.applicant
    number = payer.number(*_PERSON) or payer.number(*_COMPANY) or _NOBODY
    name = short(dossier.procedure.name or procedure)
    values: Mapping[str, Any] = {
        "MaDVC": service,
        "TenDVC": name,
        "MaTTHC": procedure,
        "TenTTHC": name,
        "MaDonVi": settings.unit or unit.code,
        "TenDonVi": line(unit.name),
        "MaHoSo": dossier.code,
        "TKThuHuong": account.number,
        "MaNHThuHuong": account.bank,
        "TenTKThuHuong": line(account.name),
        "PhiLePhi": [
            {
                "LoaiPhiLePhi": settings.fee_kinds[fee.kind.value],
                "MaPhiLePhi": line(fee.code),
                "TenPhiLePhi": line(fee.name),
                "SoTien": f"{int(fee.amount)}",
            }
            for fee in fees
        ],
        "DSKhoanNop": [{"NoiDung": line(fee.name), "SoTien": f"{int(fee.amount)}"} for fee in fees],
        "NoiDungThanhToan": line(f"Thanh toán phí, lệ phí hồ sơ {dossier.code}"),
        "HoTenNguoiNop": line(payer.name),
        "SoCMNDNguoiNop": line(number),
        "DiaChiNguoiNop": line(payer.address),
        "MaCoQuanQD": settings.unit or unit.code,
        "TenCoQuanQD": line(unit.name),
    }
    if not values["MaDonVi"]:
        raise MappingError("MaDonVi", "the dossier names no agency: set systems.npsp_payment.unit")
    return Receipt.model_validate(values)


def line(text: str) -> str:
    """One line without the sign that joins signed values."""
    return " ".join(text.replace("|", " ").split())[:1000]


def short(name: str) -> str:
    """A procedure's name as other systems cut it: at most 250, else 200 and three dots."""
    name = line(name)
    return name if len(name) <= 250 else name[:200] + "..."
