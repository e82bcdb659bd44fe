"""Exports."""

from __future__ import annotations

from typing import Any, TypedDict


class ExportBody(TypedDict):
    """A table's rows, and how many they are."""

    table: str
    export_timestamp: str
    data: list[dict[str, Any]]
    record_count: int
