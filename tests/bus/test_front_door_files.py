"""The file store and the links to it."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import unquote, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from starlette.applications import Starlette

from lgsp.clock import FixedClock
from lgsp.errors import StoreError
from lgsp.inbound import links as file_links
from lgsp.inbound.files import FileStore
from lgsp.inbound.links import Links
from lgsp.wire.exchange import Closed, Opened

pytestmark = pytest.mark.anyio
CONTENT = "Giấy phép xây dựng".encode() * 100
NAME = "Giấy phép số 1/2026.pdf"


def stored(store: FileStore, content: bytes = CONTENT) -> str:
    writer = store.begin()
    writer.write(content)
    return writer.keep().id


def test_the_same_content_is_kept_once(tmp_path: Path) -> None:
    store = FileStore(tmp_path, FixedClock())
    file_id = stored(store)
    assert file_id == stored(store) == hashlib.sha256(CONTENT).hexdigest()
    assert store.path(file_id) == tmp_path / file_id[:2] / file_id[2:4] / file_id
    assert [p for p in tmp_path.rglob("*") if p.is_file()] == [store.path(file_id)]
    meta = store.meta(file_id)
    assert meta is not None
    assert meta.size == len(CONTENT)
    with store.open(file_id) as file:
        assert file.read() == CONTENT
    assert store.remove(file_id)
    assert not store.remove(file_id)
    assert store.meta(file_id) is None


@pytest.mark.parametrize("wrong", ["", "..", "../../etc/passwd", "A" * 64, "a" * 63, "a" * 64 + "/"])
def test_only_ids_name_files(tmp_path: Path, wrong: str) -> None:
    store = FileStore(tmp_path, FixedClock())
    with pytest.raises(KeyError):
        store.open(wrong)
    assert store.meta(wrong) is None
    assert not store.remove(wrong)


def test_nothing_is_kept_until_it_is_kept(tmp_path: Path) -> None:
    clock = FixedClock(datetime.now(UTC) + timedelta(days=2))  # the sweep compares with times of the file system
    store = FileStore(tmp_path, clock)
    writer = store.begin()
    writer.write(CONTENT)
    assert store.meta(writer.id) is None
    assert store.sweep() == 1
    writer.discard()
    assert store.sweep() == 0


def test_a_store_that_cannot_be_written_says_so(tmp_path: Path) -> None:
    (tmp_path / "files").write_text("no folder")
    with pytest.raises(StoreError, match="file store"):
        FileStore(tmp_path / "files", FixedClock()).begin()


class Served:
    def __init__(self, folder: Path) -> None:
        self.clock = FixedClock()
        self.store = FileStore(folder, self.clock)
        self.links = Links(SecretStr("key"), "https://lgsp.example.vn/")
        self.fetched: list[tuple[Opened, Closed]] = []
        self.revoked: set[tuple[str, str]] = set()
        route = file_links.route(
            self.links,
            self.store,
            self.clock,
            lambda opened, closed: self.fetched.append((opened, closed)),
            lambda file_id, link_id: (file_id, link_id) in self.revoked,
        )
        self.app = Starlette(routes=[route])

    def sign(self, file_id: str, days: int = 30) -> str:
        return self.links.sign(file_id, NAME, self.clock.now() + timedelta(days=days))

    async def get(self, url: str, **headers: str) -> httpx.Response:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app), base_url="http://x") as client:
            return await client.get(urlsplit(url).path, headers=headers)


async def test_a_link_gives_the_file_and_the_fetch_is_journalled(tmp_path: Path) -> None:
    served = Served(tmp_path)
    url = served.sign(stored(served.store))
    assert url == served.sign(stored(served.store))
    assert url.startswith("https://lgsp.example.vn/files/")
    answer = await served.get(url)
    assert answer.status_code == 200
    assert answer.content == CONTENT
    assert answer.headers["content-type"] == "application/pdf"
    assert "1_2026" in unquote(answer.headers["content-disposition"])
    part = await served.get(url, Range="bytes=0-3")
    assert (part.status_code, part.content) == (206, CONTENT[:4])
    (opened, closed), _ = served.fetched
    assert (opened.system, opened.direction, closed.status, closed.id) == ("files", "in", 200, opened.id)


async def test_a_link_ends_and_can_be_revoked(tmp_path: Path) -> None:
    served = Served(tmp_path)
    file_id = stored(served.store)
    url = served.sign(file_id)
    served.revoked.add((file_id, url.split("/")[-2]))
    assert (await served.get(url)).status_code == 404
    longer = served.sign(file_id, 31)
    assert (await served.get(longer)).status_code == 200
    served.clock.turn(31 * 86_400)
    assert (await served.get(longer)).status_code == 404
    assert [closed.status for _, closed in served.fetched] == [404, 200, 404]


async def test_forged_and_strange_links_are_answered_alike(tmp_path: Path) -> None:
    served = Served(tmp_path)
    file_id = stored(served.store)
    other = stored(served.store, b"another")
    url = served.sign(file_id)
    _, _, _, _, _, expiry, signature, name = url.split("/")
    gone = served.sign("0" * 64)
    forged = [
        url.replace(file_id, other),
        url.replace(expiry, str(int(expiry) + 1)),
        url.replace(signature, signature[:-1] + ("A" if signature[-1] != "A" else "B")),
        url.replace(name, "other.exe"),
        url.replace(file_id, "..%2F..%2Fetc%2Fpasswd"),
        url.replace(expiry, "9" * 40),
        url.replace(expiry, "%D9%A3"),
        gone,
    ]
    answers = [await served.get(one) for one in forged]
    assert {answer.status_code for answer in answers} == {404}
    assert not any(CONTENT[:10] in answer.content for answer in answers)
