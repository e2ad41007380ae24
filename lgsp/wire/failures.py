"""The one table from library errors to ours: what a failed call means for the delivery."""

from __future__ import annotations

from typing import NamedTuple

import aiohttp
import httpx
from aiohttp import http_exceptions

from lgsp.errors import AccessRefused, BadAnswer, CallError, ConfigError, LgspError, NotSent, OutcomeUnknown


class Fate(NamedTuple):
    """Our class, and what happened in words that hold no data of the call."""

    error: type[CallError] | type[ConfigError]
    reason: str
    passing: bool = True
    """Whether the same call a moment later may fare better."""


_DROPPED = "the connection broke after the request had begun to leave"
_GARBLED = "the answer is not HTTP"
_ADDRESS = "the address cannot be used; correct it in the settings"
_MISUSED = "the transport was used wrongly"

TABLE: dict[type[BaseException], Fate] = {
    # httpx, by its own transport or a test's
    httpx.HTTPError: Fate(OutcomeUnknown, _DROPPED),
    httpx.RequestError: Fate(OutcomeUnknown, _DROPPED),
    httpx.TransportError: Fate(OutcomeUnknown, _DROPPED),
    httpx.TimeoutException: Fate(OutcomeUnknown, "no answer in time"),
    httpx.ConnectTimeout: Fate(NotSent, "no connection in time"),
    httpx.ReadTimeout: Fate(OutcomeUnknown, "no answer in time"),
    httpx.WriteTimeout: Fate(OutcomeUnknown, "the request was not taken in time"),
    httpx.PoolTimeout: Fate(NotSent, "no free connection in time"),
    httpx.NetworkError: Fate(OutcomeUnknown, _DROPPED),
    httpx.ReadError: Fate(OutcomeUnknown, _DROPPED),
    httpx.WriteError: Fate(OutcomeUnknown, _DROPPED),
    httpx.ConnectError: Fate(NotSent, "no connection"),
    httpx.CloseError: Fate(OutcomeUnknown, _DROPPED),
    httpx.ProxyError: Fate(NotSent, "the proxy refused the connection"),
    httpx.UnsupportedProtocol: Fate(ConfigError, _ADDRESS, False),
    httpx.ProtocolError: Fate(OutcomeUnknown, _DROPPED),
    httpx.LocalProtocolError: Fate(OutcomeUnknown, "the request is not HTTP"),
    httpx.RemoteProtocolError: Fate(OutcomeUnknown, "the remote hung up or answered something that is not HTTP"),
    httpx.DecodingError: Fate(BadAnswer, "the answer's compression is broken"),
    httpx.TooManyRedirects: Fate(BadAnswer, "redirected without end"),
    httpx.HTTPStatusError: Fate(BadAnswer, "an unexpected HTTP status"),
    httpx.InvalidURL: Fate(ConfigError, _ADDRESS, False),
    httpx.CookieConflict: Fate(OutcomeUnknown, _MISUSED, False),
    httpx.StreamError: Fate(OutcomeUnknown, _MISUSED, False),
    httpx.StreamConsumed: Fate(OutcomeUnknown, _MISUSED, False),
    httpx.StreamClosed: Fate(OutcomeUnknown, _MISUSED, False),
    httpx.ResponseNotRead: Fate(OutcomeUnknown, _MISUSED, False),
    httpx.RequestNotRead: Fate(OutcomeUnknown, _MISUSED, False),
    # aiohttp. ClientConnectionError is the base of a refused connection and of one dropped after the request alike.
    aiohttp.ClientError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ClientConnectionError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ClientConnectionResetError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ClientOSError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ServerConnectionError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ServerDisconnectedError: Fate(OutcomeUnknown, "the remote hung up without an answer"),
    aiohttp.ServerTimeoutError: Fate(OutcomeUnknown, "no answer in time"),
    aiohttp.SocketTimeoutError: Fate(OutcomeUnknown, "no answer in time"),
    aiohttp.ConnectionTimeoutError: Fate(NotSent, "no connection in time"),
    aiohttp.ClientConnectorError: Fate(NotSent, "no connection"),
    aiohttp.ClientConnectorDNSError: Fate(NotSent, "the host's name is not known"),
    aiohttp.client_exceptions.UnixClientConnectorError: Fate(NotSent, "no connection"),
    aiohttp.ClientProxyConnectionError: Fate(NotSent, "no connection to the proxy"),
    aiohttp.ClientHttpProxyError: Fate(NotSent, "the proxy refused the connection"),
    aiohttp.ClientSSLError: Fate(NotSent, "TLS could not be agreed; check the settings tls.*", False),
    aiohttp.ClientConnectorSSLError: Fate(NotSent, "TLS could not be agreed; check the settings tls.*", False),
    aiohttp.ClientConnectorCertificateError: Fate(
        NotSent, "the remote's certificate is not trusted; check its dates, the host name and the setting tls.ca", False
    ),
    aiohttp.ServerFingerprintMismatch: Fate(NotSent, "the remote's certificate is another one", False),
    aiohttp.ClientPayloadError: Fate(BadAnswer, "the answer was cut off"),
    aiohttp.client_exceptions.UploadAbortedError: Fate(OutcomeUnknown, _DROPPED),
    aiohttp.ClientResponseError: Fate(BadAnswer, _GARBLED),
    aiohttp.ContentTypeError: Fate(BadAnswer, "another content type"),
    aiohttp.WSServerHandshakeError: Fate(BadAnswer, _GARBLED),
    aiohttp.TooManyRedirects: Fate(BadAnswer, "redirected without end"),
    aiohttp.client_exceptions.WSMessageTypeError: Fate(OutcomeUnknown, _MISUSED, False),
    aiohttp.InvalidURL: Fate(ConfigError, _ADDRESS, False),
    aiohttp.InvalidUrlClientError: Fate(ConfigError, _ADDRESS, False),
    aiohttp.NonHttpUrlClientError: Fate(ConfigError, _ADDRESS, False),
    aiohttp.RedirectClientError: Fate(BadAnswer, "redirected to something that is no address"),
    aiohttp.InvalidUrlRedirectClientError: Fate(BadAnswer, "redirected to something that is no address"),
    aiohttp.NonHttpUrlRedirectClientError: Fate(BadAnswer, "redirected to something that is no address"),
    http_exceptions.HttpProcessingError: Fate(BadAnswer, _GARBLED),
    # Python's own
    TimeoutError: Fate(OutcomeUnknown, "no whole answer within total_timeout"),
    OSError: Fate(OutcomeUnknown, _DROPPED),
}
_UNKNOWN = Fate(OutcomeUnknown, "the call broke off")
_CERTIFICATE_ALERTS = ("CERTIFICATE_REQUIRED", "ALERT_UNKNOWN_CA", "BAD_CERTIFICATE", "CERTIFICATE_UNKNOWN",
                       "CERTIFICATE_EXPIRED", "CERTIFICATE_REVOKED", "UNSUPPORTED_CERTIFICATE")  # fmt: skip


