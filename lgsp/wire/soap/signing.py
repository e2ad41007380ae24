"""Signs envelopes and verifies their signatures: X.509 certificates, exclusive canonical XML, SHA-256 and better.

Sources: W3C XML Signature 1.0 and 1.1, Exclusive XML Canonicalization 1.0, WSS X.509 token profile 1.0. The signature
must cover the very body that is read, each reference must name one element only, and algorithms are an allow-list.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from lxml import etree

from lgsp.errors import ConfigError
from lgsp.wire.soap.security import WSSE, WSU
from lgsp.wire.soap.xml import parse

DS = "http://www.w3.org/2000/09/xmldsig#"
EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
INCLUSIVE = "http://www.w3.org/TR/2001/REC-xml-c14n-20010315"
_X509 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-x509-token-profile-1.0#X509v3"
_BASE64 = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary"
_MORE = "http://www.w3.org/2001/04/xmldsig-more#"
_DIGESTS: dict[str, Callable[[bytes], Any]] = {
    "http://www.w3.org/2001/04/xmlenc#sha256": hashlib.sha256,
    "http://www.w3.org/2001/04/xmlenc#sha512": hashlib.sha512,
    f"{_MORE}sha384": hashlib.sha384,
}
_SIGNATURES: dict[str, tuple[str, hashes.HashAlgorithm]] = {
    f"{_MORE}rsa-sha256": ("rsa", hashes.SHA256()),
    f"{_MORE}rsa-sha384": ("rsa", hashes.SHA384()),
    f"{_MORE}rsa-sha512": ("rsa", hashes.SHA512()),
    f"{_MORE}ecdsa-sha256": ("ec", hashes.SHA256()),
    f"{_MORE}ecdsa-sha384": ("ec", hashes.SHA384()),
}
_IDS = (f"{{{WSU}}}Id", "Id", "ID", "id")
_LEAST_BITS = 2048


class BadSignature(ValueError):
    """Why an answer's signature does not count, in words that hold nothing of the answer."""


def _canonical(element: etree._Element, method: str, prefixes: list[str] | None = None) -> bytes:
    return etree.tostring(
        element, method="c14n", exclusive=method == EXCLUSIVE, with_comments=False,
        inclusive_ns_prefixes=prefixes or None,
    )  # fmt: skip


