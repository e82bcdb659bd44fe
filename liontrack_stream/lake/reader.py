"""Reads rows of the warehouse as Arrow, in a thread: ADBC takes them from COPY without holding the GIL."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any
from urllib.parse import quote, urlencode

import adbc_driver_postgresql.dbapi as adbc
import pyarrow as pa
from adbc_driver_postgresql import StatementOptions

from liontrack_stream.lake.columns import plain
from liontrack_stream.settings import Settings

_SERVER_OPTIONS = (
    "-c statement_timeout=120000 -c idle_in_transaction_session_timeout=120000 -c timezone=UTC"
    " -c jit=off -c max_parallel_workers_per_gather=0"  # leave the cores to ingestion
)
_SMALL_PARTS = {StatementOptions.BATCH_SIZE_HINT_BYTES.value: str(512 << 10)}


class Snapshot:
    """One moment of the warehouse; every query sees the same one."""

    def __init__(self, cursor: Any) -> None:
        self._cursor = cursor

    def rows(self, sql: str) -> pa.Table:
        self._cursor.execute(sql)
        return plain(self._cursor.fetch_arrow_table())

    def be_patient(self) -> None:
        """Let whoever takes the rows take his time."""
        self._cursor.execute("SET LOCAL statement_timeout = '12h'")
        self._cursor.execute("SET LOCAL idle_in_transaction_session_timeout = '1h'")

    def parts(self, sql: str, rest: Callable[[float], object]) -> Iterator[pa.Table]:
        """The rows as they come, half a MB at a time.

        ``rest`` is called after each part with the seconds that it took, and may wait: PostgreSQL, whose process has
        the priority of all others, waits as well.
        """
        self._cursor.adbc_statement.set_options(**_SMALL_PARTS)
        self._cursor.execute(sql)
        began_s = time.perf_counter()
        for batch in self._cursor.fetch_record_batch():
            yield plain(pa.Table.from_batches([batch]))
            rest(time.perf_counter() - began_s)
            began_s = time.perf_counter()


class Reader:
    """A connection per thread, opened on first use and again after an error."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._local = threading.local()
        self._open: set[Any] = set()
        self._busy: set[Any] = set()
        self._closed = False

    @contextmanager
    def snapshot(self) -> Iterator[Snapshot]:
        """A read-only transaction at REPEATABLE READ. Raises ``adbc.Error`` when the warehouse is away."""
        connection = self._connection()
        self._busy.add(connection)
        healthy = False
        try:
            with connection.cursor() as cursor:
                cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
                yield Snapshot(cursor)
                cursor.execute("COMMIT")
            healthy = True
        finally:
            self._busy.discard(connection)
            if not healthy or self._closed:
                self._forget(connection)

    def close(self) -> None:
        """Close the connections that no thread is reading from; the others when their read ends."""
        self._closed = True
        for connection in self._open - self._busy:
            self._forget(connection)

    def _connection(self) -> Any:
        connection = getattr(self._local, "connection", None)
        if connection is None or connection not in self._open:
            connection = adbc.connect(_uri(self._settings), autocommit=True)
            self._open.add(connection)
            self._local.connection = connection
        return connection

    def _forget(self, connection: Any) -> None:
        self._open.discard(connection)
        with suppress(adbc.Error):
            connection.close()


def _uri(settings: Settings) -> str:
    user, password = quote(settings.pg_user, safe=""), quote(settings.pg_password.get_secret_value(), safe="")
    role = f" -c role={settings.pg_ingest_role}" if settings.pg_ingest_role else ""
    options = urlencode(
        {"connect_timeout": "5", "application_name": "liontrack lake", "options": _SERVER_OPTIONS + role},
        quote_via=quote,
    )
    secure = "".join(f"&{part}" for part in [settings.pg_dsn.get("dsn", "").partition("?")[2]] if part)
    host, database = quote(settings.pg_host, safe=""), quote(settings.pg_database, safe="")
    return f"postgresql://{user}:{password}@{host}:{settings.pg_port}/{database}?{options}{secure}"
