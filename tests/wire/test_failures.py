"""The table of library errors is complete, and says the safe thing."""

from __future__ import annotations

import inspect

import aiohttp
import httpx
import pytest
from aiohttp import http_exceptions

from lgsp.errors import AccessRefused, BadAnswer, CallError, ConfigError, NotSent, OutcomeUnknown, Rejected
from lgsp.wire.failures import TABLE, classify, fate


def _exceptions(module: object) -> set[type[BaseException]]:
    return {value for _, value in inspect.getmembers(module, inspect.isclass) if issubclass(value, BaseException)}


def test_every_exception_of_httpx_is_in_the_table() -> None:
    missing = {error.__name__ for error in _exceptions(httpx) if error not in TABLE}
    assert not missing, f"say in lgsp/wire/failures.py what {sorted(missing)} means for a delivery"


def test_every_client_exception_of_aiohttp_is_in_the_table() -> None:
    import aiohttp.client_exceptions as raised

    ours = {error for error in _exceptions(raised) if error.__module__ == raised.__name__}
    exported = {error for error in _exceptions(aiohttp) if issubclass(error, aiohttp.ClientError)}
    missing = {error.__name__ for error in ours | exported if error not in TABLE}
    assert len(ours) > 20
    assert not missing, f"say in lgsp/wire/failures.py what {sorted(missing)} means for a delivery"


def test_parser_errors_fall_under_their_base() -> None:
    for error in _exceptions(http_exceptions):
        if issubclass(error, http_exceptions.HttpProcessingError):
            assert any(base in TABLE for base in error.__mro__[:-2])


def test_only_what_cannot_have_left_is_not_sent() -> None:
    not_sent = {error.__name__ for error, found in TABLE.items() if found.error is NotSent}
    assert not_sent == {
        "ConnectTimeout", "PoolTimeout", "ConnectError", "ProxyError",
        "ConnectionTimeoutError", "ClientConnectorError", "ClientConnectorDNSError", "UnixClientConnectorError",
        "ClientProxyConnectionError", "ClientHttpProxyError", "ClientSSLError", "ClientConnectorSSLError",
        "ClientConnectorCertificateError", "ServerFingerprintMismatch",
    }  # fmt: skip


def caused(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (caused(httpx.ConnectTimeout("x"), aiohttp.ServerDisconnectedError()), OutcomeUnknown),
        (caused(httpx.ConnectTimeout("x"), aiohttp.ClientOSError(104, "reset")), OutcomeUnknown),
        (caused(httpx.ConnectTimeout("x"), aiohttp.ConnectionTimeoutError()), NotSent),
        (caused(httpx.ConnectError("x"), OSError(111, "refused")), NotSent),
        (caused(httpx.ReadTimeout("x"), aiohttp.SocketTimeoutError()), OutcomeUnknown),
        (aiohttp.SocketTimeoutError(), OutcomeUnknown),
        (aiohttp.ConnectionTimeoutError(), NotSent),
        (aiohttp.ClientOSError(1, "[SSL: TLSV13_ALERT_CERTIFICATE_REQUIRED] tlsv13 alert"), AccessRefused),
        (TimeoutError(), OutcomeUnknown),
        (OSError(5, "io"), OutcomeUnknown),
        (http_exceptions.BadStatusLine("x"), BadAnswer),
        (KeyError("anything else"), OutcomeUnknown),
    ],
    ids=lambda value: getattr(value, "__name__", repr(value)),
)
def test_the_most_specific_class_and_the_cause_decide(error: Exception, expected: type[CallError]) -> None:
    found = classify(error, system="remote", operation="push")
    assert type(found) is expected
    assert str(found).startswith("remote.push: ")


def test_a_break_within_an_answer_cuts_it_off_and_a_timeout_does_not() -> None:
    def kind(error: Exception) -> type[Exception]:
        return type(classify(error, system="remote", operation="push", answering=True))

    assert kind(aiohttp.ClientOSError(104, "reset")) is BadAnswer
    assert kind(aiohttp.SocketTimeoutError()) is OutcomeUnknown
    assert kind(httpx.ReadTimeout("x")) is OutcomeUnknown


def test_an_error_of_ours_passes_unchanged() -> None:
    ours = Rejected("no")
    assert classify(ours, system="remote", operation="push") is ours


def test_an_address_that_cannot_be_used_stops_and_names_the_system() -> None:
    found = classify(httpx.UnsupportedProtocol("ftp"), system="remote", operation="push")
    assert isinstance(found, ConfigError)
    assert "systems.remote" in str(found)


def test_the_message_never_holds_the_librarys_text() -> None:
    error = aiohttp.ConnectionTimeoutError("Connection timeout to host http://h/?token=s3cr3t")
    assert "s3cr3t" not in str(classify(error, system="remote", operation="push"))


def test_a_refused_certificate_is_not_worth_a_second_try() -> None:
    assert not fate(aiohttp.ServerFingerprintMismatch(b"a", b"b", "h", 1)).passing
    assert fate(httpx.ConnectError("x")).passing
