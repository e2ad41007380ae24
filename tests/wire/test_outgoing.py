"""What is sent: checked before anything is journalled, and no secret in what is."""

from __future__ import annotations

import base64
import logging
import traceback

import httpx
import pytest
import respx
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from lgsp.errors import CallError, ConfigError, MappingError
from lgsp.redact import SECRET_KEYS
from lgsp.wire.auth import Basic, StaticHeaders, bearer
from lgsp.wire.mask import Masks
from tests.wire.kit import Peer, Settings, Sink, serving, settings, wired

pytestmark = pytest.mark.anyio


def answering(body: bytes = b"{}", status: int = 200, headers: dict[str, str] | None = None) -> httpx.MockTransport:
    return httpx.MockTransport(lambda _: httpx.Response(status, content=body, headers=headers))


class Push(BaseModel):
    model_config = ConfigDict(populate_by_name=True)
    number: str = Field(alias="MaHoSo")
    name: str | None = None


async def test_the_seam_takes_respx() -> None:
    router = respx.MockRouter()
    route = router.post("http://remote.example/a").respond(json={"ok": True})
    async with wired(httpx.MockTransport(router.async_handler)) as (wire, sink):
        reply = await wire.request("push", "POST", "http://remote.example/a", json=Push(number="01"))
    assert reply.json() == {"ok": True}
    assert route.calls[0].request.content == b'{"MaHoSo":"01","name":null}'
    assert sink.outcomes == ["answered"]


async def test_models_within_json_go_by_alias_and_text_stays_readable() -> None:
    async with wired(answering()) as (wire, sink):
        await wire.request("push", "POST", "http://remote.example/", json={"data": [Push(number="Đ")]})
    assert sink.opened[0].body == '{"data":[{"MaHoSo":"Đ","name":null}]}'.encode()
    assert sink.opened[0].headers["Content-Type"] == "application/json"


async def test_a_form_and_the_callers_own_headers() -> None:
    async with wired(answering()) as (wire, sink):
        await wire.request(
            "push",
            "POST",
            "http://remote.example/",
            form={"a": "ồ &"},
            headers={"accept": "text/xml", "dstcode": "VN:1"},
        )
    assert sink.opened[0].body == b"a=%E1%BB%93+%26"
    assert sink.opened[0].headers == {
        "User-Agent": "lgsp/0.1.0",
        "Accept-Encoding": "gzip, deflate",
        "Content-Type": "application/x-www-form-urlencoded",
        "accept": "text/xml",
        "dstcode": "VN:1",
        "Host": "remote.example",
        "Content-Length": "15",
    }


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("remote.example/a", ConfigError),
        ("ftp://remote.example/a", ConfigError),
        ("http:///a", ConfigError),
        ("http://remote.example/a\nb", MappingError),
        ("http://remote.example/a#b", MappingError),
        ("http://remote.example/\ud800", MappingError),
    ],
)
async def test_an_address_that_cannot_be_used_is_refused_before_the_journal(
    url: str, expected: type[Exception]
) -> None:
    async with wired(answering()) as (wire, sink):
        with pytest.raises(expected, match="remote"):
            await wire.request("push", "POST", url)
    assert sink.opened == []


@pytest.mark.parametrize("value", ["a\r\nX-Evil: 1", "Đỗ", "a\0"])
async def test_a_header_cannot_be_broken_out_of(value: str) -> None:
    async with wired(answering()) as (wire, sink):
        with pytest.raises(MappingError, match="header X-Name"):
            await wire.request("push", "POST", "http://remote.example/", headers={"X-Name": value})
    assert sink.opened == []


@pytest.mark.parametrize("value", [float("nan"), float("inf"), "\ud800"])
async def test_json_that_json_cannot_hold_is_refused(value: object) -> None:
    async with wired(answering()) as (wire, sink):
        with pytest.raises(MappingError):
            await wire.request("push", "POST", "http://remote.example/", json={"a": value})
    assert sink.opened == []


async def test_many_addresses_do_not_fill_the_memory() -> None:
    async with wired(answering()) as (wire, _):
        for number in range(600):
            await wire.request("read", "GET", f"http://remote.example/{number}")
        assert len(wire._addresses._parsed) <= 512


SECRETS = ["m4t-kh@u/bí mật", "Bearer-t0ken-9", "sess10n-value", "key-of-app", "quoted-t0ken"]


def _everything(sink: Sink) -> str:
    return repr([(o.url, dict(o.headers), o.body.decode()) for o in sink.opened]) + repr(
        [(c.headers, c.body.decode(errors="replace"), c.error) for c in sink.closed]
    )


async def test_secrets_reach_no_exchange_log_or_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)

    async def repeat_and_break(peer: Peer) -> None:
        """Answers with all that was sent, as debugging gateways do, and breaks off."""
        request = await peer.read()
        await peer.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 99999\r\nX-Echo: m4t-kh@u\r\n\r\n" + request)

    sent: list[bytes] = []
    async with serving(repeat_and_break) as server, wired() as (wire, sink):
        assert isinstance(wire.settings, Settings)
        wire.hide("sess10n-value")
        wire.hide("quoted-t0ken")
        password = wire.settings.password.get_secret_value()
        with pytest.raises(CallError) as caught:
            await wire.request(
                "login", "POST", server.url + "/p/quoted-t0ken", effect=False,
                query={"token": "quoted-t0ken", "p": password, "user": "shown"},
                json={"password": password, "other name": password, "x": "sess10n-value", "MaHoSo": "H99-1"},
                headers=bearer("Bearer-t0ken-9")
                | StaticHeaders({"X-App": SecretStr("key-of-app"), "X-Public": "public"}).headers(),
            )  # fmt: skip
        sent += server.requests
    for secret in ("Bearer-t0ken-9", "sess10n-value", "key-of-app", password):
        assert secret.encode() in sent[0], "the test must really send it"
    trace = "".join(traceback.format_exception(caught.value))
    for place in (_everything(sink), caplog.text, trace, str(caught.value), repr(wire.settings)):
        for secret in [*SECRETS, "m4t-kh%40u%2Fb%C3%AD%20m%E1%BA%ADt"]:
            assert secret not in place
    shown = _everything(sink)
    assert "H99-1" in shown
    assert "public" in shown
    assert "user=shown" in shown


async def test_basic_credentials_are_masked() -> None:
    async with wired(answering()) as (wire, sink):
        await wire.request("read", "GET", "http://remote.example/", headers=Basic("ké", SecretStr("s3cret!")).headers())
    assert base64.b64encode("ké:s3cret!".encode()).decode() not in _everything(sink)
    assert sink.opened[0].headers["Authorization"] == "***"


async def test_a_short_secret_does_not_wreck_the_bytes() -> None:
    async with wired(answering(b'{"a": "1"}'), password=SecretStr("1")) as (wire, sink):
        await wire.request("read", "GET", "http://remote.example/")
    assert sink.closed[0].body == b'{"a": "1"}'


@pytest.mark.parametrize("name", SECRET_KEYS)
@pytest.mark.parametrize("shape", ['{"a":1,"%s" : "v4lue"}', "<a><%s>v4lue</%s></a>", "a=1&%s=v4lue&b=2"])
def test_every_secret_name_is_masked_in_every_shape(name: str, shape: str) -> None:
    for written in (name, name.upper()):
        body = shape.replace("%s", written).encode()
        assert Masks(settings()).body(body) == body.replace(b"v4lue", b"***")


def test_a_body_without_secrets_keeps_every_byte() -> None:
    body = b'{"MaHoSo": "H99-1",\t"x":"\xff"}'
    assert Masks(settings()).body(body) is body
