"""Pseudonyms: keyed, of the same form, the same for the same value everywhere, and in ranges that nobody was given.

No province has the number 099, no tax code begins with 99, no subscriber's number with 0900, no mail reaches
``example.vn``. By these ranges a pseudonym is known without the key: ``lgsp recordings scan`` tells them from leaks,
and what is redacted already stays as it is.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import unicodedata
from collections.abc import Callable, Mapping

from lgsp.canonical.numbers import tax_code
from lgsp.recording.kinds import Kind

FAMILY = (
    "Nguyễn", "Trần", "Lê", "Phạm", "Hoàng", "Võ", "Đặng", "Bùi", "Đỗ", "Siu", "Ksor", "Đinh", "Phan", "Hồ",
    "Ngô", "Dương", "Lý", "Trương",
)  # fmt: skip
MARK = "Mẫu"
"""Means sample: by it anybody sees that a person is invented."""
# Each with the forms it has under other tones: they are one name where a system drops the marks.
_GIVEN = (
    "An Ân Ấn", "Bình Bính", "Chi Chí", "Dũng Dung Dụng", "Giang Giáng", "Hạnh Hành", "Hiếu Hiệu",
    "Khánh Khanh", "Lan Lân Lần", "Minh Mình", "Ngọc", "Phúc Phục", "Quỳnh", "Sơn Sớn", "Thảo Thao Thạo",
    "Tuấn Tuân Tuần", "Uyên Uyển", "Vân Văn Vạn", "Xuân", "Yến Yên", "Bảo Bao", "Cường Cương", "Đức",
    "Hà Hạ Há", "Hoa Hòa Hóa", "Hùng Hưng", "Huy Huỳ", "Kiên Kiến", "Lâm Lam", "Liên Liễn", "Long Lòng",
    "Mai Mải", "Nam Năm", "Nga Ngà", "Nhân Nhàn", "Phong Phòng", "Phương Phượng", "Quân Quan Quản", "Tâm Tám",
    "Thành Thanh Thạnh", "Thu Thư Thứ", "Tiến Tiên", "Trang Tráng", "Trí Tri", "Tùng Tung", "Việt",
    "Vinh Vĩnh", "Vy", "Ý", "Đạt", "Hân Hận", "Khoa Khóa", "Linh Lĩnh", "Nghĩa", "Như", "Oanh", "Quý Quy",
    "Sang Sáng", "Thịnh Thinh", "Trâm Tràm",
)  # fmt: skip
_PLACE = ("Số {n} đường Mẫu", "Tổ {n} phố Mẫu", "Thôn Mẫu {n}")
_BUSINESS = re.compile(
    r"^(doanh nghiệp tư nhân|dntn|hộ kinh doanh|hkd|cơ sở|cửa hàng|nhà thuốc|doanh nghiep tu nhan|ho kinh doanh)\b\s*",
    re.IGNORECASE,
)
"""A business that often bears its owner's name."""
_NOBODY = re.compile(
    r"^(ubnd|ủy ban|uỷ ban|sở|phòng|trung tâm|cục|chi cục|bộ|văn phòng|kho bạc|ban quản lý|công an|tòa án|thanh tra|"
    r"bộ phận|bưu điện|bưu cục|cổng|hệ thống|kho bac|trung tam|(tổng )?công ty|cty|hợp tác xã|htx|ngân hàng|chi nhánh|"
    r"hội|liên hiệp|trường|bệnh viện|quỹ|viện|(tong )?cong ty|hop tac xa|ngan hang|chi nhanh)\b"
    r"|\b(co\.?,? ?ltd|company|jsc|corporation|limited)\b", re.IGNORECASE,
)  # fmt: skip
"""An office or a company: its name is public."""
_PERSONAL = re.compile(r"[0-9]{12}")
_OLD = re.compile(r"[0-9]{9}")
_PHONE = re.compile(r"(?:\+?84|0)([0-9]{9,10})")
_DATES = (
    re.compile(r"(?P<d>\d{2})(?P<a>[/.-])(?P<m>\d{2})(?P<b>[/.-])(?P<y>\d{4})(?P<rest>.*)", re.DOTALL),
    re.compile(r"(?P<y>\d{4})(?P<a>[/.-])(?P<m>\d{2})(?P<b>[/.-])(?P<d>\d{2})(?P<rest>.*)", re.DOTALL),
    re.compile(r"(?P<y>(?:19|20)\d{2})(?P<a>)(?P<m>[01]\d)(?P<b>)(?P<d>[0-3]\d)(?P<rest>.*)", re.DOTALL),
    re.compile(r"(?P<d>[0-3]\d)(?P<a>)(?P<m>[01]\d)(?P<b>)(?P<y>(?:19|20)\d{2})(?P<rest>)"),
)


