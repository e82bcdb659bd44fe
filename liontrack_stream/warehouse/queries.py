"""SQL lives in files under ``sql/``; this reads them."""

from __future__ import annotations

from functools import cache
from pathlib import Path

SQL_ROOT = Path(__file__).resolve().parents[2] / "sql"


@cache
def query(name: str) -> str:
    """The text of ``sql/<name>.sql``, e.g. ``query("silver/positions_context")``."""
    return (SQL_ROOT / f"{name}.sql").read_text(encoding="utf-8")
