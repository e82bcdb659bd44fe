"""What a round of the soak plays on: servers of its own, fresh topics and warehouse, a load, workers, readers."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import shutil
import threading
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote

import asyncpg
import jwt
import psutil
from pyarrow import fs

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.warehouse.migrations import migrate
from tests.support.minio import MINIO, Minio
from tests.support.oracle import POSITIONS, Consumed, Tables, compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import OWN_VARIABLES
from tests.support.worker_process import free_port, wait_until

from .fault import Lake
from .processes import Supervised, Supervisor
from .proxy import Proxy
from .small_disk import SmallDisk

SMALL_STEPS: dict[str, Any] = {  # many batches and files, many places to be hit at
    "BATCH_MAX_RECORDS": 120,
    "LAKE_INTERVAL_S": 0.5,
    "QUALITY_INTERVAL_S": 2,
    "STUCK_AFTER_S": 25,
}
_CATCH_UP_S = 240.0
_BACK_WITHIN_S = 120.0
PARTITIONS = 2
POSTGRES_DISK_MB, LAKE_DISK_MB = 1500, 300


class Servers:
    """Kafka, PostgreSQL and MinIO of this soak, the latter two behind proxies, and a disk for lakes in folders.

    Kept for all of its rounds.
    """

    def __init__(self, folder: Path) -> None:
        for name in OWN_VARIABLES:
            os.environ.pop(name, None)
        self.folder = folder
        self.stack = Stack(folder / "stack")
        self.postgres_disk = SmallDisk(self.stack.data_dir / "postgres", POSTGRES_DISK_MB)
        self.lakes = folder / "lakes"
        self.lake_disk = SmallDisk(self.lakes, LAKE_DISK_MB)
        self.stack.up()
        self.minio = Minio(MINIO.path(), folder / "minio" / "data")
        self.minio.start()
        self.base = load_settings(self.stack.data_dir)
        self.postgres, self.bucket = Proxy(self.base.pg_port), Proxy(self.minio.port)

    def process(self, part: str) -> psutil.Process:
        """The running server of the stack."""
        [pid] = [status.pid for status in self.stack.status() if status.name == part]
        assert pid is not None, f"{part} is not running"
        return psutil.Process(pid)

    def crash(self, part: str) -> None:
        """End a server as a power cut would, with PostgreSQL's children."""
        server = self.process(part)
        ending = [server, *server.children()]
        for process in ending:
            process.kill()
        psutil.wait_procs(ending, 10.0)
        self.stack.down([part])

    def close(self, keep: bool) -> None:
        """Stop all; ``keep``: with their data in the folder."""
        self.postgres.close()
        self.bucket.close()
        self.minio.stop()
        self.stack.down()
        self.postgres_disk.close(keep)
        self.lake_disk.close(keep)


