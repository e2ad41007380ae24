"""What a field holds of a person, told by its name: the names that Vietnamese systems and their documents use."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from enum import StrEnum
from functools import lru_cache


class Kind(StrEnum):
    """A kind of personal data; each has pseudonyms of its own form."""

    NUMBER = "number"
    """Personal number, old identity number, passport, tax code: whichever number a person or company is known by."""
    TAX = "tax"
    PHONE = "phone"
    MAIL = "mail"
    ACCOUNT = "account"
    """A bank account."""
    NAME = "name"
    OFFICER = "officer"
    """The name or account of an official: shown to operators, never in a recording."""
    ADDRESS = "address"
    BIRTH = "birth"


# Read in this order on a name in lower case and without marks; the first that fits rules.
_ORDER: tuple[tuple[Kind | None, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern))
    for kind, pattern in (
        (Kind.BIRTH, r"birth|ngaysinh|ngaythangnam$|ngaythangnamsinh|^dob$"),
        (None, r"type|kind|loai|status|trangthai|verified|xacthuc|(?<!ac)count|date$|^(day|date)|ngay|thoigian|"
               r"thoidiem|file|tep|chucvu|chucdanh|position|title|^tentk|organ|agency|department|donvi|coquan|phongban|procedure|thutuc|url|link"),
        (Kind.MAIL, r"e?mail|thudientu"),
        (Kind.PHONE, r"phone|^tel|tel$|telno|dienthoai|sdt|sodt|mobile|fax|hotline"),
        (Kind.ADDRESS, r"addr|diachi|noicutru|thuongtru|tamtru|quequan|noisinh|noio"),
        (None, r"^(ma|ten)?(tinh|huyen|xa|quanhuyen|phuongxa)|province|district|ward"),
        (Kind.TAX, r"taxcode|taxno|masothue|^mst$|enterprisecode|masodoanhnghiep|^msdn$"),
        (Kind.ACCOUNT, r"accountn(o|umber)|moreaccounts|sotaikhoan|^stk$|tkthuhuong$|"
                       r"^(sub)?account(id)?$|subacc|iban|cardno"),
        (Kind.NUMBER, r"applicants?id|applicant(id)?no|personalid|citizenid|identi(ty|fication)(no|number|code)?|"
                      r"identifier|cccd|cmnd|cmtnd?|dinhdanh|sogiayto|giaytotuythan|socm|iddoituong|madoituong|techid|technicalid|"
                      r"passport|hochieu|sobaohiem|bhxh|insurance|^ssn$|mstorcmnd"),
        (Kind.OFFICER, r"^username$|nguoi(xuly|tiepnhan|traloi|yeucaubosung|ky|phancong|duyet|lap)|approver(name)?$|"
                       r"actionuser|officer|canbo|createby|requestername|^userid$"),
        (Kind.NAME, r"hoten|hovaten|hovatenct|fullname|(applicant|citizen|receiver|sender|contact|delegate|submitter|"
                    r"owner|payer|customer|person|debtor|buyer|account|holder|debit|credit)s?(full)?name|^ten(nguoi|chu(?!ong)|khach|nn|thuongnhan|doanhnghiep|tochuc)|"
                    r"chuhoso$|^chuhs$|chuho$|nguoi(lienhe|nop|nhan|gui|denghi|hoi|yeucau|daidien|noptien)$|khachhang$|"
                    r"daidien|representative|congdan$|asker"),
    )
)  # fmt: skip
_PERSON = re.compile(
    r"applicant|submitter|citizen|delegate|contact|person(?!ali)|owner|sender|receiver|payer|asker|representative|congdan|"
    r"chuhoso|chuhs|nguoinop|nguoidenghi|nguoihoi|nguoigui|nguoinhan|nguoidaidien|daidien|khachhang|hocvien|thanhvien"
)
_NAME_PARTS = re.compile(r"^(hovaten|hoten)$")
_OWN_NAME = re.compile(
    r"^(full|display|first|last|middle)?name$|^ho$|^ten$|^ten(dem|lot)$|^chudem$|^dem$|^(full)?text$"
)
_OWN_NUMBER = re.compile(r"^(id|number|no|code|so|ma)$")


def plain(name: str) -> str:
    """A field's name in lower case, letters only, without marks."""
    apart = unicodedata.normalize("NFD", name.replace("đ", "d").replace("Đ", "D"))
    return re.sub(r"[^a-z]", "", apart.lower())


@lru_cache(maxsize=8192)
def kind_of(field: str, above: str = "") -> Kind | None:
    """The kind of a field of this name, ``above`` being the name of what it stands in; None: no person's data."""
    name = plain(field)
    for kind, pattern in _ORDER:
        if pattern.search(name):
            return kind
    if above and _NAME_PARTS.search(plain(above)) and _OWN_NAME.search(name):
        return Kind.NAME
    if above and _PERSON.search(plain(above)):
        if _OWN_NAME.search(name):
            return Kind.NAME
        if _OWN_NUMBER.search(name):
            return Kind.NUMBER
    return None


_AMOUNT = re.compile(
    r"amount|sotien|lephi|phi$|^gia|price|total|tong|money|balance|sodu|seconds|size|length|weight|version|quantity|soluong"
)


@lru_cache(maxsize=8192)
def is_amount(field: str) -> bool:
    """Whether a field of this name counts something: a number in it is nobody's."""
    return bool(_AMOUNT.search(plain(field)))


def nearest(path: Sequence[str]) -> Kind | None:
    """The kind of the innermost field of a path, as it stands in the one above it."""
    if not path:
        return None
    return kind_of(path[-1], path[-2] if len(path) > 1 else "")
