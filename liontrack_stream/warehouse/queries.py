"""SQL lives in files under ``sql/``; this reads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from liontrack_stream import generation

SQL_ROOT = Path(__file__).resolve().parents[2] / "sql"


def query(name: str) -> str:
    """The text of ``sql/<name>.sql``, e.g. ``query("silver/positions_context")``, in this process's generation."""
    return _text(name, generation.current())


def live_query(name: str) -> str:
    """The same in the live generation, whichever this process works in."""
    return _text(name, None)


@cache
def _text(name: str, number: int | None) -> str:
    text = (SQL_ROOT / f"{name}.sql").read_text(encoding="utf-8")
    return text if number is None else generation.renamed(text, None, number)
