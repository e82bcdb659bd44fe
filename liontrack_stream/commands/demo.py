"""``liontrack demo``: the whole stream on this machine, with simulated lions."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path
from typing import Any, NoReturn

import click
from faust.cli.base import option
from faust.cli.params import TCPPort

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.progress import progress
from liontrack_stream.commands.worker_process import WorkerProcess
from liontrack_stream.local import Stack, StackError
from liontrack_stream.local.postgres import binaries
from liontrack_stream.local.processes import port_is_free
from liontrack_stream.settings import Settings, load_settings

_SERVING_WITHIN_S = 90.0
_POLL_S = 0.5


class Demo(LionTrackCommand):
    """Start Kafka and PostgreSQL, send simulated lions, run the worker, and serve until Ctrl-C.

    A second start finds the events of the first in Kafka and sends none. The positions of the simulated lions are
    open to requests from this machine (LIONTRACK_DEMO=1); real positions are not.

    \b
    Examples:
      liontrack demo
      liontrack demo --lions 100 --days 30 --web-port 4002

    Exit codes: 0 stopped by Ctrl-C while serving, 1 something did not start (the message says what), 130 interrupted
    before that.
    """

    options = [
        option("--lions", type=click.IntRange(min=1), default=20, help="Simulated lions, where the topics are empty."),
        option("--days", type=click.IntRange(min=1), default=14, help="Days up to last midnight (UTC)."),
        option("--web-port", type=TCPPort(), default=None, help="The worker's port.  [default: WEB_PORT, else 4001]"),
        data_dir_option,
    ]

    def run(self, lions: int, days: int, web_port: int | None, data_dir: Path | None) -> int:
        """Bring everything up, serve, and take down what was brought up."""
        folder = use_data_dir(data_dir)
        os.environ["LIONTRACK_DEMO"] = "1"
        if web_port is not None:
            os.environ["WEB_PORT"] = str(web_port)
        signal.signal(signal.SIGTERM, _interrupt)
        stack = Stack(folder)
        ours = [part.name for part in stack.status() if not part.running]
        worker = None
        serving = False
        try:
            settings = _prepare(folder)
            asyncio.run(_fill(settings, lions, days))
            worker = WorkerProcess(folder / "log" / "worker.log", {"PYTHONUNBUFFERED": "1"})
            asyncio.run(_watch(settings, worker))
            serving = True
            _explain(settings, worker.log, ours)
            while True:
                worker.check()
                time.sleep(_POLL_S)
        except KeyboardInterrupt:
            return Exit.OK if serving else Exit.INTERRUPTED
        except StackError as error:
            raise CommandError(str(error)) from error
        finally:
            signal.signal(
                signal.SIGINT, signal.SIG_IGN
            )  # stopping takes seconds; an impatient Ctrl-C must not break it
            _stop(folder, worker, ours)


def _interrupt(*_: Any) -> NoReturn:
    raise KeyboardInterrupt


def _prepare(folder: Path) -> Settings:
    """The embedded stack, its schema and its topics."""
    from liontrack_stream.kafka.errors import TopicError, quiet_kafka_client
    from liontrack_stream.kafka.topics import create_topics
    from liontrack_stream.warehouse.migrations import MigrationError, migrate

    quiet_kafka_client()
    with progress() as report:
        Stack(folder, report=report).up()
    settings = load_settings(folder)
    if not port_is_free(settings.web_port):
        raise CommandError(f"Port {settings.web_port} is taken by another program: choose one with --web-port.")
    try:
        applied = migrate(settings.pg_dsn)
        created = asyncio.run(create_topics(settings)).created
    except (MigrationError, TopicError) as error:
        raise CommandError(str(error)) from error
    click.echo(f"Schema      {len(applied)} migrations applied" if applied else "Schema      current")
    click.echo(f"Topics      {len(created)} created" if created else "Topics      there")
    return settings


async def _fill(settings: Settings, lions: int, days: int) -> None:
    """Send simulated events, unless the topics hold some already."""
    waiting = sum((await _ends(settings)).values())
    if waiting:
        click.echo(f"Events      {waiting:,} in Kafka already, none sent")
        return
    command = [sys.executable, "-m", "liontrack_stream", "simulate", f"--lions={lions}", f"--days={days}"]
    if subprocess.run([*command, "--start=recent"], check=False).returncode != 0:  # noqa: ASYNC221, S603 - our own
        raise CommandError("The simulated events could not be sent; the lines above say why.")


async def _ends(settings: Settings) -> dict[tuple[str, int], int]:
    from liontrack_stream.kafka.checks import read_cluster_state

    return (await read_cluster_state(settings)).ends


async def _watch(settings: Settings, worker: WorkerProcess) -> None:
    """Show how far the worker is until it has stored what is in Kafka now, and serves.

    Raises
    ------
    CommandError
        When it ends, or does not serve in time.
    """
    import asyncpg
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    ends = await _ends(settings)
    columns = (TextColumn("Worker      storing events"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        with Progress(*columns, console=Console(stderr=True)) as bar:
            task = bar.add_task("", total=sum(ends.values()))
            quiet_since = time.monotonic()
            done = -1
            while True:
                worker.check()
                rows = await connection.fetch("SELECT topic, partition, next_offset FROM metadata.consumed_offsets")
                stored = {(row["topic"], row["partition"]): row["next_offset"] for row in rows}
                before, done = done, sum(min(stored.get(partition, 0), end) for partition, end in ends.items())
                bar.update(task, completed=done)
                if done == sum(ends.values()) and _ready(settings):
                    return
                if done != before:
                    quiet_since = time.monotonic()
                elif time.monotonic() - quiet_since > _SERVING_WITHIN_S:
                    raise CommandError(
                        f"The worker has made no progress for {_SERVING_WITHIN_S:.0f} s: see {worker.log}."
                    )
                await asyncio.sleep(_POLL_S)
    finally:
        await connection.close()


def _url(settings: Settings, path: str) -> str:
    return f"http://{settings.web_host}:{settings.web_port}{path}"


def _ready(settings: Settings) -> bool:
    try:
        with urllib.request.urlopen(_url(settings, "/ready"), timeout=5):  # noqa: S310 - our own address
            return True
    except OSError:
        return False


def _a_lion(settings: Settings) -> tuple[str, str]:
    """A lion, and a day with metrics of it, to show in the examples."""

    def ask(path: str) -> Any:
        with urllib.request.urlopen(_url(settings, path), timeout=10) as answer:  # noqa: S310 - our own address
            return json.load(answer)

    try:
        lion = str(ask("/api/analytics/lions")["lions"][0]["lion_id"])
        return lion, str(ask(f"/api/analytics/lions/{lion}")["history"][0]["metric_date"])
    except (OSError, ValueError, LookupError):
        return "LION_ID", "YYYY-MM-DD"


def _explain(settings: Settings, log: Path, ours: list[str]) -> None:
    """Addresses, and what to try next."""
    lion, day = _a_lion(settings)
    api = f"{_url(settings, '')}/api/analytics"
    here = Path(os.environ["LIONTRACK_DATA_DIR"])
    where = "" if here == Path(".liontrack").absolute() else f" --data-dir {_shown(here)}"
    us = _shown(Path(sys.argv[0]).absolute()) if sys.argv[0].endswith("liontrack") else "liontrack"
    psql = "psql" if shutil.which("psql") else _shown(binaries() / "psql")
    days = "SELECT lion_id, metric_date, avg_weight, health_score, status FROM gold.lions_metrics LIMIT 9"
    server = f"-h {settings.pg_host} -p {settings.pg_port} -U {settings.pg_user} {settings.pg_database}"
    click.echo(f"""
{click.style("LionTrack Stream serves.", bold=True)}

