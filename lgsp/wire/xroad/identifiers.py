"""X-Road identifiers: read from the slash form and the colon form, written part by part.

Source: X-Road message protocol 4.0 (pr-mess), section 2.1; REST protocol r1 (pr-rest), section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import quote

from lgsp.errors import ConfigError

_PART = re.compile(r"[A-Za-z0-9'()+,\-.=?]+\Z")


@dataclass(frozen=True, slots=True)
class Member:
    """A member of the bus or one of its subsystems."""

    instance: str
    member_class: str
    member: str
    subsystem: str = ""

    @classmethod
    def read(cls, text: str, where: str) -> Member:
        """From ``VN/GOV/000.00.00.H56/lgsp`` or ``VN:GOV:000.00.00.H56:lgsp``. ``ConfigError`` names ``where``."""
        parts = text.split("/" if "/" in text else ":")
        if not 3 <= len(parts) <= 4 or not all(_PART.match(part) for part in parts):
            raise ConfigError(
                f"{where}: must be instance/class/member/subsystem, as VN/GOV/000.00.00.H56/lgsp, of letters, digits "
                "and '()+,-.=? only"
            )
        return cls(*parts)

    @property
    def parts(self) -> tuple[str, ...]:
        found = (self.instance, self.member_class, self.member)
        return (*found, self.subsystem) if self.subsystem else found

    @property
    def path(self) -> str:
        """The slash form, each part percent-encoded by itself."""
        return "/".join(quote(part, safe="") for part in self.parts)

    @property
    def kind(self) -> str:
        """``objectType`` of the SOAP headers."""
        return "SUBSYSTEM" if self.subsystem else "MEMBER"


def code(text: str, where: str) -> str:
    """A service code or version, checked."""
    if not _PART.match(text):
        raise ConfigError(f"{where}: a service's code and version have letters, digits and '()+,-.=? only")
    return text
