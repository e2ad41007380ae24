"""Secrets of the settings, and what log-ins give, reach no exchange, no log and no error."""

from __future__ import annotations

import base64
import html
import io
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
import structlog
from pydantic import SecretStr

from lgsp import log
from lgsp.ledger.types import Settlement
from lgsp.spi.contract import examples_of
from lgsp.testing.conformance import (
    Case,
    Rig,
    Send,
    Sink,
    cases_with_secrets,
    light_cases,
    rig_of,
    setting_at,
    settings_for,
    told,
)
from lgsp.wire.exchange import Closed, Opened

pytestmark = pytest.mark.anyio

SENTINEL = 'b1-M4t/kh&u <"é> số {} =+%'


def sentinels(case: Case) -> dict[str, str]:
    """A secret of its own for each secret of the system, in the shape of the published one: text, or a list."""
    return {name: SENTINEL.format(number) for number, name in enumerate(sorted(examples_of(case.system)["secrets"]))}


def changes(case: Case) -> tuple[dict[str, Any], dict[str, Any]]:
    """Settings with sentinels as secrets, and the mock's settings that go with them."""
    ours: dict[str, Any] = {}
    mocks: dict[str, Any] = {}
    given = settings_for(case)
    for name, secret in sentinels(case).items():
        theirs = examples_of(case.system)["secrets"][name]
        if theirs in mocks:
            secret = mocks[theirs]  # one account behind two settings
        held = setting_at(given, name)
        ours[name] = secret if isinstance(held, SecretStr) else [secret for _ in held]
        if theirs:
            mocks[theirs] = secret
    return ours, mocks


def forms(secret: str, beside: list[str]) -> set[str]:
    """The ways in which a secret may be written."""
    pairs = [f"{name}:{secret}" for name in ["", *beside]]
    return {
        secret,
        json.dumps(secret)[1:-1],
        json.dumps(secret, ensure_ascii=False)[1:-1],
        html.escape(secret),
        quote(secret),
        quote(secret, safe=""),
        quote_plus(secret),
        repr(secret)[1:-1],
        *(base64.b64encode(pair.encode()).decode() for pair in [secret, *pairs]),
    }


@contextmanager
def listening() -> Iterator[io.StringIO]:
    """Everything that is logged by us and by the libraries, at the most talkative level."""
    stream = io.StringIO()
    log.configure("debug", stream)
    root = logging.getLogger()
    before = root.level
    root.setLevel(logging.DEBUG)
    try:
        yield stream
    finally:
        root.setLevel(before)
        root.handlers.clear()
        structlog.reset_defaults()


def everything(sink: Sink) -> str:
    parts = []
    exchanges: list[Opened | Closed] = [*sink.opened, *sink.closed]
    for exchange in exchanges:
        parts += [repr(exchange), exchange.body.decode("utf-8", "replace"), json.dumps(dict(exchange.headers))]
    return "\n".join(parts)


def search(case: Case, rig: Rig, where: dict[str, str]) -> None:
    """Fails if a secret stands anywhere."""
    names = [str(v) for v in examples_of(case.system)["settings"].values() if isinstance(v, str)]
    secrets = {form for s in sentinels(case).values() for form in forms(s, names)} | set(rig.grants.values)
    assert len(secrets) > 5
    for place, text in where.items():
        for secret in secrets:
            assert secret not in text, f"a secret stands in the {place}"


FAILURES = ["none", "cut", "refused", "html", "401", "401 after the log-in", "echo", "library"]


def striking(kind: str, last: str) -> Any:
    """``last`` is the path of the operation's own call, after all log-ins."""

    async def strike(number: int, request: httpx.Request, send: Send) -> httpx.Response:
        if kind == "none":
            return await send(request)
        if kind == "refused":
            raise httpx.ConnectError(f"refused {request.url} {request.headers}", request=request)
        if kind == "cut":
            raise httpx.ReadError(f"cut {request.url} {request.content!r}", request=request)
        if kind == "library":
            raise RuntimeError(f"{request.url} {dict(request.headers)} {request.content!r}")
        if kind == "echo":  # a gateway that repeats what it got, as debug pages do
            echoed = json.dumps(
                {"url": str(request.url), "headers": dict(request.headers), "body": request.content.decode()}
            )
            return httpx.Response(200, headers={"content-type": "application/json"}, content=echoed.encode())
        if kind == "html":
            page = f"<html>{html.escape(str(request.headers))} {html.escape(request.content.decode())}</html>"
            return httpx.Response(200, headers={"content-type": "text/html; charset=utf-8"}, content=page.encode())
        if kind != "401" and request.url.path != last:
            return await send(request)
        return httpx.Response(401, content=b"no")

    return strike


@pytest.mark.parametrize("kind", FAILURES)
@pytest.mark.parametrize("case", [c for c in light_cases() if any(examples_of(c.system)["secrets"].values())], ids=str)
async def test_no_secret_reaches_exchange_log_or_error(case: Case, kind: str) -> None:
    ours, mocks = changes(case)
    with listening() as logged:
        async with rig_of(case, changes=ours, mock_changes=mocks) as rig:
            await rig.before()
            last = ""
            if "log-in" in kind:  # where its own call goes is known once it was made
                await rig.call()
                last = rig.tap.requests[-1].url.path
            rig.forget_grants()
            rig.tap.strike(striking(kind, last))
            errors: list[str] = []
            try:
                await rig.call()
            except Exception as error:
                errors.append(told(error))
            assert bool(errors) is (kind != "none")
            settlement: Settlement = await rig.deliver()
            search(
                case,
                rig,
                {
                    "exchanges": everything(rig.sink),
                    "log": logged.getvalue(),
                    "error": "\n".join(errors),
                    "settlement": repr(settlement),
                    "settings": f"{rig.settings!r} {rig.settings} {rig.settings.model_dump_json()}",
                    "connector": f"{rig.connector!r} {rig.wire!r} {rig.tap!r}",
                },
            )


@pytest.mark.parametrize("case", cases_with_secrets(), ids=str)
async def test_the_secrets_of_the_test_do_travel(case: Case) -> None:
    """Or the search above would find nothing for want of anything to find."""
    ours, mocks = changes(case)
    async with rig_of(case, changes=ours, mock_changes=mocks) as rig:
        await rig.before()
        rig.forget_grants()
        await rig.call()
        sent = "\n".join(f"{r.url}\n{dict(r.headers)}\n{r.content.decode()}" for r in rig.tap.requests)
        names = [str(v) for v in examples_of(case.system)["settings"].values() if isinstance(v, str)]
        signing = set(examples_of(case.system).get("signing", ()))
        planted = sentinels(case)
        secrets = {f for n, s in planted.items() if n not in signing for f in forms(s, names)} | set(rig.grants.values)
        assert not any(f in sent for n, s in planted.items() if n in signing for f in forms(s, names))
        assert any(secret in sent for secret in secrets) or not secrets
        assert secrets or signing, "no secret of this system is used at all"
