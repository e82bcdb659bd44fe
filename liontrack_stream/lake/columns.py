"""Rows as Arrow tables: from the sink's columns, from the warehouse, cut into days."""

from __future__ import annotations

from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from liontrack_stream.lake.catalog import BronzeTable, LakeTable
from liontrack_stream.lake.layout import UNDATED
from liontrack_stream.lake.ports import BronzeRows


def bronze_table(rows: BronzeRows, table: BronzeTable) -> pa.Table:
    """The offered columns, typed as in the file.

    Raises
    ------
    KeyError
        A column of the table is missing.
    pa.ArrowException
        A value has the wrong type, or columns differ in length.
    """
    count = len(rows.columns["offset"])
    arrays = [_array(rows.columns[field.name], field.type, count) for field in table.schema]
    return pa.Table.from_arrays(arrays, schema=table.schema)


def _array(values: Any, kind: pa.DataType, count: int) -> pa.Array:
    if values is None or isinstance(values, str | bytes | int | float | date):
        return pa.repeat(pa.scalar(values, kind), count)
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values if values.type == kind else values.cast(kind)
    mask = None
    if isinstance(values, tuple):
        values, mask = values
    integer = pa.types.is_temporal(kind) and getattr(values, "dtype", None) is not None
    if integer:  # numpy: counts since 1970
        return pa.array(values, pa.int32() if kind == pa.date32() else pa.int64(), mask=mask).cast(kind)
    return pa.array(values, kind, mask=mask, from_pandas=pa.types.is_floating(kind))


def plain(table: pa.Table) -> pa.Table:
    """Driver-specific types and metadata removed: JSON becomes its text."""
    arrays = [
        pa.chunked_array([chunk.storage for chunk in column.chunks], type=column.type.storage_type)
        if isinstance(column.type, pa.BaseExtensionType)
        else column
        for column in table.columns
    ]
    return pa.table(arrays, names=table.column_names)


def split_days(rows: pa.Table, table: LakeTable) -> dict[date, pa.Table]:
    """One table per UTC day that has rows, each sorted by ``table.order``."""
    if rows.num_rows == 0:
        return {}
    rows = rows.combine_chunks()  # take() on one chunk is several times faster
    order = [(column, "ascending") for column in table.order]
    if table.day_column is None:
        return {UNDATED: rows.take(pc.sort_indices(rows, sort_keys=order))}
    keys = rows.append_column("_day", rows[table.day_column].cast(pa.date32()))
    indices = pc.sort_indices(keys, sort_keys=[("_day", "ascending"), *order])
    rows = rows.take(indices)
    runs = pc.run_end_encode(keys["_day"].combine_chunks().take(indices))
    days, start = {}, 0
    for day, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        days[day] = rows.slice(start, end - start)
        start = end
    return days


def split_dates(rows: pa.Table) -> list[tuple[date, pa.Table]]:
    """Bronze rows cut where the append date changes, in offset order; almost always one piece."""
    runs = pc.run_end_encode(rows["partition_date"].combine_chunks())
    pieces, start = [], 0
    for day, end in zip(runs.values.to_pylist(), runs.run_ends.to_pylist(), strict=True):
        pieces.append((day, rows.slice(start, end - start)))
        start = end
    return pieces
