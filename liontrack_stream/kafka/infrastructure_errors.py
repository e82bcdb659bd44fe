"""Errors that pass by themselves, so the same batch is worth another try."""

from __future__ import annotations

import asyncpg

from liontrack_stream.warehouse.trouble import LOST

RETRIED: tuple[type[BaseException], ...] = (
    OSError,  # includes TimeoutError and refused or reset connections
    asyncpg.PostgresConnectionError,
    *LOST,
    asyncpg.OperatorInterventionError,  # shutting down, starting up, cancelled
    asyncpg.InsufficientResourcesError,  # disk full, too many connections
    asyncpg.TransactionRollbackError,  # serialization failure, deadlock
    asyncpg.LockNotAvailableError,
    asyncpg.ReadOnlySQLTransactionError,  # a failover to a replica
)


def backoff_s(attempt: int) -> float:
    """Seconds to wait before try number ``attempt`` + 1 (from 1): 0.1, 0.2 … 5."""
    return float(min(5.0, 0.1 * 2 ** min(attempt - 1, 10)))
