"""Reads a partition's live state from Postgres: ``sql/state/<noun>.sql``, $1 = partition; rows (key, live jsonb)."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from typing import Any

from liontrack_stream.warehouse.queries import query


def read_state(noun: str) -> Callable[[Any, int], Awaitable[dict[str, Any]]]:
    """The reconcile function of a table."""

    async def read(pool: Any, partition: int) -> dict[str, Any]:
        rows = await pool.fetch(query(f"state/{noun}"), partition)
        return {row["key"]: json.loads(row["live"]) for row in rows}

    return read