class Signer:
    """Our certificate and key."""

    def __init__(self, certificate: x509.Certificate, key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> None:
        self._certificate, self._key = certificate, key

    @classmethod
    def load(cls, certificate: str, key: str, password: str, where: str) -> Signer:
        """From PEM files; ``ConfigError`` names the setting."""
        found = _certificates(certificate, f"{where}.certificate")[0]
        try:
            raw = Path(key).read_bytes()
            loaded = serialization.load_pem_private_key(raw, password.encode() or None)
        except OSError as error:
            raise ConfigError(f"{where}.key: {error.strerror or type(error).__name__} ({key})") from None
        except (ValueError, TypeError):
            raise ConfigError(f"{where}.key: no usable PEM key, or a wrong key_password ({key})") from None
        if not isinstance(loaded, (rsa.RSAPrivateKey, ec.EllipticCurvePrivateKey)):
            raise ConfigError(f"{where}.key: an RSA or an elliptic curve key is wanted ({key})")
        if loaded.public_key() != found.public_key():
            raise ConfigError(f"{where}.key: the key is not that of the certificate")
        return cls(found, loaded)

    def sign(self, content: bytes) -> bytes:
        """The envelope with a signature in its ``Security`` header."""
        root = parse(content, huge=True)
        namespace = etree.QName(root).namespace
        header, body = root.find(f"{{{namespace}}}Header"), root.find(f"{{{namespace}}}Body")
        security = header.find(f"{{{WSSE}}}Security") if header is not None else None
        assert body is not None
        assert security is not None, "the Security block is written before it is signed"
        body.set(f"{{{WSU}}}Id", "body")
        token = etree.SubElement(
            security,
            f"{{{WSSE}}}BinarySecurityToken",
            {f"{{{WSU}}}Id": "token", "EncodingType": _BASE64, "ValueType": _X509},
        )
        der = self._certificate.public_bytes(serialization.Encoding.DER)
        token.text = base64.b64encode(der).decode("ascii")
        signed = [body, *(e for e in security if e.get(f"{{{WSU}}}Id") in ("timestamp", "user"))]
        signature = etree.SubElement(security, f"{{{DS}}}Signature", nsmap={"ds": DS})
        info = etree.SubElement(signature, f"{{{DS}}}SignedInfo")
        etree.SubElement(info, f"{{{DS}}}CanonicalizationMethod", {"Algorithm": EXCLUSIVE})
        is_rsa = isinstance(self._key, rsa.RSAPrivateKey)
        method = f"{_MORE}{'rsa' if is_rsa else 'ecdsa'}-sha256"
        etree.SubElement(info, f"{{{DS}}}SignatureMethod", {"Algorithm": method})
        for element in signed:
            reference = etree.SubElement(info, f"{{{DS}}}Reference", {"URI": f"#{element.get(f'{{{WSU}}}Id')}"})
            transforms = etree.SubElement(reference, f"{{{DS}}}Transforms")
            etree.SubElement(transforms, f"{{{DS}}}Transform", {"Algorithm": EXCLUSIVE})
            etree.SubElement(
                reference, f"{{{DS}}}DigestMethod", {"Algorithm": "http://www.w3.org/2001/04/xmlenc#sha256"}
            )
            value = etree.SubElement(reference, f"{{{DS}}}DigestValue")
            value.text = base64.b64encode(hashlib.sha256(_canonical(element, EXCLUSIVE)).digest()).decode("ascii")
        value = etree.SubElement(signature, f"{{{DS}}}SignatureValue")
        value.text = base64.b64encode(self._signed(_canonical(info, EXCLUSIVE))).decode("ascii")
        key_info = etree.SubElement(signature, f"{{{DS}}}KeyInfo")
        reference = etree.SubElement(key_info, f"{{{WSSE}}}SecurityTokenReference")
        etree.SubElement(reference, f"{{{WSSE}}}Reference", {"URI": "#token", "ValueType": _X509})
        return etree.tostring(root, xml_declaration=True, encoding="UTF-8")

    def _signed(self, data: bytes) -> bytes:
        if isinstance(self._key, rsa.RSAPrivateKey):
            return self._key.sign(data, padding.PKCS1v15(), hashes.SHA256())
        r, s = decode_dss_signature(self._key.sign(data, ec.ECDSA(hashes.SHA256())))
        size = (self._key.curve.key_size + 7) // 8
        return r.to_bytes(size, "big") + s.to_bytes(size, "big")


class Verifier:
    """The certificates we trust: the signers' own, or those of their authorities."""

    def __init__(self, trusted: list[x509.Certificate]) -> None:
        self._trusted = trusted

    @classmethod
    def load(cls, file: str, where: str) -> Verifier:
        """From a PEM file; ``ConfigError`` names the setting."""
        return cls(_certificates(file, f"{where}.trusted"))

    def verify(self, root: etree._Element, now: datetime, skew: float) -> None:
        """Raise ``BadSignature`` unless the body is signed by a trusted one, with a timestamp that is not over."""
        namespace = etree.QName(root).namespace
        header, body = root.find(f"{{{namespace}}}Header"), root.find(f"{{{namespace}}}Body")
        securities = header.findall(f"{{{WSSE}}}Security") if header is not None else []
        signatures = [s for security in securities for s in security.findall(f"{{{DS}}}Signature")]
        if not signatures:
            raise BadSignature("the answer is not signed")
        signature = signatures[0]
        info = signature.find(f"{{{DS}}}SignedInfo")
        if info is None or body is None:
            raise BadSignature("the signature is incomplete")
        self._check_signer(signature, info, root, now)
        covered = [self._check_reference(reference, root) for reference in info.findall(f"{{{DS}}}Reference")]
        if not any(element is body for element in covered):
            raise BadSignature("the signature does not cover the body")
        for element in covered:
            if element.tag == f"{{{WSU}}}Timestamp":
                _in_time(element, now, skew)

    def _check_signer(
        self, signature: etree._Element, info: etree._Element, root: etree._Element, now: datetime
    ) -> None:
        """By the certificate in the answer; where it only names one, by each that we trust."""
        told = self._certificate(signature, root)
        last = BadSignature("the signer's certificate is not in the answer, and none that we trust made the signature")
        for certificate in [told] if told is not None else self._trusted:
            try:
                self._trust(certificate, now)
                self._check_value(signature, info, certificate)
                return
            except BadSignature as error:
                if told is not None:
                    raise
                last = error if len(self._trusted) == 1 else last
        raise last

    def _certificate(self, signature: etree._Element, root: etree._Element) -> x509.Certificate | None:
        raw = signature.findtext(f"{{{DS}}}KeyInfo//{{{DS}}}X509Certificate")
        if raw is None:
            reference = signature.find(f"{{{DS}}}KeyInfo/{{{WSSE}}}SecurityTokenReference/{{{WSSE}}}Reference")
            if reference is None:
                return None
            token = _element(root, reference.get("URI", ""))
            if token.tag != f"{{{WSSE}}}BinarySecurityToken":
                raise BadSignature("the signature's certificate is not in the answer")
            raw = token.text
        try:
            return x509.load_der_x509_certificate(base64.b64decode("".join((raw or "").split()), validate=True))
        except (ValueError, binascii.Error):
            raise BadSignature("the signature's certificate cannot be read") from None

    def _trust(self, certificate: x509.Certificate, now: datetime) -> None:
        if not certificate.not_valid_before_utc <= now.astimezone(UTC) <= certificate.not_valid_after_utc:
            raise BadSignature("the signer's certificate is out of date")
        for trusted in self._trusted:
            if trusted == certificate:
                return
            if trusted.subject == certificate.issuer and _is_authority(trusted):
                try:
                    certificate.verify_directly_issued_by(trusted)
                except (ValueError, TypeError, InvalidSignature):
                    continue
                if trusted.not_valid_before_utc <= now.astimezone(UTC) <= trusted.not_valid_after_utc:
                    return
        raise BadSignature("the signer's certificate is not one that we trust; check the setting trusted")

    def _check_value(self, signature: etree._Element, info: etree._Element, certificate: x509.Certificate) -> None:
        method = _algorithm(info, "CanonicalizationMethod")
        if method not in (EXCLUSIVE, INCLUSIVE):
            raise BadSignature("a canonical form that is not taken")
        known = _SIGNATURES.get(_algorithm(info, "SignatureMethod"))
        if known is None:
            raise BadSignature("a signature algorithm that is not taken")
        data = _canonical(info, method, _prefixes(info.find(f"{{{DS}}}CanonicalizationMethod")))
        value = _decoded(signature.findtext(f"{{{DS}}}SignatureValue"))
        key, (kind, digest) = certificate.public_key(), known
        try:
            if kind == "rsa" and isinstance(key, rsa.RSAPublicKey) and key.key_size >= _LEAST_BITS:
                key.verify(value, data, padding.PKCS1v15(), digest)
                return
            if kind == "ec" and isinstance(key, ec.EllipticCurvePublicKey):
                half = len(value) // 2
                pair = encode_dss_signature(int.from_bytes(value[:half], "big"), int.from_bytes(value[half:], "big"))
                key.verify(pair, data, ec.ECDSA(digest))
                return
        except InvalidSignature:
            raise BadSignature("the signature is not of what was signed") from None
        raise BadSignature("the certificate's key does not go with the signature's algorithm")

    def _check_reference(self, reference: etree._Element, root: etree._Element) -> etree._Element:
        element = _element(root, reference.get("URI", ""))
        method, prefixes = INCLUSIVE, None
        transforms = reference.findall(f"{{{DS}}}Transforms/{{{DS}}}Transform")
        if len(transforms) > 1:
            raise BadSignature("transforms that are not taken")
        for transform in transforms:
            method, prefixes = transform.get("Algorithm", ""), _prefixes(transform)
        digest = _DIGESTS.get(_algorithm(reference, "DigestMethod"))
        if method not in (EXCLUSIVE, INCLUSIVE) or digest is None:
            raise BadSignature("an algorithm that is not taken")
        found = digest(_canonical(element, method, prefixes)).digest()
        if not hmac.compare_digest(found, _decoded(reference.findtext(f"{{{DS}}}DigestValue"))):
            raise BadSignature("what was signed has been changed")
        return element


def _certificates(file: str, where: str) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(Path(file).read_bytes())
    except OSError as error:
        raise ConfigError(f"{where}: {error.strerror or type(error).__name__} ({file})") from None
    except ValueError:
        raise ConfigError(f"{where}: no PEM certificate in it ({file})") from None


def _is_authority(certificate: x509.Certificate) -> bool:
    try:
        return bool(certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca)
    except x509.ExtensionNotFound:
        return False


def _element(root: etree._Element, uri: str) -> etree._Element:
    """The one element of this id. Two of them are how signatures are made to cover what is not read."""
    name = uri.removeprefix("#")
    if not uri.startswith("#") or not name:
        raise BadSignature("a reference to something outside the answer")
    found = [e for e in root.iter() if any(e.get(attribute) == name for attribute in _IDS)]
    if len(found) != 1:
        raise BadSignature("a reference that does not name exactly one element")
    return found[0]


def _algorithm(element: etree._Element, name: str) -> str:
    child = element.find(f"{{{DS}}}{name}")
    return child.get("Algorithm", "") if child is not None else ""


def _prefixes(element: etree._Element | None) -> list[str] | None:
    inclusive = element.find(f"{{{EXCLUSIVE}}}InclusiveNamespaces") if element is not None else None
    return inclusive.get("PrefixList", "").replace("#default", "").split() if inclusive is not None else None


def _decoded(text: str | None) -> bytes:
    try:
        return base64.b64decode("".join((text or "").split()), validate=True)
    except binascii.Error:
        raise BadSignature("a value that is not base64") from None


def _in_time(timestamp: etree._Element, now: datetime, skew: float) -> None:
    expires = timestamp.findtext(f"{{{WSU}}}Expires")
    if expires is None:
        return
    try:
        until = datetime.fromisoformat(expires.strip().replace("Z", "+00:00"))
    except ValueError:
        raise BadSignature("a timestamp that cannot be read") from None
    until = until if until.tzinfo else until.replace(tzinfo=UTC)
    if until + timedelta(seconds=skew) < now:
        raise BadSignature("the answer is out of date; check the clocks")
