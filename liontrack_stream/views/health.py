"""``/health``: this process is alive. ``/ready``: it can do its work, or why not."""

from __future__ import annotations

import asyncio
from time import monotonic

from aiohttp import web

from liontrack_stream.views.bodies.health import HealthBody, ReadyBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.site import Check, Probe

PROBE_TIMEOUT_S = 3.0
KEEP_ANSWER_S = 1.0  # a flood of questions probes once per second


async def health(call: Call) -> web.Response:
    """Alive: the process answers. Asks nothing else."""
    return call.json({"status": "alive", "timestamp": call.now})


async def ready(call: Call) -> web.Response:
    """Kafka, Postgres, lag and lake, each with how it is; 503 when one is not as it should be."""
    checks = await call.request.app[READINESS].checks()
    failed = [name for name, check in checks.items() if not check.ok]
    body = {
        "status": "not ready" if failed else "ready",
        "reasons": [f"{name}: {checks[name].detail}" for name in failed],
        "checks": {name: {"ok": check.ok, "detail": check.detail} for name, check in checks.items()},
        "timestamp": call.now,
    }
    return call.json(body, 503 if failed else 200)


class Readiness:
    """Runs all probes together, one round at a time, each within its time."""

    def __init__(self, probes: dict[str, Probe]) -> None:
        self._probes = probes
        self._round: asyncio.Task[dict[str, Check]] | None = None
        self._asked_at = 0.0

    async def checks(self) -> dict[str, Check]:
        """The state of each thing, at most a second old."""
        now = monotonic()
        if self._round is None or (self._round.done() and now - self._asked_at > KEEP_ANSWER_S):
            self._round, self._asked_at = asyncio.create_task(self._probe_all()), now
        return await asyncio.shield(self._round)

    async def _probe_all(self) -> dict[str, Check]:
        found = await asyncio.gather(*(_within_time(probe) for probe in self._probes.values()))
        return dict(zip(self._probes, found, strict=True))


READINESS = web.AppKey("readiness", Readiness)

ROUTES = (
    Route("/health", health, Access.OPEN, (), HealthBody, tag="operation"),
    Route("/ready", ready, Access.OPEN, (), ReadyBody, errors=(503,), tag="operation"),
)


async def _within_time(probe: Probe) -> Check:
    try:
        async with asyncio.timeout(PROBE_TIMEOUT_S):
            return await probe()
    except TimeoutError:
        return Check(False, f"does not answer within {PROBE_TIMEOUT_S:.0f} s")
    except Exception as error:
        return Check(False, f"does not answer ({type(error).__name__})")
