"""Bronze: every committed record once, in immutable files that continue each other.

::

    warehouse   ├──────────────── committed ────────────────┤
    memory                    ├── pieces still held ────────┤
    files       ├──────────┤
                           ▲ watermark: the next file starts here; from memory when held, else from bronze
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from collections.abc import Callable, Iterable
from dataclasses import replace
from itertools import pairwise

import pyarrow as pa

from liontrack_stream.crashpoints import crash_here
from liontrack_stream.kafka.ports import Written
from liontrack_stream.lake.buffer import BronzeBuffer, Piece
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.lake.columns import bronze_table, split_dates
from liontrack_stream.lake.layout import UNDATED, bronze_folder, bronze_partition, bronze_path
from liontrack_stream.lake.manifest import Manifest, Progress, locked_watermark, move_watermark, put_files
from liontrack_stream.lake.parquet import Encoded, encode
from liontrack_stream.lake.ports import BronzeRows, LakeFile, TopicPartition, WatermarkMoved
from liontrack_stream.lake.resources import Resources
from liontrack_stream.lake.restoring import restore_bronze
from liontrack_stream.lake.settling import settle_swaps
from liontrack_stream.lake.store import Staged
from liontrack_stream.memory import forget_frames
from liontrack_stream.warehouse.queries import query

log = logging.getLogger(__name__)

FILE_ROWS = 100_000
WORTHWHILE_ROWS = 10_000  # fewer wait longer, so that a trickle does not become thousands of tiny files
LINGER_INTERVALS = 6
PRESSURE = 0.6  # of the buffer: write now, the fullest partitions first


class BronzeExporter:
    """Writes the partitions assigned to this worker. One task calls ``run_once``; ``offer`` never waits."""

    def __init__(
        self,
        resources: Resources,
        manifest: Manifest,
        interval_s: float,
        *,
        buffer: BronzeBuffer | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._resources = resources
        self._in_thread, self._store, self._reader = resources.in_thread, resources.store, resources.reader
        self._manifest = manifest
        self._interval_s, self._clock = interval_s, clock
        self.buffer = buffer or BronzeBuffer()
        self._owned: set[TopicPartition] = set()
        self._claimed: set[TopicPartition] = set()
        self._waiting_since: dict[TopicPartition, float] = {}
        self._progress: dict[TopicPartition, Progress] = {}
        self._unusable_offers: set[str] = set()
        self.halted = False  # finish the file under way, begin no other
        self.files_written = 0
        self.exported: dict[str, Written] = defaultdict(Written)  # lake/layer/table -> rows and time

    @property
    def lag_records(self) -> int:
        progress = (self._progress.get(tp) for tp in self._owned)
        return sum(max(0, p.stored - p.exported) for p in progress if p)

    @property
    def lag_s(self) -> float:
        """Age of the oldest record that waits for its file."""
        return self._clock() - min(self._waiting_since.values(), default=self._clock())

    def assigned(self, partitions: Iterable[TopicPartition]) -> None:
        self._owned |= {tp for tp in partitions if tp[0] in BRONZE}

    def revoked(self, partitions: Iterable[TopicPartition]) -> None:
        for tp in partitions:
            self._owned.discard(tp)
            self._claimed.discard(tp)
            self._waiting_since.pop(tp, None)
            self.buffer.forget(tp)

    def offer(self, batch: BronzeRows) -> bool:
        """Keep a committed batch until its file is written; True when the buffer wants to be emptied now.

        A batch that cannot be used is left to be read from bronze, and logged once per topic. One of a partition that
        is no longer assigned is its new owner's.
        """
        tp = (batch.topic, batch.partition)
        if tp not in self._owned:
            return False
        try:
            dates = split_dates(bronze_table(batch, BRONZE[batch.topic]))
            cuts = [rows["offset"][0].as_py() for _, rows in dates[1:]]
            edges = pairwise((batch.first_offset, *cuts, batch.next_offset))
            for (day, rows), (first, end) in zip(dates, edges, strict=True):
                self.buffer.add(tp, Piece(first, end, day, rows))
        except (KeyError, ValueError, TypeError, OverflowError, pa.ArrowException) as error:
            if batch.topic not in self._unusable_offers:
                self._unusable_offers.add(batch.topic)
                log.warning("Lake: offered rows of %s are unusable, bronze is read instead: %r", batch.topic, error)
        return self.buffer.fullness >= PRESSURE

    async def run_once(self, flush: bool = False) -> int:
        """Write what is due, with ``flush`` everything committed; the number of files.

        Raises the first partition's error after all partitions had their turn.
        """
        before = self.files_written
        for tp in sorted(self._owned - self._claimed):
            await self._claim(tp)
        self._progress = await self._manifest.progress()
        due = self._due(flush)
        results = await asyncio.gather(*(self._export(tp, flush) for tp in due), return_exceptions=True)
        for tp, result in zip(due, results, strict=True):
            if isinstance(result, BaseException):
                self._claimed.discard(tp)  # its last file may or may not be committed: look again
                forget_frames(result)
        errors = [r for r in results if isinstance(r, BaseException) and (flush or not isinstance(r, WatermarkMoved))]
        if errors:
            raise errors[0]
        return self.files_written - before

    def _due(self, flush: bool) -> list[TopicPartition]:
        now, due = self._clock(), []
        for tp in self._owned & self._claimed & self._progress.keys():
            waiting = self._progress[tp].stored - self._progress[tp].exported
            if waiting <= 0:
                self._waiting_since.pop(tp, None)
                self.buffer.trim(tp, self._progress[tp].exported)
                continue
            age_s = now - self._waiting_since.setdefault(tp, now)
            patience = 1 if waiting >= WORTHWHILE_ROWS else LINGER_INTERVALS
            if flush or waiting >= FILE_ROWS or age_s >= patience * self._interval_s:
                due.append(tp)
        if not due and self.buffer.fullness >= PRESSURE:
            fullest = sorted(self._owned & self._claimed & self._progress.keys(), key=self.buffer.rows_of)
            due = fullest[-max(1, len(fullest) // 2) :]
        return sorted(due)

    async def _export(self, tp: TopicPartition, flush: bool) -> None:
        """Write files from the watermark on until less than a full file is left, with ``flush`` nothing."""
        progress = self._progress[tp]
        watermark, end = progress.exported, progress.stored
        while not self.halted:
            self.buffer.trim(tp, watermark)
            piece = await self._next_piece(tp, watermark, end)
            if piece is None:
                break
            await self._write(tp, watermark, piece)
            watermark = piece.next_offset
            self._waiting_since.pop(tp, None)
            self._progress[tp] = Progress(max(end, watermark), watermark)
            if not flush and end - watermark < FILE_ROWS:
                break
        self.buffer.trim(tp, watermark)

    async def _next_piece(self, tp: TopicPartition, offset: int, end: int) -> Piece | None:
        held = self.buffer.run(tp, offset, FILE_ROWS)
        if held:
            rows = pa.concat_tables([piece.rows for piece in held])
            return Piece(offset, held[-1].next_offset, held[0].day, rows)
        held_from = self.buffer.next_start(tp, offset) or end
        if offset >= held_from:
            return None
        piece: Piece | None = await self._in_thread(self._read, tp, offset, held_from)
        if piece is not None and piece.rows.num_rows == 0 and piece.next_offset < end:
            piece = await self._next_piece(tp, piece.next_offset, end)  # a file's range begins where the last one ends
            return piece and replace(piece, first_offset=offset)
        return piece

    def _read(self, tp: TopicPartition, offset: int, end: int) -> Piece:
        """The next file's rows, from bronze: at most FILE_ROWS, one append date, every record up to its next_offset."""
        table = BRONZE[tp[0]]
        sql = query(table.query_name).format(partition=tp[1], first_offset=offset, next_offset=end, limit=FILE_ROWS)
        with self._reader.snapshot() as snapshot:
            rows = snapshot.rows(sql).cast(table.schema)
        if rows.num_rows == 0:
            return Piece(offset, end, UNDATED, rows)
        if rows.num_rows == FILE_ROWS:
            end = rows["offset"][-1].as_py() + 1
        (day, first), *later = split_dates(rows)
        return Piece(offset, later[0][1]["offset"][0].as_py() if later else end, day, first)

    async def _write(self, tp: TopicPartition, watermark: int, piece: Piece) -> None:
        topic, partition = tp
        if piece.rows.num_rows == 0:  # the offset was moved by hand, past what Kafka had lost
            async with self._manifest.transaction() as connection:
                await move_watermark(connection, topic, partition, watermark, piece.next_offset)
            return
        began_s = time.perf_counter()
        encoded, staged = await self._in_thread(self._stage, piece.rows)
        file = _manifest_row(tp, piece, encoded)
        try:
            crash_here("lake.bronze.before_manifest")
            # Compare-and-set first: whoever fails it has published nothing, so no exporter overwrites another's file.
            async with self._manifest.transaction() as connection:
                await locked_watermark(connection, topic, partition)
                await move_watermark(connection, topic, partition, watermark, piece.next_offset)
                await put_files(connection, [file])
                crash_here("lake.bronze.before_rename")
                await self._in_thread(staged.publish, file.path, False)
                crash_here("lake.bronze.after_rename")
            crash_here("lake.bronze.after_manifest")
        finally:
            staged.discard()
        self.files_written += 1
        self.exported[f"lake/bronze/{topic}"] += Written(piece.rows.num_rows, time.perf_counter() - began_s)

    def _stage(self, rows: pa.Table) -> tuple[Encoded, Staged]:
        encoded = encode(rows)
        return encoded, self._store.stage(encoded)

    async def _claim(self, tp: TopicPartition) -> None:
        """Make the partition's files and its manifest agree before the next file: orphans go, lost ones come back."""
        topic, partition = tp
        await settle_swaps(self._manifest, self._store, topic)
        async with self._manifest.transaction() as connection:
            await locked_watermark(connection, topic, partition)  # no other exporter is between publish and commit
            listed = await connection.fetch(query("lake/manifest_bronze"), topic, partition)
            on_disk = await self._in_thread(self._store.files, bronze_folder(topic))
            for path in on_disk.keys() - {row["path"] for row in listed}:
                if bronze_partition(path) == partition:
                    log.info("Lake: removing %s, which a crash left behind", path)
                    await self._in_thread(self._store.delete, path)
        for row in listed:
            file = LakeFile(**dict(row))
            if on_disk.get(file.path) != file.byte_count:
                log.warning("Lake: %s is missing or damaged; writing it again from bronze", file.path)
                if problem := await restore_bronze(self._resources, self._manifest, file):
                    log.error("Lake: %s", problem)
        self._claimed.add(tp)


def _manifest_row(tp: TopicPartition, piece: Piece, encoded: Encoded) -> LakeFile:
    topic, partition = tp
    return LakeFile(
        path=bronze_path(topic, partition, piece.first_offset, piece.day),
        layer="bronze", table_name=topic, day=piece.day,
        row_count=encoded.row_count, byte_count=encoded.byte_count, sha256=encoded.sha256,
        topic=topic, partition=partition, first_offset=piece.first_offset, next_offset=piece.next_offset,
    )  # fmt: skip
