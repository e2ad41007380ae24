"""How VNPAY 2.1.0 signs: HMAC-SHA512 over form-encoded queries, and over values joined by ``|`` in fixed orders."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from urllib.parse import urlencode

QUERYDR = (
    "RequestId", "Version", "Command", "TmnCode", "TxnRef", "TransactionDate", "CreateDate", "IpAddr", "OrderInfo",
)  # fmt: skip
REFUND = (
    "RequestId", "Version", "Command", "TmnCode", "TransactionType", "TxnRef", "Amount", "TransactionNo",
    "TransactionDate", "CreateBy", "CreateDate", "IpAddr", "OrderInfo",
)  # fmt: skip
REFUND_ANSWER = (
    "ResponseId", "Command", "ResponseCode", "Message", "TmnCode", "TxnRef", "Amount", "BankCode", "PayDate",
    "TransactionNo", "TransactionType", "TransactionStatus", "OrderInfo",
)  # fmt: skip
QUERYDR_ANSWER = (*REFUND_ANSWER, "PromotionCode", "PromotionAmount")
_HASHES = ("vnp_SecureHash", "vnp_SecureHashType")


def query(values: Mapping[str, str]) -> str:
    """What is signed of a query: the ``vnp_`` values that are not empty, by key, form-encoded (a space is ``+``)."""
    kept = {k: v for k, v in values.items() if k.startswith("vnp_") and k not in _HASHES and v != ""}
    return urlencode(sorted(kept.items()))


def piped(values: Mapping[str, str], order: tuple[str, ...]) -> str:
    """The values in their order, joined by ``|``; a missing one is empty and keeps its separator."""
    return "|".join(str(values.get(f"vnp_{name}", "") or "") for name in order)


def sign(text: str, secret: str) -> str:
    """Lower-case hex."""
    return hmac.new(secret.encode(), text.encode(), hashlib.sha512).hexdigest()


def signed(text: str, secret: str, given: str) -> bool:
    """Whether the hash is right, whatever its case; in constant time. No hash is a wrong one."""
    return hmac.compare_digest(sign(text, secret).encode(), given.lower().encode("utf-8", "replace"))
