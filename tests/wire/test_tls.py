"""TLS and proxies: checked always, told by the name of the setting."""

from __future__ import annotations

import asyncio
import base64
import shutil
import ssl
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr

from lgsp.errors import AccessRefused, CallError, ConfigError, NotSent, OutcomeUnknown
from lgsp.spi.connector import TlsSettings
from lgsp.wire.transport import AiohttpTransport, build_transport
from tests.wire.kit import Peer, echo, serving, settings, wired

pytestmark = [
    pytest.mark.anyio,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="makes its certificates with the openssl command"),
]


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A private authority, a server's and a client's certificate, and an authority nobody trusts."""
    folder = tmp_path_factory.mktemp("tls")

    def run(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    new = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"]
    for name in ("ca", "other"):
        run(
            "req",
            "-x509",
            *new,
            "-nodes",
            "-keyout",
            f"{name}.key",
            "-out",
            f"{name}.pem",
            "-days",
            "2",
            "-subj",
            f"/CN={name}",
        )
    for name in ("server", "client"):
        lock = ["-passout", "pass:khóa"] if name == "client" else ["-nodes"]
        run("req", *new, *lock, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (folder / "ext").write_text("subjectAltName=IP:127.0.0.1\n")
        run("x509", "-req", "-in", f"{name}.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial", "-days", "2",
            "-extfile", "ext", "-out", f"{name}.pem")  # fmt: skip
    (folder / "not.pem").write_text("this is no certificate")
    return folder


def server_side(folder: Path, ask: bool = False) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / "server.pem", folder / "server.key")
    if ask:
        context.load_verify_locations(folder / "ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def tls(folder: Path, ca: str = "ca", client: bool = False) -> TlsSettings:
    if not client:
        return TlsSettings(ca=str(folder / f"{ca}.pem"))
    return TlsSettings(
        ca=str(folder / f"{ca}.pem"), certificate=str(folder / "client.pem"), key=str(folder / "client.key"),
        key_password=SecretStr("khóa"),
    )  # fmt: skip


async def test_a_private_authority_and_a_client_certificate(certificates: Path) -> None:
    async with (
        serving(echo, server_side(certificates, ask=True)) as server,
        wired(tls=tls(certificates, client=True)) as (wire, sink),
    ):
        assert (await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})).status == 200
    assert sink.outcomes == ["answered"]


@pytest.mark.parametrize("trust", [None, "other"])
async def test_a_remote_that_is_not_trusted_gets_nothing_and_one_try(certificates: Path, trust: str | None) -> None:
    async with (
        serving(echo, server_side(certificates)) as server,
        wired(tls=tls(certificates, trust) if trust else None) as (wire, sink),
    ):
        with pytest.raises(NotSent, match=r"not trusted.*tls\.ca"):
            await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})
        assert server.requests == []
    assert sink.outcomes == ["NotSent"]


async def test_another_host_name_is_not_trusted(certificates: Path) -> None:
    async with serving(echo, server_side(certificates)) as server, wired(tls=tls(certificates)) as (wire, _):
        with pytest.raises(NotSent, match="host name"):
            await wire.request("push", "POST", f"https://localhost:{server.port}/", json={})


async def test_a_missing_client_certificate_holds_the_system(certificates: Path) -> None:
    """TLS 1.3: the server refuses after our side believes the handshake done, and then drains what we sent."""
    context = server_side(certificates, ask=True)

    async def refuse(peer: Peer) -> None:
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        side = context.wrap_bio(incoming, outgoing, server_side=True)
        while data := await peer.reader.read(65536):
            incoming.write(data)
            with suppress(ssl.SSLError):
                side.do_handshake()
            await peer.send(outgoing.read())

    async with serving(refuse) as server, wired(tls=tls(certificates)) as (wire, sink):
        with pytest.raises(CallError) as caught:
            await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})
    assert type(caught.value) is AccessRefused, str(caught.value)
    assert "tls.certificate" in str(caught.value)
    assert sink.outcomes == ["AccessRefused"]


async def test_a_reset_in_place_of_the_alert_is_unknown(certificates: Path) -> None:
    """Most servers reset at once, and the reset outruns the alert: nobody can tell, so nothing is claimed."""
    async with (
        serving(echo, server_side(certificates, ask=True)) as server,
        wired(tls=tls(certificates)) as (wire, _),
    ):
        with pytest.raises((OutcomeUnknown, AccessRefused)):
            await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})
        assert server.requests == []


async def test_plain_http_where_tls_is_expected_is_not_sent() -> None:
    async def plain(peer: Peer) -> None:
        await peer.reader.read(10)
        await peer.send(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with serving(plain) as server, wired() as (wire, _):
        with pytest.raises(NotSent, match="TLS"):
            await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})


@pytest.mark.parametrize(
    ("values", "setting"),
    [
        ({"ca": "missing.pem"}, "tls.ca: no such file"),
        ({"ca": "not.pem"}, "tls.ca: not usable as PEM"),
        ({"certificate": "missing.pem"}, "tls.certificate, .key: no such file"),
        ({"certificate": "client.pem", "key": "server.key"}, "tls.certificate, .key, .key_password: not usable"),
        ({"certificate": "client.pem", "key": "client.key"}, "tls.certificate, .key, .key_password: not usable"),
        ({"key": "client.key"}, "tls.certificate: a key is set and no certificate"),
    ],
    ids=["no ca", "ca garbage", "no certificate", "key of another", "password missing", "key alone"],
)
def test_a_wrong_tls_setting_is_named(certificates: Path, values: dict[str, str], setting: str) -> None:
    paths = TlsSettings(**{name: str(certificates / file) for name, file in values.items()})
    with pytest.raises(ConfigError) as caught:
        build_transport("remote", settings(paths))
    assert str(caught.value).startswith(f"systems.remote.{setting}")


def test_a_wrong_password_is_not_shown(certificates: Path) -> None:
    paths = tls(certificates, client=True).model_copy(update={"key_password": SecretStr("wr0ng-one")})
    with pytest.raises(ConfigError, match="key_password") as caught:
        build_transport("remote", settings(paths))
    assert "wr0ng-one" not in str(caught.value)


async def tunnel(peer: Peer) -> None:
    """A proxy that wants credentials, passes CONNECT on and answers plain requests itself."""
    request = await peer.read()
    right = b"Proxy-Authorization: Basic " + base64.b64encode("người:p@ss".encode())
    if right not in request:
        await peer.answer(b"", "407 Proxy Authentication Required")
        return
    if not request.startswith(b"CONNECT "):
        await peer.answer(b'{"through": "proxy"}')
        return
    host, _, port = request.split()[1].decode().rpartition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    await peer.send(b"HTTP/1.1 200 OK\r\n\r\n")

    async def copy(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
        while data := await source.read(65536):
            target.write(data)
            await target.drain()
        target.close()

    try:
        await asyncio.gather(copy(peer.reader, writer), copy(reader, peer.writer))
    finally:
        writer.close()


async def test_a_proxy_with_credentials(certificates: Path) -> None:
    async with serving(tunnel) as proxy, serving(echo, server_side(certificates)) as server:
        address = f"http://ng%C6%B0%E1%BB%9Di:p%40ss@127.0.0.1:{proxy.port}"
        async with wired(tls=tls(certificates), proxy=address) as (wire, sink):
            assert (await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})).json() == {}
            plain = await wire.request("read", "GET", "http://remote.example/a?b=1")
            assert plain.json() == {"through": "proxy"}
        assert b"Proxy-Authorization" not in server.requests[0]
        assert proxy.requests[1].startswith(b"GET http://remote.example/a?b=1 HTTP/1.1\r\n")
    assert sink.outcomes == ["answered"] * 2


async def test_a_proxy_that_refuses_our_credentials_holds_the_system(certificates: Path) -> None:
    async with serving(tunnel) as proxy, serving(echo, server_side(certificates)) as server:
        async with wired(tls=tls(certificates), proxy=f"http://127.0.0.1:{proxy.port}") as (wire, _):
            with pytest.raises(AccessRefused, match="setting proxy"):
                await wire.request("push", "POST", f"https://127.0.0.1:{server.port}/", json={})
        assert server.connections == 0


@pytest.mark.parametrize(
    ("proxy", "word"),
    [
        ("proxy:3128", "must be http"),
        ("ftp://proxy:21", "must be http"),
        ("socks5://proxy:1080", "socksio"),
        ("http://", "must be"),
    ],
)
def test_a_wrong_proxy_is_named(proxy: str, word: str) -> None:
    with pytest.raises(ConfigError, match=word) as caught:
        build_transport("remote", settings(proxy=proxy))
    assert str(caught.value).startswith("systems.remote.proxy: ")


async def test_a_tls_proxy_falls_back_to_the_transport_of_httpx(certificates: Path) -> None:
    kinds: dict[str, Any] = {"": AiohttpTransport, "https://127.0.0.1:1": httpx.AsyncHTTPTransport}
    for proxy, kind in kinds.items():
        transport = build_transport("remote", settings(tls(certificates), proxy=proxy))
        assert type(transport) is kind
        await transport.aclose()


async def test_the_fallback_classifies_alike() -> None:
    async with wired(proxy="https://127.0.0.1:1") as (wire, sink):
        with pytest.raises(NotSent):
            await wire.request("push", "POST", "http://remote.example/", json={})
    assert sink.outcomes == ["NotSent"] * 3


async def test_the_environment_is_not_trusted(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serving(echo) as server, wired() as (wire, _):
        assert (await wire.request("read", "GET", server.url)).status == 200
