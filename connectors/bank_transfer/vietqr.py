"""VietQR: what a citizen's bank application scans (EMVCo merchant-presented QR, NAPAS profile)."""

from __future__ import annotations

_NAPAS = "A000000727"
_TO_ACCOUNT = "QRIBFTTA"


def crc(text: str) -> str:
    """CRC-16/CCITT-FALSE of the text up to and including ``6304``, as four upper-case hex digits."""
    value = 0xFFFF
    for byte in text.encode("ascii"):
        value ^= byte << 8
        for _ in range(8):
            value = ((value << 1) ^ 0x1021 if value & 0x8000 else value << 1) & 0xFFFF
    return f"{value:04X}"


def payload(bank: str, account: str, amount: str, purpose: str) -> str:
    """A code for one transfer: ``bank`` is the six-digit BIN, ``amount`` whole dong, ``purpose`` ASCII.

    ``ValueError`` where a part is longer than the two digits of its length can say.
    """
    to = _part("00", bank) + _part("01", account)
    text = (
        _part("00", "01")
        + _part("01", "12")
        + _part("38", _part("00", _NAPAS) + _part("01", to) + _part("02", _TO_ACCOUNT))
        + _part("53", "704")
        + _part("54", amount)
        + _part("58", "VN")
        + _part("62", _part("08", purpose))
        + "6304"
    )
    return text + crc(text)


def _part(tag: str, value: str) -> str:
    if not 1 <= len(value) <= 99 or not value.isascii():
        raise ValueError(f"part {tag} has {len(value)} characters, or some that are not ASCII")
    return f"{tag}{len(value):02d}{value}"
