"""A worker with a past, asked while it stores: first at a steady pace, then a backlog with and without load.

::

    history      rows made by SQL, then a worker starts
    steady       events  ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─  5,000/s, each second
                 requests ─ ─ ─ ─ ─ ─ ─ ─ ─ ─ ─  200/s, whatever the answers take
    backlog      worker, started again:  quiet │ wrk │ quiet │ wrk │ … │ quiet      slices of the same backlog
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from liontrack_stream.sources.simulator.plan import Plan, lion_ids
from liontrack_stream.views.access import Viewer, token_of
from tests.bench.api.children import Child
from tests.bench.api.found import Found, Sizes
from tests.bench.api.history import fill
from tests.bench.api.wrk import Wrk
from tests.bench.rates import connect
from tests.bench.running import ContenderFailed, run_module
from tests.support.worker_process import WorkerProcess, wait_until

START = date(2025, 1, 1)  # the history ends the day before; all lies in the past, no fix is flagged `future`
BACKLOG_START = date(2025, 6, 1)
LIONS = "/api/analytics/lions"
WATCHED = 8
_STORED_WITHIN_S = 120.0
_SEEN_WITHIN_S = 3.0  # requests go on for so long after the last event
_WARM_UP_S = 5.0
_OFFSETS = "SELECT coalesce(sum(next_offset), 0)::bigint FROM metadata.consumed_offsets WHERE topic = %s"
_KEPT = "SELECT (SELECT count(*) FROM silver.positions) + (SELECT count(*) FROM metadata.repeats)"
_BRONZE = "SELECT count(*) FROM bronze.lions_raw"
_ACCEPTED = (
    "SELECT lion_id, event_time FROM silver.positions WHERE lion_id = ANY(%s) AND event_time >= %s AND flags = 0"
)


class ApiBench:
    """Runs against the Kafka and PostgreSQL of ``settings``, which must be its own: it fills an empty warehouse."""

    def __init__(
        self,
        settings: Settings,
        environment: Mapping[str, str],
        folder: Path,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        secret, port = secrets.token_urlsafe(48), free_ports(1)[0]
        self._settings, self._folder, self._say = settings, folder, say
        self._environment = {**environment, "JWT_SECRET": secret, "WEB_PORT": str(port)}
        self._url = f"http://127.0.0.1:{port}"
        now = datetime.now(UTC)
        token = token_of(Viewer("bench", frozenset({"ranger"})), secret, now, now + timedelta(hours=12))
        self._header = f"Authorization: Bearer {token}"

    def run(self, sizes: Sizes) -> Found:
        """The whole bench.

        Raises
        ------
        ContenderFailed
            When something does not get to its end, and nothing can be said.
        """
        found = Found(sizes)
        for command in (("migrate",), ("topics",)):
            self._liontrack(*command)
        ids = sorted(lion_ids(Plan(sizes.lions)))
        self._say(f"Making {sizes.fixes:,} fixes of {sizes.lions:,} lions by SQL")
        found.fixes = fill(self._settings, ids, sizes.fixes, START, self._say)
        with self._worker() as worker:
            found.sent = self._send(sizes, START, _WARM_UP_S)
            self._until_stored(found.sent)
            self._steady(found, ids[:: max(1, sizes.lions // WATCHED)][:WATCHED])
            self._stop(worker)
        self._backlog(found, ids[0])
        found.problems = list(self._problems(found))
        return found

    # -- steady

    def _steady(self, found: Found, watched: list[str]) -> None:
        """Events and requests at their pace, together."""
        sizes = found.sizes
        self._say(f"{sizes.events_per_s:,.0f} events/s and {sizes.requests_per_s:g} requests/s for {sizes.seconds:g} s")
        names, start = ",".join(watched), START + timedelta(days=60)
        requests = [
            "tests.bench.api.requests", "--url", self._url + LIONS, "--rate", str(sizes.requests_per_s),
            "--seconds", str(sizes.seconds + _SEEN_WITHIN_S), "--watched", names, "--header", self._header,
        ]  # fmt: skip
        with self._child(requests) as asker, self._events(sizes, start, sizes.seconds, names) as sender:
            for child in (sender, asker):
                child.wait_until_ready()
            for child in (asker, sender):
                child.begin()
            sent = sender.report(sizes.seconds + 60)
            ended_at = time.monotonic()
            found.sent += sent["sent"]
            self._until_stored(found.sent)
            found.behind_s = time.monotonic() - ended_at
            asked = asker.report(60)
        found.latencies_ms = [each * 1e3 for each in asked["latencies_s"]]
        found.statuses, found.sender_late_ms = asked["statuses"], sent["late_s"] * 1e3
        accepted = self._accepted(watched, start)
        found.visible_ms, found.never_seen = visible(sent["produced"], asked["seen"], accepted)

    def _send(self, sizes: Sizes, start: date, seconds: float) -> int:
        with self._events(sizes, start, seconds, "") as sender:
            sender.wait_until_ready()
            sender.begin()
            return int(sender.report(seconds + 60)["sent"])

    def _events(self, sizes: Sizes, start: date, seconds: float, watched: str) -> Child:
        arguments = {
            "--lions": sizes.lions, "--start": start, "--rate": sizes.events_per_s,
            "--events": int(sizes.events_per_s * seconds), "--watched": watched,
        }  # fmt: skip
        return self._child(["tests.bench.api.events", *(str(part) for pair in arguments.items() for part in pair)])

    def _child(self, arguments: list[str]) -> Child:
        return Child(arguments, self._environment, self._folder / f"{arguments[0].rpartition('.')[2]}.log")

    def _accepted(self, lions: list[str], since: date) -> set[tuple[str, datetime]]:
        with connect(self._settings) as connection:
            return set(connection.execute(_ACCEPTED, (lions, since)).fetchall())

    # -- backlog

    def _backlog(self, found: Found, lion_id: str) -> None:
        """Slices of one backlog, in turn with and without load."""
        sizes = found.sizes
        self._say(f"A backlog of {sizes.backlog:,} events")
        size = ("--lions", str(sizes.lions), "--events", str(sizes.backlog), "--start", str(BACKLOG_START))
        self._liontrack("simulate", *size, "--topics", "positions", "--json")
        before, found.sent = found.sent, found.sent + sizes.backlog
        paths = [LIONS, f"{LIONS}/{lion_id}", f"{LIONS}/{lion_id}/position-history", "/api/analytics/dashboard"]
        answers, seconds = 0, 0.0
        with self._worker() as worker, connect(self._settings) as connection:

            def stored() -> int:
                return int(connection.execute(_OFFSETS, (POSITIONS.name,)).fetchone()[0])  # type: ignore[index]

            wait_until(lambda: stored() >= before + sizes.backlog // 50, 60, "the backlog's begin")
            for number in range(2 * sizes.pairs + 1):
                self._say(f"{stored() - before:,} stored; {'wrk asks' if number % 2 else 'quiet'}")
                if number % 2:
                    wrk = Wrk(self._url, paths, [self._header], sizes.slice_s, self._folder)
                    with wrk:
                        rate = self._rate(stored, sizes.slice_s, found.sent)
                    answers, seconds = answers + wrk.load.answers, seconds + wrk.load.seconds
                    found.wrk_refused += wrk.load.refused
                else:
                    rate = self._rate(stored, sizes.slice_s, found.sent)
                if rate is None:
                    self._say("The backlog has run dry")
                    break
                (found.asked if number % 2 else found.quiet).append(rate)
            found.wrk_answers_per_s = answers / seconds if seconds else 0.0
            self._until_stored(found.sent)
            self._stop(worker)

    def _rate(self, stored: Callable[[], int], seconds: float, end: int) -> float | None:
        """Events stored per second; None when the backlog ended meanwhile."""
        began, first = time.monotonic(), stored()
        time.sleep(seconds)
        last, ended = stored(), time.monotonic()
        return None if last >= end else (last - first) / (ended - began)

    # -- parts

    @contextmanager
    def _worker(self) -> Iterator[WorkerProcess]:
        worker = WorkerProcess(self._environment, self._folder / "worker.log", module="liontrack_stream")
        try:
            yield worker
        finally:
            if worker.running:
                worker.kill()

    def _stop(self, worker: WorkerProcess) -> None:
        code, _ = worker.stop()
        if code != 0:
            raise ContenderFailed(f"The worker ended with {code}:\n{worker.log_text()[-2000:]}")

    def _liontrack(self, *arguments: str) -> None:
        log = self._folder / "commands.log"
        run_module(("liontrack_stream", *arguments), self._environment, log, json_line=False)

    def _until_stored(self, events: int) -> None:
        with connect(self._settings) as connection:
            began = time.monotonic()
            while self._one(connection, _OFFSETS, POSITIONS.name) < events:
                if time.monotonic() - began > _STORED_WITHIN_S:
                    raise ContenderFailed(f"The worker did not store {events:,} events within {_STORED_WITHIN_S:g} s.")
                time.sleep(0.05)

    def _problems(self, found: Found) -> Iterator[str]:
        with connect(self._settings) as connection:
            for name, sql, wanted in (("bronze", _BRONZE, found.sent), ("silver", _KEPT, found.sent + found.fixes)):
                if (count := self._one(connection, sql)) != wanted:
                    yield f"{name} holds {count:,} instead of {wanted:,}"

    def _one(self, connection: psycopg.Connection[Any], sql: str, *arguments: str) -> int:
        row = connection.execute(sql, arguments).fetchone()
        return int(row[0]) if row else 0


def visible(
    produced: list[tuple[str, str, float]], seen: list[tuple[str, str, float]], accepted: set[tuple[str, datetime]]
) -> tuple[list[float], int]:
    """How long after it was due each newest accepted fix, or a newer one, was in an answer, ms; how many never were.

    A list shows each lion's newest accepted fix: one that comes late, or is not accepted, is never to be seen.
    """
    found, never = [], 0
    newest: dict[str, datetime] = {}
    for lion_id, text, due in produced:
        moment = datetime.fromisoformat(text)
        if (lion_id, moment) not in accepted or moment <= newest.get(lion_id, datetime.min.replace(tzinfo=UTC)):
            continue
        newest[lion_id] = moment
        shown = [at for name, shown, at in seen if name == lion_id and datetime.fromisoformat(shown) >= moment]
        if shown:
            found.append((min(shown) - due) * 1e3)
        else:
            never += 1
    return found, never
