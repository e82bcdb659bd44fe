"""A PostgreSQL for more connections than the embedded one takes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from signal import SIGINT, SIGQUIT

from liontrack_stream.local import postgres, processes
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.migrations import migrate

CONNECTIONS = 450  # a hundred workers with up to 3 each, and who ends those that block


@contextmanager
def many_connections(folder: Path) -> Iterator[Settings]:
    """Settings of a migrated, empty warehouse; the server ends with the block."""
    passwords, port = postgres.Passwords.random(), processes.free_ports(1)[0]
    (folder / "postgres").mkdir(parents=True)
    recorded = postgres.start(
        folder / "postgres", folder / "postgres.log", port, passwords, lambda *_: None,
        {"max_connections": str(CONNECTIONS)},
    )  # fmt: skip
    try:
        settings = Settings(
            kafka_brokers="nobody:9092", pg_host=processes.LOOPBACK, pg_port=port, pg_database=postgres.DATABASE,
            pg_user=postgres.USER, pg_password=passwords.client, pg_sslmode="disable",
        )  # fmt: skip
        migrate(settings.pg_dsn)
        yield settings
    finally:
        processes.stop(recorded, SIGINT, SIGQUIT, 30.0)
