"""Event times: ISO-8601 text, epoch seconds or epoch milliseconds into microseconds since the epoch."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import msgspec

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_EPOCH_NAIVE = _EPOCH.replace(tzinfo=None)
END_US = 32_503_680_000_000_000  # 3000-01-01
_MILLISECONDS_FROM = 100_000_000_000  # as seconds this is the year 5138, as milliseconds March 1973
_DAY_US = 86_400_000_000


class BadTime(ValueError):
    """Not a time the contract accepts; the message says why."""


def parse_iso(text: str) -> datetime:
    """The time of an ISO-8601 text, rounded to microseconds, or ``BadTime``."""
    try:
        return msgspec.convert(text.strip(), datetime)
    except msgspec.ValidationError:
        pass  # a date alone, or basic format
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise BadTime(f"{text[:40]!r} is no ISO-8601 time") from error


def has_zone(text: str) -> bool:
    """Whether an ISO-8601 text says which zone it is in; ``BadTime`` where it is none. A date alone says none."""
    return parse_iso(text).tzinfo is not None


def to_microseconds(value: datetime | int | float | str) -> int:
    """Microseconds since the epoch, UTC; text without a zone is read as UTC.

    Raises
    ------
    BadTime
        When it does not parse or lies outside 1970–2999.
    """
    if isinstance(value, datetime):
        since = value - (_EPOCH if value.tzinfo is not None else _EPOCH_NAIVE)
        micros = since.days * _DAY_US + since.seconds * 1_000_000 + since.microseconds  # exact, unlike total_seconds()
    elif isinstance(value, str):
        return to_microseconds(parse_iso(value))
    elif abs(value) < _MILLISECONDS_FROM:
        micros = round(value * 1_000_000)
    elif abs(value) < 1e16:
        micros = round(value * 1_000)
    else:
        raise BadTime(f"{value} is neither epoch seconds nor epoch milliseconds")
    if not 0 <= micros < END_US:
        raise BadTime(f"{value} lies outside the years 1970 to 2999")
    return micros


def iso(microseconds: int, timespec: str = "milliseconds") -> str:
    """ISO-8601 text with ``Z`` of microseconds since the epoch."""
    return f"{(_EPOCH_NAIVE + timedelta(microseconds=int(microseconds))).isoformat(timespec=timespec)}Z"


def exact_iso(microseconds: int) -> str:
    """The same with milliseconds, and with more digits only where they say more."""
    return iso(microseconds, "microseconds" if microseconds % 1000 else "milliseconds")
