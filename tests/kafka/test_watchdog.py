"""How long records have waited, as alerts see it; how long partitions have not been read."""

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


def test_how_long_partitions_are_there_and_are_not_claimed(monkeypatch: pytest.MonkeyPatch) -> None:
    now, held = 100.0, {("lions.position.events", 0), ("lions.position.events", 1)}
    monkeypatch.setattr(module, "monotonic", lambda: now)
    consumer = SimpleNamespace(claiming=False, partitions_held=lambda: held)
    claimed = {("lions.position.events", 0): 5}
    app: Any = SimpleNamespace(
        settings=SimpleNamespace(stuck_after_s=60.0),
        batch_consumer=consumer,
        in_recovery=False,
        progress=SimpleNamespace(next_offset=claimed),
    )
    watchdog = Watchdog(app)
    assert watchdog._unread_s() == 0.0
    now = 130.0
    assert watchdog._unread_s() == 30.0
    consumer.claiming = True  # it may take as long as Postgres lets it wait
    assert watchdog._unread_s() == 0.0
    consumer.claiming, app.in_recovery = False, True  # so may what a changelog holds
    assert watchdog._unread_s() == 0.0
    app.in_recovery = False
    assert watchdog._unread_s() == 0.0, "it counts anew"
    now = 190.0
    assert watchdog._unread_s() == 60.0
    claimed["lions.position.events", 1] = 7
    assert watchdog._unread_s() == 0.0
    held.clear()
    claimed.clear()
    assert watchdog._unread_s() == 0.0, "a worker may have no partition"
