"""Query parameters, declared once: read strictly (a wrong one is an error, never a guess) and described in OpenAPI."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any, Generic, TypeVar

from multidict import MultiMapping

from liontrack_stream.contract.times import BadTime, to_microseconds
from liontrack_stream.views.errors import BadParameter

T = TypeVar("T")

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_DATE = re.compile(r"\d{4}-\d\d-\d\d")
_INTEGER = re.compile(r"[0-9]{1,9}")
_DAY = (
    r"(19[89][0-9]|2[0-8][0-9]{2})"
    r"-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[0-9]|2[0-8]))"
)
_CLOCK = r"T([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]{1,6})?"
_ZONE = r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9])"
_DATE_OR_TIME = f"^{_DAY}({_CLOCK}{_ZONE}?)?$"
ZONED_TIME = f"^{_DAY}{_CLOCK}{_ZONE}$"
ID_MAX_CHARACTERS = 512
TEXT_MAX_CHARACTERS = 2048


@dataclass(frozen=True)
class Parameter(Generic[T]):
    """One query parameter. ``default`` is its value where the request lacks it."""

    name: str
    description: str
    default: T
    required: bool = False
    example: Any = None

    def parse(self, text: str) -> T:
        """The value of a text.

        Raises
        ------
        BadParameter
            With a sentence that says what it must be.
        """
        raise NotImplementedError

    def schema(self) -> dict[str, Any]:
        """The JSON Schema of the texts that `parse` takes."""
        raise NotImplementedError


@dataclass(frozen=True)
class WholeNumber(Parameter[int]):
    """A whole number of ``[low, high]``."""

    low: int = 1
    high: int = 1

    def parse(self, text: str) -> int:
        """The number that decimal digits say."""
        if not _INTEGER.fullmatch(text) or not self.low <= int(text) <= self.high:
            raise BadParameter(f"{self.name} must be a whole number from {self.low} to {self.high}, not {shown(text)}.")
        return int(text)

    def schema(self) -> dict[str, Any]:
        """An integer within its bounds."""
        return {"type": "integer", "minimum": self.low, "maximum": self.high, "default": self.default}


@dataclass(frozen=True)
class Id(Parameter[str | None]):
    """Any text that an id can be."""

    def parse(self, text: str) -> str:
        """The text as it is."""
        if not is_id(text):
            raise BadParameter(f"{self.name} is no id.")
        return text

    def schema(self) -> dict[str, Any]:
        """A text without NUL."""
        return {"type": "string", "minLength": 1, "maxLength": ID_MAX_CHARACTERS, "pattern": r"^[^\u0000]+$"}


@dataclass(frozen=True)
class Text(Parameter[str | None]):
    """A text that the handler reads further."""

    def parse(self, text: str) -> str:
        """The text as it is."""
        if len(text) > TEXT_MAX_CHARACTERS:
            raise BadParameter(f"{self.name} has more than {TEXT_MAX_CHARACTERS} characters.")
        return text

    def schema(self) -> dict[str, Any]:
        """A text that is not endless."""
        return {"type": "string", "maxLength": TEXT_MAX_CHARACTERS}


@dataclass(frozen=True)
class Choice(Parameter[str | None]):
    """One of some names."""

    values: Sequence[str] = ()

    def parse(self, text: str) -> str:
        """The name, when it is one of them."""
        if text not in self.values:
            raise BadParameter(f"{self.name} must be one of {', '.join(self.values)}, not {shown(text)}.")
        return text

    def schema(self) -> dict[str, Any]:
        """The names."""
        return {"type": "string", "enum": list(self.values)}


@dataclass(frozen=True)
class Instant(Parameter[datetime | None]):
    """An instant in ISO-8601, UTC where no zone is given.

    A date alone is its first moment, or with ``whole_day`` its last.
    """

    whole_day: bool = False

    def parse(self, text: str) -> datetime:
        """The instant, aware, in UTC."""
        try:
            moment = _EPOCH + timedelta(microseconds=to_microseconds(text))
        except (BadTime, OverflowError, ValueError):
            raise BadParameter(
                f"{self.name} must be an ISO-8601 date or time of the years 1970 to 2999, such as 2026-01-31 or "
                f"2026-01-31T12:00:00Z, not {shown(text)}."
            ) from None
        if self.whole_day and _DATE.fullmatch(text.strip()):
            return datetime.combine(moment.date(), time.max, UTC)
        return moment

    def schema(self) -> dict[str, Any]:
        """A date or a time, each of which `parse` takes; it takes other ways to write them, and other years, too."""
        return {"type": "string", "pattern": _DATE_OR_TIME}


@dataclass(frozen=True)
class Decimal(Parameter[str | None]):
    """A number of ``[low, high]`` that the handler reads."""

    low: float = 0.0
    high: float = 0.0

    def schema(self) -> dict[str, Any]:
        """A number within its bounds."""
        return {"type": "number", "minimum": self.low, "maximum": self.high}


@dataclass(frozen=True)
class ZonedTime(Parameter[str | None]):
    """A time that the handler reads: an instant with a zone, or a number of the epoch."""

    def schema(self) -> dict[str, Any]:
        """A time with a zone; numbers are taken as well."""
        return {"type": "string", "pattern": ZONED_TIME}


AS_OF = Instant(
    "as_of",
    "The instant that periods end with, default now; a date alone is the end of that UTC day.",
    None,
    example="2026-01-31T12:00:00Z",
    whole_day=True,
)


def read_parameters(query: MultiMapping[str], known: Sequence[Parameter[Any]]) -> Mapping[str, Any]:
    """The values of a query by name, defaults where it lacks one.

    Raises
    ------
    BadParameter
        For an unknown, repeated, missing or senseless parameter.
    """
    by_name = {parameter.name: parameter for parameter in known}
    values: dict[str, Any] = {}
    for name, text in query.items():
        if name not in by_name:
            raise BadParameter(f"Unknown parameter {shown(name)}; this route takes {', '.join(by_name) or 'none'}.")
        if name in values:
            raise BadParameter(f"{name} is given more than once.")
        values[name] = by_name[name].parse(text)
    for name, parameter in by_name.items():
        if parameter.required and name not in values:
            raise BadParameter(f"{name} is missing: {parameter.description}")
        values.setdefault(name, parameter.default)
    return values


def is_id(text: str) -> bool:
    """Whether Postgres could hold this text as an id: no NUL, no half characters, not endless."""
    if not 0 < len(text) <= ID_MAX_CHARACTERS or "\x00" in text:
        return False
    return not any("\ud800" <= character <= "\udfff" for character in text)


def shown(text: str) -> str:
    """A caller's text as a message may show it."""
    return ascii(text if len(text) <= 40 else f"{text[:40]}…")
