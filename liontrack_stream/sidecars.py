"""Services that run beside the stream and carry none of its correctness: quality checks, refreshes, run records."""

from __future__ import annotations

from mode import Service


class Sidecar(Service):
    """A service of the worker; it tries again by itself when the infrastructure is away, and never raises."""

    async def finish(self) -> None:
        """Write what is due now: the run has caught up, or the worker stops as asked. May be called more than once."""
