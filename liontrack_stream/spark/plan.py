"""What a Spark job is to do: made by `liontrack submit`, read by the driver, as a file of JSON without secrets."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

import msgspec

Job = Literal["bronze-to-silver", "silver-to-gold", "stream"]


class Part(msgspec.Struct, frozen=True):
    """The offsets of one partition of a topic, from the first to before the end."""

    topic: str  # the contract's name
    partition: int
    first: int
    end: int


class Plan(msgspec.Struct, frozen=True):
    """One job of one generation.

    ``files``: of a topic (bronze-to-silver) or a table (silver-to-gold) the Parquet files to read, with their folder.
    The rest is the stream's; ``lateness_min``: how far its watermark is behind the newest event.
    """

    job: Job
    generation: int
    parts: list[Part] = []
    files: dict[str, list[str]] = {}
    checkpoint: str = ""
    until_caught_up: bool = False
    lateness_min: int = 60

    def write(self, path: Path) -> None:
        """Write it where the driver finds it."""
        path.write_bytes(msgspec.json.encode(self))

    @classmethod
    def read(cls, path: Path) -> Plan:
        """Read what `write` wrote."""
        return msgspec.json.decode(path.read_bytes(), type=cls)
