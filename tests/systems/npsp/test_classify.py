"""What an answer means: a table of answers and of the errors that they stand for."""

from __future__ import annotations

import json
import unicodedata
from typing import Any

import pytest

from connectors.npsp.classify import Exists, Missing, judge
from lgsp.errors import AccessRefused, BadAnswer, OutcomeUnknown, Rejected, SessionRejected, Unavailable
from lgsp.wire.reply import Reply
from tests.systems.npsp.support import settings

JSON = "application/json; charset=utf-8"
HTML = "<html><body>502 Bad Gateway</body></html>"


def reply(body: Any, status: int = 200, kind: str = JSON) -> Reply:
    content = body.encode() if isinstance(body, str) else json.dumps(body, ensure_ascii=False).encode()
    return Reply(status, {"content-type": kind}, content, "npsp", "sync_dossier")


def said(code: Any, message: Any = "", **more: Any) -> dict[str, Any]:
    return {"error_code": code, "message": message, **more}


@pytest.mark.parametrize(
    "body",
    [
        pytest.param(said(0), id="number-0"),
        pytest.param(said("0"), id="text-0"),
        pytest.param(said("00"), id="text-00"),
        pytest.param(said(" 0 "), id="text-0-with-spaces"),
        pytest.param(json.dumps(said(0)), id="whole-body-once"),
        pytest.param(json.dumps(json.dumps(said("00"))), id="whole-body-encoded-twice"),
        pytest.param({"error_code": 0, "message": json.dumps(said("0", "thành công"))}, id="answer-inside-message"),
        pytest.param({"message": json.dumps(said("0", "ok"))}, id="answer-only-inside-message"),
        pytest.param({"error_code": 0, "message": None}, id="message-null"),
        pytest.param(said("0", "Đồng bộ phiên bản mới, session cũ vẫn dùng được"), id="0-with-words-of-refusal"),
    ],
)
def test_success(body: Any) -> None:
    assert judge(reply(body), settings()).error_code == 0


@pytest.mark.parametrize(
    ("body", "status", "error"),
    [
        pytest.param(said("3", "Hồ sơ đã tồn tại"), 200, Exists, id="3-exists"),
        pytest.param(said(-3, "Mã hồ sơ ĐÃ TỒN TẠI trên hệ thống"), 200, Exists, id="minus-3-exists-capitals"),
        pytest.param(said(3, unicodedata.normalize("NFD", "Hồ sơ đã tồn tại")), 200, Exists, id="3-exists-decomposed"),
        pytest.param(said(-1, "Hồ sơ đã tồn tại"), 200, Rejected, id="minus-1-exists-is-no-switch"),
        pytest.param(said("3", "Sai mã thủ tục"), 200, Rejected, id="3-of-another-reason"),
        pytest.param(said("-1", "Không tìm thấy hồ sơ"), 200, Missing, id="update-of-unknown"),
        pytest.param(said(-1, "Session không hợp lệ"), 200, SessionRejected, id="session-invalid"),
        pytest.param(said("7", "Phiên làm việc đã hết hạn"), 200, SessionRejected, id="session-expired-any-code"),
        pytest.param(said("-1", "Vui lòng đăng nhập lại"), 200, SessionRejected, id="log-in-again"),
        pytest.param(said("-1", "Session hết hạn"), 401, SessionRejected, id="session-with-401"),
        pytest.param(said("-1", "Session hết hạn"), 500, SessionRejected, id="session-with-500"),
        pytest.param(said("-1", "Giấy phép đã hết hạn"), 200, Rejected, id="another-thing-expired"),
        pytest.param(said("-1", "Phiên bản thủ tục không đúng"), 200, Rejected, id="version-is-no-session"),
        pytest.param(said("-1", "Hệ thống đang bận, vui lòng thử lại sau"), 200, Unavailable, id="busy"),
        pytest.param(said("-1", ""), 200, Rejected, id="minus-1-silent"),
        pytest.param(said("12"), 200, Rejected, id="unknown-code"),
        pytest.param({"error_code": "-1", "message": json.dumps(said(0))}, 200, Rejected, id="refused-around-an-ok"),
        pytest.param(
            {"error_code": 0, "message": json.dumps(said("3", "đã tồn tại"))}, 200, Exists, id="exists-inside"
        ),
        pytest.param({"message": "ok"}, 200, BadAnswer, id="no-code"),
        pytest.param({"error_code": None}, 200, BadAnswer, id="code-null"),
        pytest.param({"error_code": True}, 200, BadAnswer, id="code-true"),
        pytest.param({"error_code": "OK"}, 200, BadAnswer, id="code-word"),
        pytest.param({"error_code": ""}, 200, BadAnswer, id="code-empty"),
        pytest.param([said(0)], 200, BadAnswer, id="array"),
        pytest.param("", 200, BadAnswer, id="empty"),
        pytest.param(HTML, 200, BadAnswer, id="html-page"),
        pytest.param('{"error_code": 0, "mess', 200, BadAnswer, id="cut-off"),
        pytest.param(HTML, 502, OutcomeUnknown, id="html-502"),
        pytest.param(said(0), 500, OutcomeUnknown, id="ok-with-500-is-not-believed"),
        pytest.param("", 401, SessionRejected, id="401"),
        pytest.param("", 403, AccessRefused, id="403"),
        pytest.param("", 404, Rejected, id="404"),
        pytest.param("", 302, BadAnswer, id="redirect"),
    ],
)
def test_refusal(body: Any, status: int, error: type[Exception]) -> None:
    with pytest.raises(error) as raised:
        judge(reply(body, status), settings())
    assert type(raised.value) is error


def test_an_html_page_under_a_json_content_type_and_json_under_an_html_one() -> None:
    with pytest.raises(BadAnswer, match="HTML"):
        judge(reply(HTML), settings())
    with pytest.raises(BadAnswer, match="HTML"):
        judge(reply(said(0), kind="text/html"), settings())


def test_citizens_data_in_a_refusal_is_masked() -> None:
    with pytest.raises(Rejected) as raised:
        judge(reply(said(-1, "Công dân 099088000123, 0900000001, mau@example.vn không hợp lệ")), settings())
    text = str(raised.value)
    assert "099088000123" not in text
    assert "0900000001" not in text
    assert "mau@example.vn" not in text
    assert "không hợp lệ" in text


def test_result_is_unwrapped() -> None:
    assert judge(reply(said(0, result=json.dumps([{"A": "1"}]))), settings()).result == [{"A": "1"}]
    assert judge(reply(said(0, json.dumps([{"A": "1"}]))), settings()).result == [{"A": "1"}]
