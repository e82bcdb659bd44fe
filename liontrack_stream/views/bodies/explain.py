"""Where a row comes from."""

from __future__ import annotations

from typing import Any, TypedDict


class ExplainBody(TypedDict):
    """A row, the rule that made it, what it follows from, and what it said before."""

    table: str
    key: dict[str, Any]
    row: dict[str, Any] | None
    rule: dict[str, Any] | None
    columns: dict[str, str]
    sources: list[dict[str, Any]]
    repeats: dict[str, int]
    deletions: list[Any] | dict[str, Any]
    revisions: list[Any] | dict[str, Any]
