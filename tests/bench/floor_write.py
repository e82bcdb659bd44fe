"""The floor's other parts: the rows and files that our whole job has made, written again with nothing else to do.

``python -m tests.bench.floor_write DATABASE FOLDER`` copies the live warehouse's bronze and silver fixes into
``DATABASE``, which has the same empty tables, and writes the lake's files into ``FOLDER``. It prints one line of JSON:

    copy_seconds          COPY of rows that are ready as PostgreSQL's binary form
    copy_python_seconds   COPY by asyncpg of the same rows as Python's objects, into the same tables, emptied
    write_seconds         pyarrow's writing of tables that are in memory
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from time import perf_counter
from typing import Any

import asyncpg
import pyarrow.parquet as pq

from liontrack_stream.lake.parquet import write_all
from liontrack_stream.settings import Settings, load_settings

TABLES = (  # schema, table, SQL of a row's day
    ("bronze", "lions_raw", "partition_date"),
    ("silver", "positions", "(event_time AT TIME ZONE 'UTC')::date"),
)
ROWS_AT_ONCE = 50_000
_CHUNKS = """
SELECT "partition", min("offset") AS first, max("offset") AS last FROM (
    SELECT "partition", "offset", (row_number() OVER (ORDER BY "partition", "offset") - 1) / {rows} AS chunk
    FROM {table}) AS numbered
GROUP BY "partition", chunk ORDER BY 1, 2
"""
_ROWS = 'SELECT * FROM {table} WHERE "partition" = $1 AND "offset" BETWEEN $2 AND $3 ORDER BY "offset"'


async def copy(settings: Settings, database: str) -> dict[str, Any]:
    """Seconds of both ways to COPY, and how many rows there are."""
    dsn = dict(settings.pg_dsn)
    source = await asyncpg.connect(**dsn)
    target = await asyncpg.connect(**{**dsn, "database": database})
    found = {"copy_seconds": 0.0, "copy_python_seconds": 0.0, "rows": 0}
    try:
        for schema, table, day in TABLES:
            days = [row[0] for row in await source.fetch(f"SELECT DISTINCT {day} FROM {schema}.{table}")]
            await target.execute("SELECT metadata.ensure_days($1, $2)", f"{schema}.{table}", days)
            async for where in _chunks(source, f"{schema}.{table}"):
                ready = io.BytesIO()
                query = _ROWS.format(table=f"{schema}.{table}")
                await source.copy_from_query(query, *where, output=ready, format="binary")
                ready.seek(0)
                began = perf_counter()
                await target.copy_to_table(table, schema_name=schema, source=ready, format="binary")
                found["copy_seconds"] += perf_counter() - began
            await target.execute(f"TRUNCATE {schema}.{table}")
            async for where in _chunks(source, f"{schema}.{table}"):
                rows = [tuple(row) for row in await source.fetch(_ROWS.format(table=f"{schema}.{table}"), *where)]
                began = perf_counter()
                await target.copy_records_to_table(table, schema_name=schema, records=rows)
                found["copy_python_seconds"] += perf_counter() - began
                found["rows"] += len(rows)
    finally:
        await source.close()
        await target.close()
    return found


async def _chunks(source: Any, table: str) -> AsyncIterator[tuple[int, int, int]]:
    for row in await source.fetch(_CHUNKS.format(table=table, rows=ROWS_AT_ONCE)):
        yield row["partition"], row["first"], row["last"]


def write(lake: Path, folder: Path) -> dict[str, Any]:
    """Seconds that the lake's files take, one by one."""
    folder.mkdir(parents=True)
    seconds, files = 0.0, sorted(lake.rglob("*.parquet"))
    for number, file in enumerate(files):
        rows = pq.read_table(file, partitioning=None)
        began = perf_counter()
        write_all([rows], rows.schema, folder / f"{number}.parquet")
        seconds += perf_counter() - began
    return {"write_seconds": seconds, "files": len(files)}


def main() -> None:
    settings = load_settings()
    found = asyncio.run(copy(settings, sys.argv[1])) | write(Path(settings.lake_root), Path(sys.argv[2]))
    print(json.dumps(found))


if __name__ == "__main__":
    main()
