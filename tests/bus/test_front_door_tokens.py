"""``/token`` and what is done with its tokens."""

from __future__ import annotations

import base64
import hashlib
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr

from lgsp.clock import FixedClock
from lgsp.inbound.tokens import TokenRefused, Tokens
from tests.support.doors import SECRET, Client, opened

pytestmark = pytest.mark.anyio
GRANT = {"grant_type": "client_credentials"}


def basic(user: str, secret: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{secret}".encode()).decode()}


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({"data": GRANT, "headers": basic("motcua", SECRET)}, id="basic"),
        pytest.param({"data": GRANT | {"client_id": "motcua", "client_secret": SECRET}}, id="form"),
        pytest.param(
            {
                "content": f"grant_type=client_credentials&client_secret={SECRET}&client_id=motcua",
                "headers": {"Content-Type": "application/json"},
            },
            id="form-called-json",
        ),
        pytest.param({"json": GRANT | {"client_id": "motcua", "client_secret": SECRET}}, id="json"),
    ],
)
async def test_a_known_client_gets_a_token_that_works(tmp_path: Path, given: dict[str, object]) -> None:
    async with opened(tmp_path) as door, door.client() as client:
        answer = await client.post("/token", **given)  # type: ignore[arg-type]  # keyword sets of several shapes
        assert answer.status_code == 200
        told = answer.json()
        assert told["token_type"] == "Bearer"
        assert told["expires_in"] == 3600
        assert set(told) == {"access_token", "scope", "token_type", "expires_in"}
        assert door.tokens.check(told["access_token"], "10.1.2.3", "onestop") == "motcua"


@pytest.mark.parametrize(
    ("given", "status", "error"),
    [
        pytest.param({"data": GRANT, "headers": basic("nobody", SECRET)}, 401, "invalid_client", id="unknown-client"),
        pytest.param({"data": GRANT, "headers": basic("motcua", "guess")}, 401, "invalid_client", id="wrong-secret"),
        pytest.param({"data": GRANT}, 401, "invalid_client", id="no-client"),
        pytest.param({"data": GRANT, "headers": {"Authorization": "Basic %%"}}, 400, "invalid_request", id="bad-basic"),
        pytest.param({"data": {"grant_type": "password"}}, 400, "unsupported_grant_type", id="other-grant"),
        pytest.param({"data": {}}, 400, "invalid_request", id="no-grant"),
        pytest.param({"content": b"{" * 3000}, 400, "invalid_request", id="no-json"),
        pytest.param({"content": b"\xff\xfe"}, 400, "invalid_request", id="no-text"),
        pytest.param({"content": b"a" * 20_000}, 400, "invalid_request", id="too-long"),
    ],
)
async def test_others_are_refused(tmp_path: Path, given: dict[str, object], status: int, error: str) -> None:
    async with opened(tmp_path) as door, door.client() as client:
        answer = await client.post("/token", **given)  # type: ignore[arg-type]  # keyword sets of several shapes
        assert (answer.status_code, answer.json()["error"]) == (status, error)
        assert answer.json()["error_description"]
        assert SECRET not in answer.text


async def test_only_from_its_networks(tmp_path: Path) -> None:
    clients = {"motcua": Client(allow_from=("10.1.0.0/16", "fd00::/8"))}
    async with opened(tmp_path, clients=clients) as door:
        for address, status in (("10.1.9.9", 200), ("fd00::7", 200), ("::ffff:10.1.2.3", 200), ("10.2.0.1", 401)):
            async with door.client(address) as client:
                answer = await client.post("/token", data=GRANT, headers=basic("motcua", SECRET))
                assert answer.status_code == status, address


def made(clock: FixedClock, secret: str = "daemon", client: Client | None = None, **more: object) -> Tokens:
    return Tokens(SecretStr(secret), {"motcua": client or Client()}, clock, **more)  # type: ignore[arg-type]  # two options


def test_a_token_outlives_a_restart_but_not_its_end() -> None:
    clock = FixedClock()
    token = made(clock).issue("motcua", SECRET, "")
    clock.turn(3599)
    assert made(clock).check(token, "", "onestop") == "motcua"
    clock.turn(1)
    with pytest.raises(TokenRefused, match="expired"):
        made(clock).check(token, "", "onestop")


def test_a_token_ends_with_either_secret_and_can_be_revoked() -> None:
    clock = FixedClock()
    token = made(clock).issue("motcua", SECRET, "")
    with pytest.raises(TokenRefused, match="not one of ours"):
        made(clock, "another daemon").check(token, "", "onestop")
    with pytest.raises(TokenRefused, match="not one of ours"):
        made(clock, client=Client(secret=SecretStr("new"))).check(token, "", "onestop")
    with pytest.raises(TokenRefused, match="revoked"):
        made(clock, revoked=lambda client, _id: client == "motcua").check(token, "", "onestop")
    with pytest.raises(TokenRefused, match="may not speak for npsp"):
        made(clock).check(token, "", "npsp")


@pytest.mark.parametrize("token", ["", ".", "a.b", "e30.e30", "[" * 5000, "ạ.ạ", "bnVsbA.bnVsbA"])
def test_garbage_is_no_token(token: str) -> None:
    with pytest.raises(TokenRefused, match="not one of ours"):
        made(FixedClock()).check(token, "", "onestop")


def test_any_changed_character_is_a_forgery() -> None:
    clock = FixedClock()
    token = made(clock).issue("motcua", SECRET, "")
    told, _, signature = token.partition(".")
    longer = base64.urlsafe_b64encode(base64.urlsafe_b64decode(told + "==") + b" ").decode().rstrip("=")
    with pytest.raises(TokenRefused):
        made(clock).check(f"{longer}.{signature}", "", "onestop")
    with pytest.raises(TokenRefused):
        made(clock).check(f"{told}.{signature[1:]}A", "", "onestop")


def test_a_secret_may_be_kept_as_its_hash() -> None:
    hashed = Client(secret=SecretStr("sha256:" + hashlib.sha256(SECRET.encode()).hexdigest()))
    tokens = made(FixedClock(), client=hashed)
    assert tokens.issue("motcua", SECRET, "")
    for wrong in ("", "guess", hashed.secret.get_secret_value()):
        with pytest.raises(TokenRefused):
            tokens.issue("motcua", wrong, "")


async def test_a_client_without_a_secret_is_never_let_in(tmp_path: Path) -> None:
    async with opened(tmp_path, clients={"motcua": Client(secret=SecretStr(""))}) as door, door.client() as client:
        answer: httpx.Response = await client.post("/token", data=GRANT, headers=basic("motcua", ""))
        assert answer.status_code == 401
