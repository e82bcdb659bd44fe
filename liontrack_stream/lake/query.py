"""SQL over the lake by DuckDB: a view per table, over exactly the files that the manifest lists. Read-only.

A view names its files one by one, so that what a worker, a compaction or a crash leaves beside them is never read. The
connection may open those files and nothing else, and takes one SELECT.
"""

from __future__ import annotations

import asyncio
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from liontrack_stream.lake.bucket import fsspec_filesystem
from liontrack_stream.lake.catalog import BRONZE, TABLES
from liontrack_stream.lake.generations import with_live_lake
from liontrack_stream.lake.layout import LAYERS
from liontrack_stream.lake.manifest import Manifest
from liontrack_stream.lake.ports import LakeError, LakeFile
from liontrack_stream.settings import Settings

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

_ATTEMPTS = 3
_BATCH_ROWS = 10_000
_RAISED = re.compile(r"[\w.]+(Error|Exception)\b.*: ")


def table_names() -> list[str]:
    """The tables there are, as ``layer.table``."""
    outputs = [".".join(output) for table in TABLES for output in table.outputs]
    return [f"bronze.{table.relation}" for table in BRONZE.values()] + outputs


@contextmanager
def lake_query(settings: Settings, sql: str) -> Iterator[pa.RecordBatchReader]:
    """The result of one SELECT, in Arrow batches; blocks, so never on an event loop.

    Raises
    ------
    LakeError
        The SQL is wrong, or a file cannot be read; the message is a sentence.
    """
    import duckdb

    for attempt in range(1, _ATTEMPTS + 1):
        with duckdb.connect() as db:
            try:
                _prepare(db, settings, sql)
                result: Any = db.sql(sql).to_arrow_reader(_BATCH_ROWS)
                first = next(result, None)  # whatever is wrong with the files mostly shows here
            except (duckdb.Error, FileNotFoundError) as error:
                if not _is_of_files(error):
                    raise LakeError(_explained(error)) from None
                if attempt < _ATTEMPTS:  # rewritten or compacted since the manifest was read: read it again
                    continue
                raise LakeError(f"The lake cannot be read: {_gist(error)}; see `liontrack lake verify`.") from None
            try:
                yield _reader(result.schema, first, result)
            except duckdb.Error as error:
                raise LakeError(_gist(error)) from None
            return


def _prepare(db: duckdb.DuckDBPyConnection, settings: Settings, sql: str) -> None:
    """Refuse what is no single SELECT, make the views, close everything else."""
    import duckdb

    statements = db.extract_statements(sql)
    if len(statements) != 1 or statements[0].type != duckdb.StatementType.SELECT:
        raise LakeError("Only one SELECT (or DESCRIBE, SUMMARIZE, SHOW ALL TABLES) can be run: the lake is read-only.")
    settings = asyncio.run(with_live_lake(settings))
    root = _open_root(db, settings)
    files = asyncio.run(_manifest(settings))
    by_table: dict[str, list[str]] = defaultdict(list)
    for file in files:
        by_table[_table(file)].append(f"{root}/{file.path}")
    wanted = {name for name in by_table if name.partition(".")[2] in sql.lower()} or set(by_table)
    paths = [path for name in wanted for path in by_table[name]]
    db.execute("SET TimeZone = 'UTC'")
    db.execute("SET allowed_paths = $1", [paths])
    for layer in LAYERS:
        db.execute(f"CREATE SCHEMA {layer}")
    for name in sorted(wanted):
        listed = ", ".join(_quoted(path) for path in by_table[name])
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM read_parquet([{listed}], hive_partitioning = false)")
    db.execute("SET enable_external_access = false")
    db.execute("SET lock_configuration = true")


def _open_root(db: duckdb.DuckDBPyConnection, settings: Settings) -> str:
    """The lake's root as DuckDB has to name it; a bucket is read by fsspec, which alone knows the secret."""
    if not settings.lake_root.startswith("s3://"):
        from pathlib import Path

        return str(Path(settings.lake_root).absolute())
    db.register_filesystem(fsspec_filesystem(settings))
    return settings.lake_root.rstrip("/")


async def _manifest(settings: Settings) -> list[LakeFile]:
    manifest = Manifest(settings)
    try:
        return await manifest.all_files()
    finally:
        await manifest.close()


def _table(file: LakeFile) -> str:
    """``layer.table`` as the warehouse names it."""
    bronze = BRONZE.get(file.table_name) if file.layer == "bronze" else None
    return f"bronze.{bronze.relation}" if bronze else f"{file.layer}.{file.table_name}"


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def _reader(schema: pa.Schema, first: pa.RecordBatch | None, rest: Iterable[Any]) -> pa.RecordBatchReader:
    import pyarrow as pa

    def batches() -> Iterator[pa.RecordBatch]:
        if first is not None:
            yield first
            yield from rest

    return pa.RecordBatchReader.from_batches(schema, batches())


def _explained(error: Exception) -> str:
    text = _gist(error)
    known = next((name for name in table_names() if f"name {name.partition('.')[2]} " in text), None)
    return f"{known} has no file in the lake yet." if known else text


def _is_of_files(error: Exception) -> bool:
    """Whether a file could not be read; a bucket's errors come through DuckDB as Python's tracebacks."""
    import duckdb

    return isinstance(error, duckdb.IOException | OSError) or str(error).startswith("Traceback")


def _gist(error: Exception) -> str:
    """The line of a message that says what is wrong."""
    lines = str(error).strip().splitlines()
    if lines[0].startswith("Traceback"):
        lines = [line for line in lines if _RAISED.match(line)][-1:] or lines[-1:]
    return lines[0].rstrip(".")