Web         {_url(settings, "/")}
Kafka       {settings.kafka_brokers}
PostgreSQL  {settings.pg_host}:{settings.pg_port}/{settings.pg_database}, user {settings.pg_user}
Lake        {settings.lake_root}
Log         {log}

The lions are simulated. Their exact positions are open to this machine, for this is the demo (LIONTRACK_DEMO=1).

Try, in another terminal:
  curl {api}/lions
  curl {api}/lions/{lion}
  curl '{api}/lions/{lion}/position-history?hours=48'
  curl '{api}/lions/{lion}/weight-trend?days=30'
  curl {_url(settings, "/ready")}
  {us} explain gold.lions_metrics lion_id={lion} metric_date={day}{where}
  {us} quality{where}                                    the latest data quality checks
  {us} simulate --lions 5 --seed 2 --rate 50{where}      more events, live
  {us} env{where}                                        settings for any client
  export $({us} env{where}); PGPASSWORD=$PG_PASSWORD {psql} {server} -c '{days}'

Ctrl-C stops the worker{" and " + " and ".join(ours) if ours else ""}; the data stay, the next start takes seconds.""")


def _shown(path: Path) -> str:
    """A path as short as it can be typed here."""
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _stop(folder: Path, worker: WorkerProcess | None, ours: list[str]) -> None:
    """End the worker, then those servers that were not running before."""
    with progress() as report:
        if worker is not None:
            report("worker", "stopping")
            worker.stop()
            report("worker", "stopped")
        Stack(folder, report=report).down(ours)
