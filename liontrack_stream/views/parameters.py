"""Query parameters, read strictly: unknown, repeated or senseless ones are an error, never a guess."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta

from multidict import MultiMapping

from liontrack_stream.contract.times import BadTime, to_microseconds
from liontrack_stream.views.errors import BadParameter, UnknownLion

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INTEGER = re.compile(r"[0-9]{1,9}")
ID_MAX_CHARACTERS = 512


class Parameters:
    """The query of one request; ``known`` names what the route takes."""

    def __init__(self, query: MultiMapping[str], *known: str) -> None:
        self._values: dict[str, str] = {}
        for name, value in query.items():
            if name not in known:
                raise BadParameter(f"Unknown parameter {_shown(name)}; this route takes {', '.join(known) or 'none'}.")
            if name in self._values:
                raise BadParameter(f"{name} is given more than once.")
            self._values[name] = value

    def given(self, *names: str) -> dict[str, str]:
        """Those of some parameters that the request has, as they came."""
        return {name: self._values[name] for name in names if name in self._values}

    def integer(self, name: str, default: int, low: int, high: int) -> int:
        """A whole number of ``[low, high]``."""
        text = self._values.get(name)
        if text is None:
            return default
        if not _INTEGER.fullmatch(text) or not low <= int(text) <= high:
            raise BadParameter(f"{name} must be a whole number from {low} to {high}, not {_shown(text)}.")
        return int(text)

    def text(self, name: str) -> str | None:
        """Any text that an id can be."""
        value = self._values.get(name)
        if value is not None and not is_id(value):
            raise BadParameter(f"{name} is no id.")
        return value

    def as_of(self, now: datetime) -> datetime:
        """The instant that periods end with: ISO-8601, default ``now``. A date alone is the end of that UTC day."""
        text = self._values.get("as_of")
        if text is None:
            return now
        if not _DATE.fullmatch(text.strip()):
            return self._time("as_of", text)
        midnight = self._time("as_of", text)
        return datetime.combine(midnight.date(), time.max, UTC)

    def moment(self, name: str) -> datetime | None:
        """An instant, None where it is not given."""
        text = self._values.get(name)
        return None if text is None else self._time(name, text)

    def _time(self, name: str, text: str) -> datetime:
        try:
            return _EPOCH + timedelta(microseconds=to_microseconds(text))
        except (BadTime, OverflowError, ValueError):
            raise BadParameter(
                f"{name} must be an ISO-8601 date or time of the years 1970 to 2999, such as 2026-01-31 or "
                f"2026-01-31T12:00:00Z, not {_shown(text)}."
            ) from None


def lion_id_of(match_info: Mapping[str, str]) -> str:
    """The lion that the path names; one that cannot be stored cannot be known."""
    lion_id = match_info["lionId"]
    if not is_id(lion_id):
        raise UnknownLion
    return lion_id


def is_id(text: str) -> bool:
    """Whether Postgres could hold this text as an id: no NUL, no half characters, not endless."""
    if not 0 < len(text) <= ID_MAX_CHARACTERS or "\x00" in text:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


def _shown(text: str) -> str:
    return ascii(text if len(text) <= 40 else f"{text[:40]}…")
