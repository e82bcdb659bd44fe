"""Ends the worker when another generation becomes the live one; the command starts it again, in the same process.

What a worker holds (caches of lions, live tables, the lake's root, which partitions there are) is of one
generation. Writing is out of the question from the exchange on: it has taken the leases.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from mode import Service, get_logger

from liontrack_stream.kafka.exits import StartError, SwappedError, WorkerError
from liontrack_stream.sidecars import Sidecar
from liontrack_stream.warehouse.queries import query

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

LOOK_EVERY_S = 1.0


class GenerationWatch(Sidecar):
    """Looks which generation is live; when Postgres is away, later."""

    def __init__(self, app: LionTrackApp, number: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._app, self._number = app, number

    @Service.task
    async def _watch(self) -> None:
        while not self.should_stop:
            await self.sleep(LOOK_EVERY_S)
            try:
                error = await self._what_changed()
            except Exception as trouble:
                logger.debug("Which generation is live could not be read: %r", trouble)
                continue
            if error is not None:
                self._app.fail(error)
                return

    async def _what_changed(self) -> WorkerError | None:
        row = await self._app.pool.fetchrow(query("generations/live"))
        if row is None or row["generation"] == self._number:
            return None
        number, rules = row["generation"], row["rule_version"]
        own = getattr(self._app.warehouse, "rule_version", None)
        if rules in (None, own):
            return SwappedError(f"Generation {number} is live now: starting again.")
        known = await self._app.pool.fetchrow(query("explain/rule"), rules)
        parameters = json.loads(known["parameters"]) if known is not None else {}
        limits = ",".join(f"{limit:g}" for limit in parameters.get("fixes", {}).get("speed_limits_kmh", ()))
        return StartError(
            f"Generation {number} is live now. It was computed with rules {rules}, this worker has rules {own}: "
            f"start it with SPEED_LIMITS_KMH={limits}."
        )
