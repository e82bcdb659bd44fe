"""PostgreSQL restarted, away, cut off at COMMIT, full, read-only, locked, without connections."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress
from random import Random

import psycopg

from tests.support.worker_process import wait_until

from ..fault import fault
from ..scene import Scene

_COMMIT = b"COMMIT;\x00"
_END_OTHERS = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
# As a batch takes them, the other way round: whoever is ended for it tries again.
_ROWS, _OFFSETS = "SELECT 1 FROM silver.lions ORDER BY lion_id FOR UPDATE", "LOCK TABLE metadata.consumed_offsets"


@fault("PostgreSQL restarts", "postgres")
def restart(scene: Scene, random: Random) -> None:
    scene.servers.stack.down(["postgres"])
    time.sleep(random.uniform(0.0, 2.0))
    scene.servers.stack.up()


@fault("PostgreSQL crashes", "postgres", kills=1)
def crash(scene: Scene, random: Random) -> None:
    scene.servers.crash("postgres")
    time.sleep(random.uniform(0.0, 2.0))
    scene.servers.stack.up()


@fault("PostgreSQL is away longer than the poll interval", "postgres")
def away(scene: Scene, random: Random) -> None:
    with scene.servers.postgres.refusing():
        time.sleep(random.uniform(20.0, 40.0))


@fault("connections are cut between statements", "postgres")
def cut(scene: Scene, random: Random) -> None:
    for _ in range(8):
        scene.servers.postgres.cut()
        time.sleep(random.uniform(0.1, 1.5))


@fault("the answer to a COMMIT is lost", "postgres")
def lost_commit(scene: Scene, random: Random) -> None:
    proxy = scene.servers.postgres
    for attempt in range(6):
        lost = proxy.lost
        proxy.lose(_COMMIT, before=attempt % 2 == 1)
        wait_until(lambda lost=lost: proxy.lost > lost, 30.0, "a COMMIT")  # type: ignore[misc]
        time.sleep(random.uniform(0.0, 1.0))
    proxy.heal()


@fault("the network to PostgreSQL is parted", "postgres")
def parted(scene: Scene, random: Random) -> None:
    with scene.servers.postgres.silent():
        time.sleep(random.uniform(5.0, 15.0))


@fault("the database is read-only", "postgres")
def read_only(scene: Scene, random: Random) -> None:
    name = scene.kit.settings.pg_database
    with scene.kit.connect() as connection:
        connection.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        connection.execute(_END_OTHERS)
        time.sleep(random.uniform(3.0, 8.0))
        connection.execute("SET default_transaction_read_only = off")
        connection.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        connection.execute(_END_OTHERS)


@fault("deadlocks", "postgres")
def deadlocks(scene: Scene, random: Random) -> None:
    with scene.kit.connect() as connection:
        for _ in range(5):
            with suppress(psycopg.errors.DeadlockDetected), connection.transaction():
                connection.execute(_ROWS)
                time.sleep(random.uniform(0.0, 0.5))
                connection.execute(_OFFSETS)


@fault("no connection is left", "postgres")
def exhausted(scene: Scene, random: Random) -> None:
    with ExitStack() as held:
        own = held.enter_context(scene.kit.connect())
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(scene.kit.connect())
        scene.servers.postgres.cut()
        with suppress(psycopg.OperationalError):
            while True:
                held.enter_context(scene.kit.connect())
        own.execute("SELECT 1")
        time.sleep(random.uniform(3.0, 8.0))


@fault("PostgreSQL's disk is full", "postgres")
def full(scene: Scene, random: Random) -> None:
    """Tables cannot grow, then the log cannot be written, which ends PostgreSQL."""
    with scene.servers.postgres_disk.full():
        time.sleep(random.uniform(5.0, 12.0))
    scene.servers.stack.up()
