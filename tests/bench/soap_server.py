"""A SOAP service that answers at once, for measuring our side: it looks at the path only.

``python -m tests.bench.soap_server`` prints its port. ``/large`` answers with 20 MB.
"""

from __future__ import annotations

import asyncio
import sys

PERSON = (
    "<Person version='2'><PersonalId>012345678901</PersonalId><Name>Nguyễn Văn Mẫu</Name>"
    "<BirthDay>1999-02-14</BirthDay>"
    "<Alive>true</Alive><Children>2</Children><Home since='2020-01-01'><Province>01</Province><Ward>00001</Ward></Home>"
    "<Fee currency='VND'>10.50</Fee><Changed>2025-07-01T08:30:00+07:00</Changed></Person>"
)


def envelope(persons: int) -> bytes:
    return (
        '<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body>'
        f'<FindResponse xmlns="urn:people">{PERSON * persons}</FindResponse></s:Body></s:Envelope>'
    ).encode()


def reply(body: bytes) -> bytes:
    head = f"HTTP/1.1 200 OK\r\ncontent-type: text/xml; charset=utf-8\r\ncontent-length: {len(body)}\r\n\r\n"
    return head.encode() + body


class Service(asyncio.Protocol):
    """Reads one request at a time by its content length."""

    small = reply(envelope(3))

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport, self._data = transport, b""

    def data_received(self, data: bytes) -> None:
        self._data += data
        while True:
            head, mark, rest = self._data.partition(b"\r\n\r\n")
            if not mark:
                return
            length = 0
            for line in head.split(b"\r\n")[1:]:
                name, _, value = line.partition(b":")
                if name.lower() == b"content-length":
                    length = int(value)
            if len(rest) < length:
                return
            self._data = rest[length:]
            large = b"/large" in head.split(b"\r\n", 1)[0]
            self._transport.write(reply(envelope(20 * 2**20 // len(PERSON.encode()) + 1)) if large else self.small)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Service, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
