"""``Stack``: the embedded Kafka and PostgreSQL of one data folder.

<data-dir>/stack.env    settings for clients (0600)
<data-dir>/stack.json   ports, passwords, processes (0600)
<data-dir>/kafka/       server.properties, data/
<data-dir>/postgres/    cluster/
<data-dir>/lake/        the data lake
<data-dir>/log/         kafka.log, postgres.log
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from liontrack_stream.local import kafka, postgres, processes
from liontrack_stream.local.cache import Report, locked
from liontrack_stream.local.errors import StackError
from liontrack_stream.local.processes import LOOPBACK, Recorded
from liontrack_stream.local.record import Record
from liontrack_stream.settings import data_dir_from_env

PARTS = ("kafka", "postgres")
_STOP_WITHIN_S = 30.0


@dataclass(frozen=True, slots=True)
class PartStatus:
    """One server: ``uptime_s`` and ``pid`` are None while it is down, ``port`` until its first start."""

    name: str
    running: bool
    port: int | None
    pid: int | None = None
    uptime_s: float | None = None

    @property
    def address(self) -> str:
        """host:port, or empty."""
        return f"{LOOPBACK}:{self.port}" if self.port else ""


def _quiet(part: str, message: str) -> None:
    """Report nothing."""


class Stack:
    """Start, stop and look at the servers of ``data_dir``. Every method is safe to call again, and at once.

    Ports that are not given are the ones of the last start, else free ones. The methods block: in a coroutine, call
    them by ``asyncio.to_thread``.
    """

    def __init__(
        self,
        data_dir: Path | str | None = None,
        kafka_port: int | None = None,
        pg_port: int | None = None,
        report: Report = _quiet,
    ) -> None:
        self.data_dir = data_dir_from_env(data_dir).absolute()
        self._wanted_ports = {"kafka": kafka_port, "postgres": pg_port}
        self._report = report

    def up(self) -> dict[str, str]:
        """Start what is not running; returns the clients' settings, which ``stack.env`` has too.

        Raises
        ------
        StackError
            When a server does not come up; one that did stays up.
        """
        self._prepare_folder()
        with self._lock():
            record = Record.read(self.data_dir)
            down = [part for part in PARTS if self._process(record, part) is None]
            self._refuse_other_ports(record, down)
            if down:
                self._choose_ports(record, down)
                record.write(self.data_dir)
                self._start_parts(record, down)
            record.write_client_settings(self.data_dir)
            return record.client_settings(self.data_dir)

    def down(self, parts: Sequence[str] = PARTS) -> list[str]:
        """End those parts that this folder's ``up`` started; returns the names of the ones that were running."""
        if not self.data_dir.exists():
            return []
        with self._lock():
            record = Record.read(self.data_dir)
            with ThreadPoolExecutor(len(PARTS)) as pool:
                stopped = list(pool.map(lambda part: self._stop_part(record, part), parts))
            for part in parts:
                record.processes.pop(part, None)
            if any(stopped):
                record.write(self.data_dir)
        return [part for part, was_running in zip(parts, stopped, strict=True) if was_running]

    def status(self) -> list[PartStatus]:
        """How each server is, without waiting for a start or stop in progress."""
        record = Record.read(self.data_dir)
        ports = {"kafka": record.kafka_port, "postgres": record.pg_port}
        return [self._part_status(record, part, ports[part]) for part in PARTS]

    def _part_status(self, record: Record, part: str, port: int | None) -> PartStatus:
        recorded = self._process(record, part)
        if recorded is None or port is None:
            return PartStatus(part, False, port)
        return PartStatus(part, processes.port_answers(port), port, recorded.pid, time.time() - recorded.started)

    # -- inside

    def _prepare_folder(self) -> None:
        try:
            for name in ("kafka", "postgres", "lake", "log"):
                (self.data_dir / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StackError(
                f"The data folder {self.data_dir} cannot be used ({error.strerror}): choose one with --data-dir."
            ) from error
        if not os.access(self.data_dir, os.W_OK):
            raise StackError(f"The data folder {self.data_dir} is not writable: choose one with --data-dir.")

    def _lock(self) -> AbstractContextManager[None]:
        return locked(
            self.data_dir / ".lock", lambda: self._report("stack", "waiting for another `liontrack` to finish here")
        )

    @staticmethod
    def _process(record: Record, part: str) -> Recorded | None:
        recorded = record.processes.get(part)
        return recorded if recorded is not None and recorded.process() is not None else None

    def _refuse_other_ports(self, record: Record, down: list[str]) -> None:
        now = {"kafka": record.kafka_port, "postgres": record.pg_port}
        for part, wanted in self._wanted_ports.items():
            if part not in down and wanted not in (None, now[part]):
                raise StackError(
                    f"{part} runs on port {now[part]} already: run `liontrack down` before choosing {wanted}."
                )

    def _choose_ports(self, record: Record, down: list[str]) -> None:
        fresh = iter(processes.free_ports(3))

        def choose(wanted: int | None, remembered: int | None, option: str) -> int:
            if wanted is not None and not processes.port_is_free(wanted):
                raise StackError(f"Port {wanted} is taken by another program: choose a free one with {option}.")
            if wanted is not None:
                return wanted
            return remembered if remembered is not None and processes.port_is_free(remembered) else next(fresh)

        if "kafka" in down:
            record.kafka_port = choose(self._wanted_ports["kafka"], record.kafka_port, "--kafka-port")
            record.controller_port = choose(None, record.controller_port, "")
        if "postgres" in down:
            record.pg_port = choose(self._wanted_ports["postgres"], record.pg_port, "--pg-port")

    def _start_parts(self, record: Record, down: list[str]) -> None:
        starts = {"kafka": self._start_kafka, "postgres": self._start_postgres}
        with ThreadPoolExecutor(len(PARTS)) as pool:
            running = {part: pool.submit(starts[part], record) for part in down}
            errors = []
            for part, future in running.items():
                try:
                    record.processes[part] = future.result()
                except StackError as error:
                    errors.append(error)
                    continue
                finally:
                    record.write(self.data_dir)
        if errors:
            raise errors[0]

    def _start_kafka(self, record: Record) -> Recorded:
        assert record.kafka_port is not None
        assert record.controller_port is not None
        log = self.data_dir / "log" / "kafka.log"
        started = kafka.start(self.data_dir / "kafka", log, record.kafka_port, record.controller_port, self._report)
        self._report("kafka", f"running on {LOOPBACK}:{record.kafka_port}")
        return started

    def _start_postgres(self, record: Record) -> Recorded:
        assert record.pg_port is not None
        log = self.data_dir / "log" / "postgres.log"
        started = postgres.start(self.data_dir / "postgres", log, record.pg_port, record.passwords, self._report)
        self._report("postgres", f"running on {LOOPBACK}:{record.pg_port}")
        return started

    def _stop_part(self, record: Record, part: str) -> bool:
        recorded = self._process(record, part)
        if recorded is None:
            return False
        self._report(part, "stopping")
        # For PostgreSQL SIGINT is "fast": it does not wait for clients to leave; SIGQUIT lets it recover at next start.
        wanted, then = {
            "kafka": (signal.SIGTERM, signal.SIGKILL),
            "postgres": (signal.SIGINT, signal.SIGQUIT),
        }[part]
        stopped = processes.stop(recorded, wanted, then, _STOP_WITHIN_S)
        self._report(part, "stopped")
        return stopped
