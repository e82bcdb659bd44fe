"""``python -m tests.bench.export``: an export of ten million fixes, and the memory that it takes.

A process of its own serves the API and nothing else (``--measure``); another one takes the bytes (``--take``). Each
prints one JSON object.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zlib
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import jwt
import psutil
import psycopg
import pyarrow.parquet as pq
from aiohttp import web
from aiohttp.test_utils import TestServer
from pydantic import SecretStr

from liontrack_stream.local import Stack
from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.views.database import Database
from liontrack_stream.views.site import LiveAnswer, Site
from liontrack_stream.views.web import attach
from liontrack_stream.warehouse.migrations import migrate
from tests.support.stack import environment_of

SECRET = "a secret of the bench, long enough: 0123456789abcdef"
FORMS = ("csv", "csv.gz", "json", "parquet", "movebank")
HEAD = "format            rows  seconds    rows/s  MB sent  MB at start  MB at peak"
NOT_ROWS = {"json": 2}  # lines of a file that are none of its rows, where it is not its header alone
TABLE = "silver.positions"
ROOT = Path(__file__).resolve().parents[2]
FIRST_DAY = "2026-01-01"
FILL = (
    f"""
    SELECT metadata.ensure_days('{TABLE}', array_agg(date '{FIRST_DAY}' + n)) FROM generate_series(0, %(days)s - 1) n
    """,
    f"""
    INSERT INTO {TABLE} (lion_id, event_time, lat, lng, flags, step_mm, name, source, accuracy, event_id, partition,
                         "offset", append_time, content_hash)
    SELECT 'lion-' || n %% 100, timestamptz '{FIRST_DAY} 00:00Z' + n * (interval '1 day' * %(days)s / %(rows)s),
           -24 + sin(n) / 10, 23 + cos(n) / 10, 0, n, 'Lion ' || n %% 100, 'collar', 5.5, 'e' || n, n %% 4, n, now(), n
    FROM generate_series(0, %(rows)s - 1) n
    """,
)


def main() -> int:
    """Fill a database of a stack of its own, and export it in each format."""
    options = _options()
    if options.take:
        print(json.dumps(take(options.take, options.url, load_settings().require_jwt_secret())))
        return 0
    if options.measure:
        print(json.dumps(asyncio.run(measure(load_settings(), options.measure, options.limit))))
        return 0
    folder = Path(tempfile.mkdtemp(prefix="liontrack-bench-export-"))
    stack = Stack(folder / "stack", report=lambda part, message: None)
    try:
        stack.up()
        settings = load_settings(stack.data_dir).model_copy(update={"jwt_secret": SecretStr(SECRET)})
        migrate(settings.pg_dsn)
        print(f"Filling {options.rows:,} fixes of {options.days} days", file=sys.stderr)
        fill(settings, options.rows, options.days)
        print(
            f"{'format':10}{'rows':>12}{'seconds':>9}{'rows/s':>10}{'MB sent':>9}{'MB at start':>13}{'MB at peak':>12}"
        )
        for form in options.forms:
            found = run(settings, form)
            rate = found["rows"] / found["seconds"]
            print(
                f"{form:10}{found['rows']:12,}{found['seconds']:9.1f}{rate:10,.0f}{found['bytes'] / 1e6:9,.0f}"
                f"{found['start_mb']:13.0f}{found['peak_mb']:12.0f}",
                flush=True,
            )
    finally:
        stack.down()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def fill(settings: Settings, rows: int, days: int) -> None:
    """So many fixes, evenly over so many days, each in its partition."""
    dsn: dict[str, Any] = {**settings.pg_dsn, "dbname": settings.pg_database}
    del dsn["database"]
    with psycopg.connect(**dsn, autocommit=True) as connection:
        for statement in FILL:
            connection.execute(statement.encode(), {"rows": rows, "days": days})


def run(settings: Settings, form: str, *arguments: str) -> dict[str, Any]:
    """What a process that serves one export to its end has found."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.export", "--measure", form, *arguments],
        env={**environment_of(settings), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(done.stderr)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


async def measure(settings: Settings, form: str, limit: int | None) -> dict[str, Any]:
    """Serve one export to a process that takes it whole; memory is this process's resident set, in MB."""
    web_app = web.Application()
    attach(web_app, Site(settings, Database(settings), lambda: "127.0.0.1", lambda _: LiveAnswer(None)))
    async with TestServer(web_app) as server:
        name = form.partition(".")[0]
        url = str(server.make_url(f"/api/analytics/export/{name}" + ("" if name == "movebank" else f"?table={TABLE}")))
        await _ask(settings, form, url, 1)
        resident = _Resident()
        start_mb, began = resident.peak_mb, time.monotonic()
        with resident:
            taken = await _ask(settings, form, url, limit)
        return {**taken, "seconds": time.monotonic() - began, "start_mb": start_mb, "peak_mb": resident.peak_mb}


async def _ask(settings: Settings, form: str, url: str, limit: int | None) -> dict[str, int]:
    """What another process took."""
    if limit is not None:
        url += f"{'&' if '?' in url else '?'}limit={limit}"
    asking = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.bench.export", "--take", form, "--url", url),
        env={**environment_of(settings), "PYTHONPATH": str(ROOT)},
        stdout=asyncio.subprocess.PIPE,
    )
    printed, _ = await asking.communicate()
    return dict(json.loads(printed))


def take(form: str, url: str, secret: str) -> dict[str, int]:
    """Take an export as a ranger, count its bytes and rows, and keep nothing but Parquet, on the disk."""
    token = jwt.encode({"id": "bench", "roles": ["ranger"]}, secret, algorithm="HS256")
    accepted = "gzip" if form.endswith(".gz") else "identity"
    request = Request(url, headers={"Authorization": f"Bearer {token}", "Accept-Encoding": accepted})
    unpack = zlib.decompressobj(31).decompress if accepted == "gzip" else bytes
    size = lines = 0
    with urlopen(request) as response, tempfile.TemporaryFile() as kept:
        while part := response.read(1 << 16):
            size += len(part)
            if form == "parquet":
                kept.write(part)
            else:
                lines += unpack(part).count(b"\n")
        rows = pq.ParquetFile(kept).metadata.num_rows if form == "parquet" else lines - NOT_ROWS.get(form, 1)
    return {"bytes": size, "rows": rows}


class _Resident:
    """This process's resident set: how large it is, and, while used as a context, how large it was at most."""

    def __init__(self) -> None:
        self._process, self._ended = psutil.Process(), threading.Event()
        self.peak_mb = self._now_mb()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._ended.wait(0.01):
            self.peak_mb = max(self.peak_mb, self._now_mb())

    def _now_mb(self) -> float:
        return float(self._process.memory_info().rss / 1e6)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.export", description=__doc__)
    parser.add_argument("--rows", type=int, default=10_000_000)
    parser.add_argument("--days", type=int, default=100)
    parser.add_argument("--forms", nargs="+", choices=FORMS, default=FORMS)
    parser.add_argument("--limit", type=int, help="with --measure: at most so many rows")
    parser.add_argument("--measure", choices=FORMS, help=argparse.SUPPRESS)
    parser.add_argument("--take", choices=FORMS, help=argparse.SUPPRESS)
    parser.add_argument("--url", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
