"""How long records have waited, as alerts see it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from liontrack_stream.kafka import watchdog as module
from liontrack_stream.kafka.watchdog import Watchdog


def test_how_long_records_have_waited(monkeypatch: pytest.MonkeyPatch) -> None:
    now = 100.0
    monkeypatch.setattr(module, "monotonic", lambda: now)
    app: Any = SimpleNamespace(settings=SimpleNamespace(stuck_after_s=60.0), progress=SimpleNamespace(moved_at=90.0))
    watchdog = Watchdog(app)
    assert watchdog.waited_s == 0.0
    watchdog._waited_s(True)  # records wait from now on
    now = 107.0
    assert watchdog.waited_s == 7.0
    app.progress.moved_at = 105.0  # one was stored; whether others wait shows in a moment
    assert watchdog.waited_s == 0.0
    watchdog._waited_s(True)
    now = 110.0
    assert watchdog.waited_s == 3.0
    watchdog._waited_s(False)
    assert watchdog.waited_s == 0.0