def without_marks(text: str) -> str:
    """Without accents and tone marks."""
    apart = unicodedata.normalize("NFD", text.replace("đ", "d").replace("Đ", "D"))
    return "".join(letter for letter in apart if not unicodedata.combining(letter))


def _letters(text: str) -> str:
    return re.sub(r"[^A-Z0-9]", "", without_marks(text).upper())


_GIVEN_FORMS = tuple(tuple(forms.split()) for forms in _GIVEN)
_BARE_GIVEN = tuple(_letters(forms[0]) for forms in _GIVEN_FORMS)
_INVENTED = re.compile(
    f"(?:{'|'.join(_letters(name) for name in (*FAMILY, 'Rơ Châm'))}|"
    "DOANHNGHIEPTUNHAN|DNTN|HOKINHDOANH|HKD|COSO|CUAHANG|NHATHUOC)MAU"
    f"(?:{'|'.join(sorted(_BARE_GIVEN, key=len, reverse=True))}){{2}}[0-9]*"
)
_TWO_GIVEN = f"(?:{'|'.join(sorted(_BARE_GIVEN, key=len, reverse=True))}){{2}}"
_PART = re.compile(f"(?:{'|'.join(_letters(name) for name in FAMILY)}|MAU|{_TWO_GIVEN})")
"""Of a name in several fields: a family name alone, the mark, two given names."""
_TOKEN = re.compile(r"mau[0-9a-f]{8}")


class Pseudonyms:
    """Gives each value its pseudonym under one key."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._forms: Mapping[Kind, Callable[[str], str]] = {
            Kind.NUMBER: self._number,
            Kind.TAX: self._number,
            Kind.PHONE: self._phone,
            Kind.MAIL: self._mail,
            Kind.ACCOUNT: self._account,
            Kind.NAME: self._name,
            Kind.OFFICER: self._name,
            Kind.ADDRESS: self._address,
            Kind.BIRTH: self._birth,
        }

    @property
    def fingerprint(self) -> str:
        """Names the key without telling it."""
        return hmac.new(self._key, b"fingerprint", hashlib.sha256).hexdigest()[:8]

    def of(self, kind: Kind, value: str) -> str:
        """The pseudonym of a value; a pseudonym, an empty text and a mask stay as they are."""
        bare = value.strip()
        if not bare or set(bare) <= set("*-.0") or is_pseudonym(kind, bare):
            return value
        start = value.index(bare)
        return value[:start] + self._forms[kind](bare) + value[start + len(bare) :]

    def _drawn(self, kind: str, value: str, below: int) -> int:
        digest = hmac.new(self._key, f"{kind}:{value}".encode("utf-8", "replace"), hashlib.sha256).digest()
        return int.from_bytes(digest[:16], "big") % below

    def _digits(self, kind: str, value: str, count: int) -> str:
        return f"{self._drawn(kind, value, 10**count):0{count}d}"

    def _number(self, value: str) -> str:
        """Whatever number it is: personal, old identity, tax code, or one of another form."""
        if _PERSONAL.fullmatch(value) or (value.isdigit() and len(value) == 11 and value[0] in "123456789"):
            return self._personal(value.zfill(12))[-len(value) :]
        digits = value.replace("-", "")
        if tax_code(value) is not None or (len(digits) in (10, 13) and digits.isdigit()):
            return self._tax(value)
        if _OLD.fullmatch(value):
            return "99" + self._digits("old", value, 7)
        return self._alike(value)

    def _personal(self, value: str) -> str:
        """Sex and century stay; 099 is no province."""
        century = int(value[3])
        years = 100 if century < 2 else 20
        year = self._drawn("year", value, years)
        return f"099{century % 4}{year:02d}{self._digits('personal', value, 6)}"

    def _tax(self, value: str) -> str:
        """With a right check digit; the branch stays, so that a branch stays its company's."""
        head, branch = value[:10], value[10:]
        for n in range(100):
            first = "99" + self._digits("tax", f"{head}/{n}", 7)
            for digit in "0123456789":
                if tax_code(first + digit) is not None:
                    return first + digit + branch
        raise AssertionError("ten of eleven numbers have a check digit")

    def _alike(self, value: str) -> str:
        """Letters for letters, digits for digits."""
        source = hmac.new(self._key, f"alike:{value.upper()}".encode("utf-8", "replace"), hashlib.sha512).digest()
        made, place = "", 0
        for letter in value:
            if not letter.isalnum():
                made += letter
                continue
            byte, place = source[place % len(source)], place + 1
            if letter.isdigit():
                made += "9" if place <= 2 else str(byte % 10)
            else:
                other = "Z" if place <= 2 else chr(ord("A") + byte % 26)
                made += other if letter.isupper() else other.lower()
        return made

    def _phone(self, value: str) -> str:
        """The way it is written stays: +84, spaces, dots."""
        digits = re.sub(r"[^0-9+]", "", value)
        found = _PHONE.fullmatch(digits)
        if found is None:  # a number that lost its zero, an extension, anything else
            if not digits.isdigit():
                return self._alike(value)
            national, lost = digits, len(digits) == 9
        else:
            national, lost = found[1], False
        made = iter(f"900{self._digits('phone', national, max(len(national) - 3, 1))}")
        skip = 0 if found is None or lost else len(digits) - len(national)
        told, seen = [], 0
        for letter in value:
            if letter in "0123456789+":
                told.append(letter if seen < skip else next(made, letter))
                seen += 1
            else:
                told.append(letter)
        return "".join(told)

    def _mail(self, value: str) -> str:
        made = f"mau{self._digits('mail', value.lower(), 8)}@example.vn"
        return made.upper() if value.isupper() else made

    def _account(self, value: str) -> str:
        if not value.isdigit() or len(value) < 4:
            return self._alike(value)
        return "99" + self._digits("account", value, len(value) - 2)

    def _name(self, value: str) -> str:
        """Family name, ``Mẫu`` and two given names; without marks where the value has none, joined where it has no
        spaces, so that the forms that systems make of a name stay one name's."""
        if _NOBODY.search(unicodedata.normalize("NFC", value)):
            return value
        if " " not in value and (re.search(r"[0-9._@\\/-]", value) or value.islower()):
            return f"mau{self._drawn('token', value.lower(), 16**8):08x}"
        legal = _BUSINESS.match(value)
        own = value[legal.end() :] if legal and value[legal.end() :].strip() else value
        bare = _letters(own)
        exact = unicodedata.normalize("NFC", " ".join(own.split())).casefold()
        first = FAMILY[self._drawn("family", bare, len(FAMILY))]
        words = [legal[1]] if legal else [first]
        words.append(MARK)
        for place in ("given", "last"):
            forms = _GIVEN_FORMS[self._drawn(place, bare, len(_GIVEN_FORMS))]
            words.append(forms[self._drawn(place + "form", exact, len(forms))])
        made = " ".join(words)
        if value.isascii():
            made = without_marks(made)
        elif unicodedata.is_normalized("NFD", value) and not unicodedata.is_normalized("NFC", value):
            made = unicodedata.normalize("NFD", made)
        if value.isupper():
            made = made.upper()
        return made.replace(" ", "") if " " not in value and len(value) > 5 else made

    def _address(self, value: str) -> str:
        """The first part is replaced, which tells the house; ward and province stay."""
        _, comma, rest = value.partition(",")
        number = self._drawn("house", _letters(value), 900) + 1
        place = _PLACE[self._drawn("place", _letters(value), len(_PLACE))].format(n=number)
        return place + comma + rest

    def _birth(self, value: str) -> str:
        """Day and month; the year stays."""
        for form in _DATES:
            found = form.fullmatch(value)
            if found is not None and int(found["m"]) <= 12:
                exact = f"{found['y']}-{found['m']}-{found['d']}"
                day, month = self._drawn("day", exact, 28) + 1, self._drawn("month", exact, 12) + 1
                parts = {"d": f"{day:02d}", "m": f"{month:02d}", "y": found["y"]}
                order = sorted("dmy", key=found.start)
                return f"{parts[order[0]]}{found['a']}{parts[order[1]]}{found['b']}{parts[order[2]]}{found['rest']}"
        return value


