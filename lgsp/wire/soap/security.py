"""WS-Security 1.0: a user name with its password in text or as a digest, a timestamp, a signature by certificate.

Sources: OASIS WSS SOAP Message Security 1.0, UsernameToken profile 1.0, X.509 token profile 1.0. Light: what signs and
verifies is loaded when it is used.
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Literal
from xml.sax.saxutils import escape

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.clock import Clock, SystemClock
from lgsp.errors import ConfigError
from lgsp.wire.soap.blocks import Context

if TYPE_CHECKING:
    from lxml import etree

    from lgsp.wire.soap.signing import Signer, Verifier

WSSE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
_PROFILE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0"
_MESSAGE = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0"


class SecuritySettings(BaseModel):
    """WS-Security of a system; a connector embeds it where its system asks for it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, frozen=True)

    username: str = Field("", description="Account of the UsernameToken; empty: none is sent")
    password: SecretStr = Field(SecretStr(""), description="Its password")
    password_as: Literal["digest", "text"] = Field("digest", description="How the password travels; text only over TLS")
    lifetime: float = Field(0.0, ge=0, le=3600, description="Seconds that a message is good for; 0: no timestamp")
    certificate: str = Field("", description="File with our certificate, PEM; empty: messages are not signed")
    key: str = Field("", description="File with its key, PEM")
    key_password: SecretStr | None = Field(None, description="Password of the key file")
    trusted: str = Field(
        "",
        description="File with the certificates that sign answers, or of their authorities; empty: none asked for",
    )
    skew: float = Field(300.0, ge=0, le=3600, description="Seconds by which the remote's clock may differ from ours")


class Security:
    """What goes into the ``Security`` header of one system's messages, and the check of its answers'."""

    def __init__(
        self, settings: SecuritySettings, *, where: str = "security", clock: Clock | None = None,
        chance: Callable[[int], bytes] = secrets.token_bytes,
    ) -> None:  # fmt: skip
        """``where`` names the settings in errors. ``chance`` gives the nonce."""
        if settings.key and not settings.certificate:
            raise ConfigError(f"{where}.certificate: a key is set and no certificate; set both or neither")
        if settings.certificate and not settings.key:
            raise ConfigError(f"{where}.key: a certificate is set and no key; set both or neither")
        self.settings, self._where = settings, where
        self._clock: Clock = clock or SystemClock()
        self._chance = chance
        self._signer: Signer | None = None
        self._verifier: Verifier | None = None

    def block(self, context: Context) -> str:
        """The header block, not yet signed."""
        settings, now = self.settings, self._clock.now()
        inner = []
        if settings.lifetime:
            until = now + timedelta(seconds=settings.lifetime)
            inner.append(
                f'<wsu:Timestamp wsu:Id="timestamp"><wsu:Created>{_moment(now)}</wsu:Created>'
                f"<wsu:Expires>{_moment(until)}</wsu:Expires></wsu:Timestamp>"
            )
        if settings.username:
            inner.append(self._token(now))
        must = "1" if context.version == "1.1" else "true"
        return (
            f'<wsse:Security xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}" s:mustUnderstand="{must}">{"".join(inner)}'
            "</wsse:Security>"
        )

    def _token(self, now: datetime) -> str:
        settings = self.settings
        password, created = settings.password.get_secret_value(), _moment(now)
        nonce = self._chance(16)
        kind = "PasswordText"
        if settings.password_as == "digest":  # noqa: S105 - names how it travels
            kind = "PasswordDigest"
            # SHA-1 is what the profile has; it protects a nonce, not a document.
            mixed = hashlib.sha1(nonce + created.encode() + password.encode(), usedforsecurity=False)
            password = base64.b64encode(mixed.digest()).decode("ascii")
        return (
            f'<wsse:UsernameToken wsu:Id="user"><wsse:Username>{escape(settings.username)}</wsse:Username>'
            f'<wsse:Password Type="{_PROFILE}#{kind}">{escape(password)}</wsse:Password>'
            f'<wsse:Nonce EncodingType="{_MESSAGE}#Base64Binary">{base64.b64encode(nonce).decode("ascii")}</wsse:Nonce>'
            f"<wsu:Created>{created}</wsu:Created></wsse:UsernameToken>"
        )

    @property
    def signs(self) -> bool:
        """Whether messages are signed."""
        return bool(self.settings.certificate)

    @property
    def verifies(self) -> bool:
        """Whether answers must be signed."""
        return bool(self.settings.trusted)

    def sign(self, content: bytes) -> bytes:
        """The envelope with a signature over its body, timestamp and user name. ``ConfigError`` for a key that cannot
        be used."""
        if self._signer is None:
            from lgsp.wire.soap.signing import Signer

            password = self.settings.key_password
            self._signer = Signer.load(
                self.settings.certificate,
                self.settings.key,
                password.get_secret_value() if password else "",
                self._where,
            )
        return self._signer.sign(content)

    def verify(self, root: etree._Element) -> None:
        """Raise ``signing.BadSignature`` unless the envelope's body is signed by one whom we trust, and in time."""
        if self._verifier is None:
            from lgsp.wire.soap.signing import Verifier

            self._verifier = Verifier.load(self.settings.trusted, self._where)
        self._verifier.verify(root, self._clock.now(), self.settings.skew)


def _moment(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
