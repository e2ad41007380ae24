"""A portal that answers at once: for measuring our side, its own cost is kept as small as it can be.

Not a mock: it judges nothing. ``python -m tests.bench.server`` prints its port.
"""

from __future__ import annotations

import asyncio
import json
import sys

PROCEDURE = json.dumps(
    {
        "error_code": "0",
        "message": "",
        "result": [
            {
                "MATTHC": "1.000105",
                "TENTTHC": "Thủ tục thử nghiệm",
                "TRANGTHAI": "1",
                "LINHVUCTHUCHIEN": [{"MALINHVUC": "G17-XD03", "TENLINHVUC": "Hoạt động xây dựng"}],
            }
        ],
    },
    ensure_ascii=False,
).encode()
SESSION = b'{"error_code": "0", "message": "", "session": "6f1c2b7e90a94f0d"}'
DONE = '{"error_code": "0", "message": "Đồng bộ hồ sơ thành công"}'.encode()


def reply(body: bytes) -> bytes:
    return (
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json; charset=utf-8\r\ncontent-length: "
        + str(len(body)).encode()
        + b"\r\n\r\n"
        + body
    )


ANSWERS = {b"LayThuTuc": reply(PROCEDURE), b"login": reply(SESSION), b"": reply(DONE)}


class Portal(asyncio.Protocol):
    """Reads one request at a time by its content length."""

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
            body, self._data = rest[:length], rest[length:]
            what = b"login" if b"mapi/login" in head else b"LayThuTuc" if b'"LayThuTuc"' in body else b""
            self._transport.write(ANSWERS[what])


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Portal, "127.0.0.1", 0, backlog=1024)
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
