"""`lgsp record`: as a proxy over real sockets, in chunks of any size, and from the journal of a bus at work."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest

from lgsp.errors import ConfigError
from lgsp.recording.files import read_lines
from lgsp.recording.proxy import RecordingProxy
from lgsp.recording.recording import Bus, Recording
from lgsp.recording.scan import scan

pytestmark = [pytest.mark.anyio, pytest.mark.process]
LGSP = [sys.executable, "-c", "from lgsp.cli.main import main; main()"]
BODY = json.dumps(
    {"soDinhDanh": "079090001234", "HoTen": "Nguyễn Văn A", "maHoSo": "H21-1"}, ensure_ascii=False
).encode()


class Remote(httpx.AsyncBaseTransport):
    """Echoes, or fails."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if request.url.path.endswith("/down"):
            raise httpx.ConnectError("refused", request=request)
        body = await request.aread()
        headers = {"content-type": "application/json", "x-path": str(request.url), "set-cookie": "sid=secret"}
        return httpx.Response(201, headers=headers, content=body, request=request)


async def test_a_call_is_passed_on_as_it_is_and_kept() -> None:
    kept: list[Recording] = []
    proxy = RecordingProxy("land", "http://remote.example/base", kept.append, transport=Remote())
    async with httpx.AsyncClient(transport=httpx.ASGITransport(proxy.app()), base_url="http://here.test") as client:

        async def chunks() -> AsyncIterator[bytes]:
            for at in range(0, len(BODY), 7):  # an identifier is split over chunks
                yield BODY[at : at + 7]

        answer = await client.post("/api/Tra%20cuu?x=1", content=chunks(), headers={"content-type": "application/json"})
        assert (answer.status_code, answer.content) == (201, BODY)
        assert answer.headers["x-path"] == "http://remote.example/base/api/Tra%20cuu?x=1"
        down = await client.get("/down")
        assert down.status_code == 502
    one, other = kept
    assert (one.opened.system, one.opened.operation, one.opened.method) == ("land", "Tra_cuu", "POST")
    assert one.opened.body == BODY
    assert one.closed is not None
    assert (one.closed.status, one.closed.body) == (201, BODY)
    assert other.closed is not None
    assert (other.closed.outcome, other.closed.status) == ("NotSent", None)


@pytest.mark.parametrize("to", ["ftp://a", "remote", "http://a?x=1", ""])
async def test_an_address_that_is_none_is_refused(to: str) -> None:
    with pytest.raises(ConfigError, match="--to"):
        RecordingProxy("land", to, lambda _one: None)


async def test_the_command_stands_before_a_system_and_writes_no_citizen(tmp_path: Path) -> None:
    async def remote(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(next(iter(re.findall(rb"content-length: (\d+)", head.lower())), b"0"))
        body = await reader.readexactly(length)
        writer.write(
            b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % len(body) + body
        )
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(remote, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    out = tmp_path / "land.jsonl"
    words = ["record", "--system", "land", "--to", f"http://127.0.0.1:{port}", "--listen", "127.0.0.1:0"]
    config = tmp_path / "lgsp.toml"
    config.write_text(f'[recordings]\nkey_file = "{tmp_path}/key"\norigin = "sandbox"\n', encoding="utf-8")
    process = subprocess.Popen(
        [*LGSP, *words, "--out", str(out), "--config", str(config)], stderr=subprocess.PIPE, stdout=subprocess.PIPE,
        text=True, env={**os.environ, "LGSP_LANG": "en"},
    )  # fmt: skip
    try:
        assert process.stderr is not None
        told = await asyncio.to_thread(process.stderr.readline)
        found = re.search(r"at (http://127\.0\.0\.1:\d+);", told)
        assert found, told
        async with httpx.AsyncClient(trust_env=False) as client:
            headers = {"content-type": "application/json", "authorization": "Bearer of-mine"}
            answer = await client.post(f"{found[1]}/tra-cuu", content=BODY, headers=headers)
        assert answer.content == BODY
        process.send_signal(signal.SIGINT)
        stdout, _ = await asyncio.to_thread(process.communicate, timeout=20)
        assert process.returncode == 0
        assert "1 exchanges written" in stdout
    finally:
        process.kill()
        server.close()
    [line] = list(read_lines(out))
    assert isinstance(line, Recording)
    assert (line.origin, line.opened.operation) == ("sandbox", "tra-cuu")
    assert line.redacted
    text = out.read_text(encoding="utf-8")
    assert "of-mine" not in text
    assert "079090001234" not in text
    assert "H21-1" in text
    assert list(scan(out)) == []


async def test_a_bus_at_work_is_recorded(tmp_path: Path) -> None:
    from tests.support.daemons import house
    from tests.support.feeding import Life

    extra = f'[recordings]\nkey_file = "{tmp_path}/key"\norigin = "mock"\n'
    out = tmp_path / "npsp.jsonl"
    async with house(tmp_path, extra=extra) as there:
        [config] = tmp_path.glob("*.toml")
        process = subprocess.Popen(
            [*LGSP, "record", "--system", "npsp", "--out", str(out), "--config", str(config)], stderr=subprocess.PIPE,
            stdout=subprocess.PIPE, text=True, env={**os.environ, "LGSP_LANG": "en"},
        )  # fmt: skip
        try:
            assert process.stderr is not None
            while "recording to" not in await asyncio.to_thread(process.stderr.readline):
                assert process.poll() is None
            await there.push(Life(1))
            await there.delivered(Life(1))
            async with asyncio.timeout(20):
                while out.read_text(encoding="utf-8").count("sync_dossier") < 1:
                    await asyncio.sleep(0.05)
        finally:
            process.send_signal(signal.SIGTERM)
            await asyncio.to_thread(process.communicate, timeout=20)
    assert process.returncode == 0
    first, *rest = list(read_lines(out))
    assert isinstance(first, Bus)
    assert list(first.systems) == ["npsp"]
    assert rest
    assert all(isinstance(line, Recording) and line.opened.system == "npsp" and line.redacted for line in rest)
