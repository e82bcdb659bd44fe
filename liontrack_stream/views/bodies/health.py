"""How a worker is."""

from __future__ import annotations

from datetime import datetime
from typing import TypedDict


class HealthBody(TypedDict):
    """The process answers."""

    status: str
    timestamp: datetime


class CheckBody(TypedDict):
    """The state of one thing."""

    ok: bool
    detail: str


class ReadyBody(TypedDict):
    """What the worker needs, each with how it is."""

    status: str
    reasons: list[str]
    checks: dict[str, CheckBody]
    timestamp: datetime
