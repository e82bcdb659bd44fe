"""``liontrack query``: SQL over the lake's Parquet files."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.lake.ports import LakeError
from liontrack_stream.settings import load_settings

if TYPE_CHECKING:
    import pyarrow as pa

SHOWN_ROWS = 1_000


class Query(LionTrackCommand):
    """Run one SELECT over the lake with DuckDB, on exactly the files that the manifest lists. Nothing is written.

    Tables are named as in the warehouse: bronze.lions_raw, silver.positions, gold.lions_metrics … Times are UTC.

    \b
    Examples:
      liontrack query "SELECT lion_id, avg(distance_m) FROM gold.lions_metrics GROUP BY 1 ORDER BY 2 DESC"
      liontrack query "DESCRIBE gold.lions_metrics"
      liontrack query --format csv "SELECT * FROM silver.weight_history" > weights.csv
      liontrack query --format json "SELECT count(*) AS n FROM bronze.lions_raw" | jq '.[0].n'

    Exit codes: 0 shown, 1 the SQL is wrong (the message says where), or PostgreSQL or the lake cannot be reached, 2
    wrong usage or a setting is missing.
    """

    failures = (LakeError,)
    options = [
        argument("sql"),
        option(
            "--format",
            "form",
            type=click.Choice(["table", "csv", "json"]),
            default="table",
            show_default=True,
            help=f"A table shows the first {SHOWN_ROWS:,} rows; csv and json print all, as they come.",
        ),
        data_dir_option,
    ]

    def run(self, sql: str, form: str, data_dir: Path | None) -> int:
        """Run and print."""
        import asyncpg

        settings = load_settings(use_data_dir(data_dir))
        from liontrack_stream.lake.query import lake_query

        try:
            with lake_query(settings, sql) as result:
                {"table": _print_table, "csv": _print_csv, "json": _print_json}["json" if self.json else form](result)
        except (OSError, asyncpg.PostgresError) as error:
            if isinstance(error, BrokenPipeError):
                raise
            raise CommandError(f"The lake or PostgreSQL cannot be used: {error}") from error
        return Exit.OK


def _rows(result: pa.RecordBatchReader) -> Iterator[tuple[Any, ...]]:
    for batch in result:
        yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)


def _print_json(result: pa.RecordBatchReader) -> None:
    """A JSON list, a row per line."""
    import orjson

    before = "["
    for row in _rows(result):
        values = dict(zip(result.schema.names, row, strict=True))
        click.echo(f"{before}{orjson.dumps(values, default=_text, option=orjson.OPT_UTC_Z).decode()}", nl=False)
        before = ",\n"
    click.echo("[]" if before == "[" else "]")


def _print_csv(result: pa.RecordBatchReader) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(result.schema.names)
    for row in _rows(result):
        writer.writerow(["" if value is None else _text(value) for value in row])


def _print_table(result: pa.RecordBatchReader) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=100_000)
    table = Table(box=None, pad_edge=False)
    for field in result.schema:
        numeric = str(field.type).startswith(("int", "uint", "double", "float", "decimal"))
        table.add_column(Text(field.name), justify="right" if numeric else "left")
    count = 0
    for count, row in enumerate(_rows(result), 1):
        if count > SHOWN_ROWS:
            break
        table.add_row(*(Text("" if value is None else _text(value)) for value in row))
    console.print(table)
    if count > SHOWN_ROWS:
        click.echo(f"liontrack: only the first {SHOWN_ROWS:,} rows are shown; --format csv prints all.", err=True)


def _text(value: Any) -> str:
    """Times as ISO 8601, bytes as their text (in hexadecimal where they are none)."""
    if isinstance(value, bytes):
        try:
            return value.decode()
        except UnicodeDecodeError:
            return value.hex()
    return value.isoformat().replace("+00:00", "Z") if hasattr(value, "isoformat") else str(value)
