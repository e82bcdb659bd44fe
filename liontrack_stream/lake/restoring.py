"""A bronze file that was lost or damaged is written again from the rows of its offsets in the warehouse."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa

from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.manifest import Manifest, put_files
from liontrack_stream.lake.parquet import Encoded, encode_all
from liontrack_stream.lake.ports import LakeFile
from liontrack_stream.lake.resources import Resources
from liontrack_stream.lake.settling import locked_files
from liontrack_stream.lake.store import Staged
from liontrack_stream.warehouse.queries import query

READ_ROWS = 100_000


async def restore_bronze(resources: Resources, manifest: Manifest, file: LakeFile) -> str | None:
    """Write the file again under its name; why that cannot be, None when it is done (or no longer wanted)."""
    assert file.topic is not None
    encoded, staged = await resources.in_thread(_stage, resources, file)
    try:
        if staged is None:
            rows = f"bronze has {encoded.row_count:,} of its {file.row_count:,} rows"
            return f"{file.path} is beyond repair: {rows} (retention, or a loss)"
        async with manifest.transaction() as connection:
            if not any(file.path == listed.path for listed in await locked_files(connection, file.topic)):
                return None  # compacted meanwhile
            renewed = LakeFile(
                file.path, file.layer, file.table_name, file.day, encoded.row_count, encoded.byte_count,
                encoded.sha256, file.topic, file.partition, file.first_offset, file.next_offset,
            )  # fmt: skip
            await put_files(connection, [renewed])
            await resources.in_thread(staged.publish, file.path, True)
    finally:
        if staged is not None:
            staged.discard()
    return None


def _stage(resources: Resources, file: LakeFile) -> tuple[Encoded, Staged | None]:
    assert file.topic is not None
    encoded = encode_all(_rows(resources, file), BRONZE[file.topic].schema)
    return encoded, resources.store.stage(encoded) if encoded.row_count == file.row_count else None


def _rows(resources: Resources, file: LakeFile) -> Iterator[pa.Table]:
    """The rows of the file's offsets in bronze, in order, a part at a time."""
    assert file.topic is not None
    table = BRONZE[file.topic]
    offset = file.first_offset
    with resources.reader.snapshot() as snapshot:
        while True:
            rows = snapshot.rows(
                query(table.query_name).format(
                    partition=file.partition, first_offset=offset, next_offset=file.next_offset, limit=READ_ROWS
                )
            ).cast(table.schema)
            if rows.num_rows:
                yield rows
            if rows.num_rows < READ_ROWS:
                return
            offset = rows["offset"][-1].as_py() + 1