class Scene:
    """One set of topics, warehouse and lake, with what runs on it."""

    def __init__(self, servers: Servers, number: int, rate: int, lake: Lake) -> None:
        self.servers, self.rate = servers, rate
        self.folder = servers.folder / f"scene-{number}"
        self.folder.mkdir()
        name = uuid.uuid4().hex[:12]
        asyncio.run(_create_database(servers.base, f"soak_{name}"))
        settings = servers.base.model_copy(
            update={
                "pg_database": f"soak_{name}",
                "topic_prefix": f"s{name}.",
                "liontrack_app_id": f"soak-{name}",
                "liontrack_data_dir": self.folder / "data",
                "topic_partitions": PARTITIONS,
                "web_port": free_port(),
            }
        )
        migrate(settings.pg_dsn)
        if lake == "bucket":
            settings = servers.minio.settings(settings)
        else:
            settings = settings.model_copy(update={"lake_root": str(servers.lakes / self.folder.name)})
        self.kit = PipelineKit(settings, self.folder)
        self.supervisor = Supervisor()
        self.worker = self.add_worker("1", settings.web_port)
        self.load = Supervised("load", self._simulate, self.kit.environment, self.folder / "load.log")
        self.supervisor.all.append(self.load)
        self.odd_answers: list[str] = []
        self._seed = number * 1000
        self._reading = threading.Event()
        self._reader = threading.Thread(target=self._read, daemon=True)

    def add_worker(self, instance: str, web_port: int, **changes: Any) -> Supervised:
        """A worker that reaches PostgreSQL and the bucket through the proxies."""
        environment = {
            "LIONTRACK_INSTANCE": instance,
            "WEB_PORT": web_port,
            "PG_PORT": self.servers.postgres.port,
            "S3_ENDPOINT_URL": f"http://127.0.0.1:{self.servers.bucket.port}",
            **SMALL_STEPS,
            **changes,
        }
        worker = Supervised(
            f"worker {instance}",
            lambda starts: ["worker", "-l", "info"],
            lambda: self.kit.environment(**environment),
            self.folder / f"worker-{instance}.log",
        )
        self.supervisor.all.append(worker)
        return worker

    def _simulate(self, starts: int) -> list[str]:
        many = ["--lions", "20", "--days", "365", "--users", "8", "--bad-fraction", "0.01"]
        return ["simulate", *many, "--seed", str(self._seed + starts), "--rate", str(self.rate)]

    # -- what a round does

    @contextmanager
    def running(self) -> Iterator[None]:
        """Load, worker and readers are at work."""
        self.load.start()
        self.worker.start()
        wait_until(lambda: self.stored() > 0, _BACK_WITHIN_S, "the first batch")
        self._reading.set()
        if not self._reader.is_alive():
            self._reader = threading.Thread(target=self._read, daemon=True)
            self._reader.start()
        try:
            yield
        finally:
            self._reading.clear()
            self._reader.join(10.0)
            self.load.end()
            self.worker.end()

    def recover(self) -> float:
        """Seconds until a batch is stored that was not when this was called."""
        before = self.stored()
        return wait_until(lambda: self.stored() > before, _BACK_WITHIN_S, "progress after the fault")

    def stored(self) -> int:
        """Records behind all offsets; the last known number while PostgreSQL is away."""
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError, TimeoutError):
            self._stored = self.kit.stored()
        return self._stored

    _stored = 0

    def wrong(self) -> list[str]:
        """Let a worker catch up, then compare everything with the oracle: what differs, in words."""
        kit = self.kit
        kit.catch_up(_CATCH_UP_S, PG_PORT=self.servers.postgres.port, **SMALL_STEPS)
        verified = kit.command("lake", "verify", timeout_s=_CATCH_UP_S).stdout
        records = kit.consumed()
        expected = compute(records)
        root = self.folder / "lake"
        shutil.rmtree(root, ignore_errors=True)
        self._copy_lake(root)
        settings, kit.settings = kit.settings, kit.settings.model_copy(update={"lake_root": str(root)})
        try:
            found = kit.differences(records, expected)
        finally:
            kit.settings = settings
        if not verified.endswith("All well.\n"):
            found += [f"lake verify: {line}" for line in verified.splitlines()]
        return [*found, *self._wrong_live(records, expected), *self.supervisor.alarms(), *self.odd_answers]

    def _wrong_live(self, records: Sequence[Consumed], expected: Tables) -> list[str]:
        """Lions whose live window is not gold's newest one; of those whose records are all in one partition."""
        homes: dict[str, set[int]] = {}
        for record in records:
            event = decode(record.topic, record.key, record.value) if record.topic == POSITIONS else None
            if isinstance(event, Position):
                homes.setdefault(event.lion_id, set()).add(record.partition)
        newest: dict[str, datetime] = {}
        for lion_id, start in expected["gold.lion_windows"]:
            if len(homes[lion_id]) == 1:
                newest[lion_id] = max(start, newest.get(lion_id, start))
        self.worker.start()
        try:
            wait_until(lambda: self._ask("/ready")[0] == 200, _BACK_WITHIN_S, "a worker that is ready")
            found: dict[str, Any] = {}

            def differing() -> list[str]:
                found.update({lion: self._ask(f"/api/analytics/lions/{quote(lion, safe='')}/live") for lion in newest})
                wanted = {lion: start.isoformat() for lion, start in newest.items()}
                return [lion for lion, (_, start) in found.items() if start != wanted[lion]]

            with suppress(AssertionError):
                wait_until(lambda: not differing(), 20.0, "live windows")  # they follow the commit
            return [f"live window of {lion}: expected {newest[lion]}, is {found[lion]}" for lion in differing()]
        finally:
            self.worker.end()

    def _ask(self, path: str) -> tuple[int, str]:
        """A route's status, and when the live window that it tells begins."""
        claims = {"id": "soak", "roles": ["ranger"], "exp": int(time.time()) + 60}
        token = jwt.encode(claims, self.kit.settings.require_jwt_secret(), "HS256")
        url = f"http://127.0.0.1:{self.kit.settings.web_port}{path}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        try:
            with urllib.request.urlopen(request, timeout=5.0) as answer:
                window = json.load(answer).get("window") or {}
                start = window.get("window_start")
                return answer.status, datetime.fromisoformat(start).isoformat() if start else ""
        except urllib.error.HTTPError as error:
            return error.code, ""
        except (OSError, http.client.HTTPException):
            return 0, ""

    def lake(self) -> tuple[fs.FileSystem, str]:
        """Its files, and the folder there that they lie in."""
        root = self.kit.settings.lake_root
        if root.startswith("s3://"):
            return self.servers.minio.filesystem(), root.removeprefix("s3://")
        return fs.LocalFileSystem(), root

    def _copy_lake(self, to: Path) -> None:
        """The files of the first generation, as they are."""
        source, root = self.lake()
        to.mkdir(parents=True)
        for file in source.get_file_info(fs.FileSelector(root, recursive=True, allow_not_found=True)):
            path = file.path.removeprefix(f"{root}/")
            if file.type == fs.FileType.File and not path.startswith("generations/"):
                target = to / path
                target.parent.mkdir(parents=True, exist_ok=True)
                with source.open_input_stream(file.path) as stream:
                    target.write_bytes(stream.read())

    def close(self) -> None:
        self._reading.clear()
        self.servers.postgres.heal()
        self.servers.bucket.heal()
        self.supervisor.close()
        self.kit.end()

    def discard(self) -> None:
        """Remove its logs and data."""
        shutil.rmtree(self.folder)
        shutil.rmtree(self.servers.lakes / self.folder.name, ignore_errors=True)

    def _read(self) -> None:
        """Ask the API all the while: an answer is right, or says that it cannot be given now."""
        url = f"http://127.0.0.1:{self.kit.settings.web_port}/api/analytics/lions"
        while self._reading.is_set():
            try:
                with urllib.request.urlopen(url, timeout=5.0) as answer:
                    answer.read()
            except urllib.error.HTTPError as error:
                if error.code not in (429, 503):
                    self.odd_answers.append(f"the API answered {error.code}: {error.read()[:300]!r}")
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.1)


async def _create_database(settings: Settings, name: str) -> None:
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        await connection.execute(f"CREATE DATABASE {name}")
    finally:
        await connection.close()