def is_pseudonym(kind: Kind, value: str) -> bool:
    """Whether it lies in the ranges that nobody was given. Dates of birth have none: for them it is always so."""
    match kind:
        case Kind.NUMBER | Kind.TAX:
            if _PERSONAL.fullmatch(value):
                return value.startswith("099")
            return _is_alike(value)
        case Kind.PHONE:
            digits = re.sub(r"[^0-9]", "", value)
            return digits.removeprefix("84").removeprefix("0").startswith("900") or _is_alike(value)
        case Kind.MAIL:
            return value.lower().rpartition("@")[2] in ("example.vn", "example.com", "example.org", "example.gov.vn")
        case Kind.ACCOUNT:
            return _is_alike(value)
        case Kind.NAME | Kind.OFFICER:
            return bool(
                _NOBODY.search(unicodedata.normalize("NFC", value))
                or _TOKEN.fullmatch(value)
                or _is_invented(_letters(value))
            )
        case Kind.ADDRESS:
            return bool(re.match(r"(Số \d+ đường|Tổ \d+ phố) Mẫu|Thôn Mẫu \d", unicodedata.normalize("NFC", value)))
    return False


def _is_invented(letters: str) -> bool:
    return bool(_INVENTED.fullmatch(letters) or _PART.fullmatch(letters))


def _is_alike(value: str) -> bool:
    first = [letter for letter in value if letter.isalnum()][:2]
    return len(first) == 2 and all(letter in "9Zz" for letter in first)
