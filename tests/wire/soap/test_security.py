"""WS-Security and WS-Addressing; signatures are held against xmlsec1, which is neither side's."""

from __future__ import annotations

import base64
import hashlib
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from lxml import etree
from pydantic import SecretStr

from lgsp.clock import FixedClock
from lgsp.errors import BadAnswer, CallError, ConfigError, Rejected
from lgsp.wire.soap import Addressing, Fault, Security, SecuritySettings, SoapContract, SoapPort
from lgsp.wire.soap.security import WSSE, WSU
from tests.wire.kit import Sink, wired
from tests.wire.soap.kit import CONTRACTS, SOAP11, envelope, operation, reply
from tests.wire.soap.test_faults import fault11

pytestmark = pytest.mark.anyio
NOW = datetime(2026, 10, 8, 1, 0, 0, 500_000, tzinfo=UTC)
FIND = {"PersonalId": "012345678901"}
FOUND = '<FindResponse xmlns="urn:people"/>'
DS = "http://www.w3.org/2000/09/xmldsig#"
needs_xmlsec = pytest.mark.skipif(
    shutil.which("xmlsec1") is None, reason="apt-get install xmlsec1: no second judge here"
)


def signed_by(
    subject: str, key: Any, issuer: str, issuer_key: Any, *, days: int = 30, ca: bool = False
) -> x509.Certificate:
    builder = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, subject)]))
        .issuer_name(x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, issuer)]))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(NOW - timedelta(days=30))
        .not_valid_after(NOW + timedelta(days=days))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
    )
    return builder.sign(issuer_key, hashes.SHA256())


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our key, the remote's two, an authority, a stranger's."""
    folder = tmp_path_factory.mktemp("keys")
    made: dict[str, Any] = {
        "authority": rsa.generate_private_key(65537, 2048), "ours": rsa.generate_private_key(65537, 2048),
        "remote": rsa.generate_private_key(65537, 2048), "curve": ec.generate_private_key(ec.SECP256R1()),
        "stranger": rsa.generate_private_key(65537, 2048), "expired": rsa.generate_private_key(65537, 2048),
    }  # fmt: skip
    for name, key in made.items():
        own = name in ("authority", "stranger")
        certificate = signed_by(
            name, key, name if own else "authority", key if own else made["authority"],
            days=-1 if name == "expired" else 30, ca=name == "authority",
        )  # fmt: skip
        (folder / f"{name}.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        locked = serialization.BestAvailableEncryption(b"kh") if name == "ours" else serialization.NoEncryption()
        (folder / f"{name}.key").write_bytes(
            key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, locked)
        )
    return folder


def security(**values: Any) -> Security:
    return Security(SecuritySettings.model_validate(values), clock=FixedClock(NOW), chance=lambda n: b"\x01" * n)


def ours(keys: Path, **values: Any) -> Security:
    return security(
        certificate=str(keys / "ours.pem"), key=str(keys / "ours.key"), key_password=SecretStr("kh"), **values
    )


def header(made: Security) -> etree._Element:
    content = operation("people", "Find").envelope(FIND, security=made).content
    found = etree.fromstring(content).find(f"{{{SOAP11}}}Header/{{{WSSE}}}Security")
    assert found is not None
    return found


def test_a_password_in_text() -> None:
    block = header(security(username="lgsp", password="m&t", password_as="text"))
    assert block.get(f"{{{SOAP11}}}mustUnderstand") == "1"
    token = block[0]
    assert token.findtext(f"{{{WSSE}}}Username") == "lgsp"
    password = token.find(f"{{{WSSE}}}Password")
    assert password is not None
    assert (password.text, (password.get("Type") or "").rpartition("#")[2]) == ("m&t", "PasswordText")


def test_a_password_as_a_digest_with_a_given_clock_and_chance() -> None:
    token = header(security(username="lgsp", password="mật khẩu"))[0]
    nonce = base64.b64decode(token.findtext(f"{{{WSSE}}}Nonce") or "")
    created = token.findtext(f"{{{WSU}}}Created") or ""
    wanted = base64.b64encode(hashlib.sha1(nonce + created.encode() + "mật khẩu".encode()).digest()).decode()
    assert (nonce, created) == (b"\x01" * 16, "2026-10-08T01:00:00.500Z")
    assert token.findtext(f"{{{WSSE}}}Password") == wanted


def test_a_timestamp() -> None:
    block = header(security(lifetime=60))
    assert [e.text for e in block[0]] == ["2026-10-08T01:00:00.500Z", "2026-10-08T01:01:00.500Z"]


async def test_a_password_never_reaches_the_journal() -> None:
    sink = Sink()
    async with wired(httpx.MockTransport(lambda _r: httpx.Response(202)), sink) as (wire, _):
        made = security(username="lgsp", password="b1-m4t", password_as="text")
        port = SoapPort(wire, SoapContract(CONTRACTS / "people" / "people.wsdl"), "http://x.test/", security=made)
        await port.call("save", "Save", {"PersonalId": "012345678901", "Name": "M", "BirthYear": "1999"})
    assert b"b1-m4t" not in sink.opened[0].body
    assert b"<wsse:Username>lgsp" in sink.opened[0].body


@needs_xmlsec
def test_what_we_sign_another_implementation_verifies(keys: Path, tmp_path: Path) -> None:
    made = ours(keys, lifetime=60, username="lgsp", password="m")
    content = operation("people", "Find").envelope({**FIND, "Reason": "é & <"}, security=made).content
    assert verified_by_xmlsec(content, keys / "ours.pem", tmp_path)
    assert not verified_by_xmlsec(content.replace(b"012345678901", b"012345678902"), keys / "ours.pem", tmp_path)
    assert content.count(b"<ds:Reference ") == 3


def verified_by_xmlsec(content: bytes, certificate: Path, folder: Path) -> bool:
    file = folder / "message.xml"
    file.write_bytes(content)
    names = [f"--id-attr:Id {name}" for name in (f"{SOAP11}:Body", f"{WSU}:Timestamp", f"{WSSE}:UsernameToken")]
    command = ["xmlsec1", "--verify", "--pubkey-cert-pem", str(certificate), *" ".join(names).split(), str(file)]
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def template(body: str, method: str = "rsa-sha256", digest: str = "sha256", extra: str = "") -> str:
    return (
        f'<e:Envelope xmlns:e="{SOAP11}" xmlns:wsse="{WSSE}" xmlns:wsu="{WSU}"><e:Header><wsse:Security>{extra}'
        f'<Signature xmlns="{DS}"><SignedInfo>'
        '<CanonicalizationMethod Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/>'
        f'<SignatureMethod Algorithm="http://www.w3.org/2001/04/xmldsig-more#{method}"/>'
        '<Reference URI="#b"><Transforms>'
        '<Transform Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#"/></Transforms>'
        f'<DigestMethod Algorithm="http://www.w3.org/2001/04/xmlenc#{digest}"/><DigestValue/></Reference></SignedInfo>'
        "<SignatureValue/><KeyInfo><X509Data/></KeyInfo></Signature></wsse:Security></e:Header>"
        f'<e:Body wsu:Id="b">{body}</e:Body></e:Envelope>'
    )


def signed_by_xmlsec(text: str, keys: Path, name: str, folder: Path) -> bytes:
    source, target = folder / "template.xml", folder / "signed.xml"
    source.write_text(text)
    command = [
        "xmlsec1", "--sign", "--privkey-pem", f"{keys / f'{name}.key'},{keys / f'{name}.pem'}", "--id-attr:Id",
        f"{SOAP11}:Body", "--output", str(target), str(source),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, check=False, text=True)
    assert done.returncode == 0, done.stderr
    return target.read_bytes()


def read(content: bytes, made: Security) -> Any:
    return operation("people", "Find").read(reply(content), security=made).value


@needs_xmlsec
@pytest.mark.parametrize(
    ("name", "method"), [("remote", "rsa-sha256"), ("remote", "rsa-sha512"), ("curve", "ecdsa-sha256")]
)
@pytest.mark.parametrize("trusted", ["authority", "own"])
def test_what_another_implementation_signs_we_verify(
    keys: Path, tmp_path: Path, name: str, method: str, trusted: str
) -> None:
    content = signed_by_xmlsec(template(FOUND, method), keys, name, tmp_path)
    made = security(trusted=str(keys / f"{name if trusted == 'own' else 'authority'}.pem"))
    assert read(content, made) == {"Person": []}


@needs_xmlsec
def test_a_signer_who_is_only_named(keys: Path, tmp_path: Path) -> None:
    text = template(FOUND).replace("<KeyInfo><X509Data/></KeyInfo>", "<KeyInfo><KeyName>remote</KeyName></KeyInfo>")
    content = signed_by_xmlsec(text, keys, "remote", tmp_path)
    (tmp_path / "two.pem").write_bytes((keys / "authority.pem").read_bytes() + (keys / "remote.pem").read_bytes())
    assert read(content, security(trusted=str(tmp_path / "two.pem"))) == {"Person": []}
    with pytest.raises(BadAnswer, match="not of what was signed"):
        read(content, security(trusted=str(keys / "stranger.pem")))


Change = Callable[[bytes], bytes]


def moved(content: bytes) -> bytes:
    """The signed body put aside, another one in its place."""
    body = content[content.index(b"<e:Body") : content.index(b"</e:Body>") + 9]
    forged = b"<e:Body>" + FOUND.replace("/>", "><Forged/></FindResponse>").encode() + b"</e:Body>"
    return content.replace(body, forged).replace(b"</wsse:Security>", b"</wsse:Security>" + body)


@needs_xmlsec
@pytest.mark.parametrize(
    ("name", "change", "told"),
    [
        ("remote", lambda c: c.replace(b"<FindResponse", b"<FindResponse a='1'"), "what was signed has been changed"),
        ("remote", lambda c: c.replace(b"<SignatureValue>", b"<SignatureValue>AAAA"), "not of what was signed"),
        ("remote", lambda c: c.replace(b"rsa-sha256", b"rsa-sha1"), "algorithm that is not taken"),
        ("remote", lambda c: c.replace(b"xmlenc#sha256", b"xmldsig#sha1"), "not of what was signed"),
        ("remote", moved, "does not cover the body"),
        ("remote", lambda c: c.replace(b"</e:Header>", b'<x Id="b"/></e:Header>'), "exactly one element"),
        ("remote", lambda c: c.replace(b'URI="#b"', b'URI="http://x/y"'), "not of what was signed"),
        ("stranger", lambda c: c, "not one that we trust"),
        ("expired", lambda c: c, "out of date"),
        ("remote", lambda c: c.replace(b"<X509Certificate>", b"<X509Certificate>AAAA"), "cannot be read"),
    ],
)  # fmt: skip
def test_a_signature_that_does_not_count(keys: Path, tmp_path: Path, name: str, change: Change, told: str) -> None:
    content = change(signed_by_xmlsec(template(FOUND), keys, name, tmp_path))
    with pytest.raises(BadAnswer, match=told):
        read(content, security(trusted=str(keys / "authority.pem")))


def test_our_own_signature_is_one_that_we_verify(keys: Path) -> None:
    made = ours(keys, lifetime=60, trusted=str(keys / "ours.pem"))
    save = operation("people", "Find")
    content = save.envelope(FIND, security=made).content.replace(b"n0:Find", b"n0:Find")
    with pytest.raises(BadAnswer, match="an answer without FindResponse"):  # signed well, and no answer
        save.read(reply(content), security=made)
    late = Security(made.settings, clock=FixedClock(NOW + timedelta(seconds=400)))
    with pytest.raises(BadAnswer, match="out of date; check the clocks"):
        save.read(reply(content), security=late)


def test_an_answer_must_be_signed_and_a_fault_need_not(keys: Path) -> None:
    made = security(trusted=str(keys / "authority.pem"))
    with pytest.raises(BadAnswer, match="the answer is not signed"):
        read(envelope(FOUND).encode(), made)
    with pytest.raises(Rejected) as caught:
        read(fault11("e:Client").encode(), made)
    assert isinstance(caught.value.fault, Fault)
    assert caught.value.fault.signed is False
    assert read(envelope(FOUND).encode(), security()) == {"Person": []}


@needs_xmlsec
def test_a_signed_fault_says_so(keys: Path, tmp_path: Path) -> None:
    inner = "<e:Fault><faultcode>e:Client</faultcode><faultstring>x</faultstring></e:Fault>"
    content = signed_by_xmlsec(template(inner), keys, "remote", tmp_path)
    with pytest.raises(CallError) as caught:
        read(content, security(trusted=str(keys / "authority.pem")))
    assert isinstance(caught.value.fault, Fault)
    assert caught.value.fault.signed is True


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"certificate": "ours.pem"}, r"security\.key: a certificate is set and no key"),
        ({"key": "ours.key"}, r"security\.certificate: a key is set and no certificate"),
        ({"certificate": "none.pem", "key": "ours.key"}, r"security\.certificate: No such file"),
        ({"certificate": "ours.key", "key": "ours.key"}, r"security\.certificate: no PEM certificate"),
        ({"certificate": "ours.pem", "key": "ours.key"}, r"security\.key: no usable PEM key, or a wrong key_password"),
        ({"certificate": "ours.pem", "key": "remote.key"}, r"security\.key: the key is not that of the certificate"),
    ],
)
def test_settings_that_cannot_be_used(keys: Path, values: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        operation("people", "Find").envelope(FIND, security=security(**{k: str(keys / v) for k, v in values.items()}))


async def test_ws_addressing_names_the_message_and_its_answer() -> None:
    seen: list[etree._Element] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(etree.fromstring(request.content)[0])
        related = f'<w:RelatesTo xmlns:w="http://www.w3.org/2005/08/addressing">{relates}</w:RelatesTo>'
        return httpx.Response(200, text=envelope(FOUND, header=related), headers={"content-type": "text/xml"})

    relates = "urn:uuid:1"
    async with wired(httpx.MockTransport(handle)) as (wire, _):
        contract = SoapContract(CONTRACTS / "people" / "people.wsdl")
        talk = Addressing(number=lambda: "urn:uuid:1").talk
        port = SoapPort(wire, contract, "http://x.test/people", talks=[talk])
        assert await port.call("find", "Find", FIND) == {"Person": []}
        relates = "urn:uuid:2"
        with pytest.raises(BadAnswer, match="RelatesTo"):
            await port.call("find", "Find", FIND)
    told = {etree.QName(e).localname: e.text or e[0].text for e in seen[0]}
    assert told == {
        "Action": "urn:people/find", "MessageID": "urn:uuid:1", "To": "http://x.test/people",
        "ReplyTo": "http://www.w3.org/2005/08/addressing/anonymous",
    }  # fmt: skip
