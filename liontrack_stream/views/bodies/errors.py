"""Errors."""

from __future__ import annotations

from typing import TypedDict


class ErrorBody(TypedDict):
    """What went wrong: its kind, and a sentence for the caller."""

    error: str
    detail: str