def fate(error: BaseException) -> Fate:
    """What an error of the transport means. Where nothing is known of it, bytes may have left: unknown."""
    cause = error.__cause__
    if isinstance(error, httpx.HTTPError) and isinstance(cause, aiohttp.ClientError):
        error = cause  # a bridge between the two libraries translates too coarsely
    if isinstance(error, aiohttp.ClientHttpProxyError) and error.status == 407:
        return Fate(AccessRefused, "the proxy refused our credentials; correct the setting proxy", False)
    if isinstance(error, OSError) and not isinstance(error, aiohttp.ClientConnectorCertificateError):
        # TLS 1.3: a server refuses our certificate after we believe the handshake done and have sent; it reads nothing.
        text = " ".join(str(part) for part in (*error.args, *(cause.args if cause else ()))).upper()
        if "ALERT" in text and any(alert in text for alert in _CERTIFICATE_ALERTS):
            return Fate(AccessRefused, "the remote refused our client certificate; check tls.certificate", False)
    for base in type(error).__mro__:
        if base in TABLE:
            return TABLE[base]
    return _UNKNOWN


def classify(error: Exception, *, system: str, operation: str, answering: bool = False) -> LgspError:
    """Our error for a transport's error. ``answering``: the answer's head had come, so that a break cuts it off.

    The message has the library's class and never its text, which may hold the address with its query.
    """
    if isinstance(error, LgspError):
        return error
    found = fate(error)
    reason = f"{found.reason} ({type(error).__name__})"
    if issubclass(found.error, ConfigError):
        return ConfigError(f"systems.{system}: {operation}: {reason}")
    kind = found.error
    if answering and kind is OutcomeUnknown and not isinstance(error, (TimeoutError, httpx.TimeoutException)):
        kind, reason = BadAnswer, f"the answer was cut off ({type(error).__name__})"
    return kind(reason, system=system, operation=operation, code="" if found.passing else "settings")
