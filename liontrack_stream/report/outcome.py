"""The run that a report tells of: what `liontrack replay --json` or `submit --json` printed, and what became of it."""

from __future__ import annotations

import msgspec

from liontrack_stream.replay.diff import TableDiff


class Outcome(msgspec.Struct):
    """Unknown fields are passed over. ``action``: what was done with the generation then, in a word or two."""

    generation: int
    differs: bool
    tables: list[TableDiff] = []
    records: int | None = None
    seconds: float | None = None
    engine: str | None = None
    action: str | None = None


class OutcomeError(Exception):
    """This is no outcome; the message is a sentence."""


def parse_outcome(data: bytes) -> Outcome:
    """Raises `OutcomeError`."""
    try:
        return msgspec.json.decode(data, type=Outcome)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise OutcomeError(
            f"This is not what `liontrack replay --json` or `liontrack submit --json silver-to-gold` prints ({error})."
        ) from None
