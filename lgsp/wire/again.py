"""Which ends of a call are worth another try within the same call, and how long to wait before it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState

from lgsp.errors import CallError, NotSent, Throttled

TRIES = 3
SHORT_WAIT = 2.0
"""Seconds of ``Retry-After`` that are waited out here; a longer wait is the ledger's."""
NOT_TOLD = 10.0
"""Seconds to wait where the remote says "too many" and not for how long."""
_DAY = 86_400.0

T = TypeVar("T")
Sleep = Callable[[float], Awaitable[None]]


def retry_after(header: str | None, now: datetime) -> float:
    """Seconds that a ``Retry-After`` asks for, as a number or an HTTP date; at most a day."""
    value = (header or "").strip()
    if value.isascii() and value.isdigit():
        return min(float(value[:9]), _DAY)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, TypeError, IndexError):
        return NOT_TOLD
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return min(max((moment - now).total_seconds(), 0.0), _DAY)


def worth_it(error: BaseException) -> bool:
    """Whether trying again at once may help: no connection, or a short wait that the remote asked for."""
    if isinstance(error, NotSent):
        return not error.code
    return isinstance(error, Throttled) and error.retry_after <= SHORT_WAIT


async def again(first: CallError, call: Callable[[], Awaitable[T]], sleep: Sleep, chance: random.Random) -> T:
    """Further tries after ``first``: three in all where nothing was sent, one more where a short wait was asked."""
    ended: list[CallError] = [first]
    throttled = 0

    async def attempt() -> T:
        # The first try has been made. A call that succeeds at once, nearly every one, pays nothing for tenacity.
        if ended:
            raise ended.pop()
        return await call()

    def enough(state: RetryCallState) -> bool:
        nonlocal throttled
        throttled += isinstance(_failure(state), Throttled)
        return throttled > 1 or state.attempt_number >= TRIES

    def wait(state: RetryCallState) -> float:
        failure = _failure(state)
        if isinstance(failure, Throttled):
            return failure.retry_after
        return min(0.1 * 4.0 ** (state.attempt_number - 1), 1.0) * (0.5 + chance.random())

    retrying = AsyncRetrying(
        sleep=sleep, stop=enough, wait=wait, retry=lambda state: worth_it(_failure(state)), reraise=True
    )
    return await retrying(attempt)


def _failure(state: RetryCallState) -> BaseException:
    outcome = state.outcome
    failure = outcome.exception() if outcome else None
    return failure if failure is not None else _Done()


class _Done(Exception):
    """No failure: the try succeeded."""
