"""Our own windows only: records in, 5-minute windows in memory out, by the worker's transport, decoder and rules.

``python -m tests.bench.own_windows FOUND.json --until-caught-up`` is the worker without a warehouse and without a lake.
What it keeps of each lion is what the rules look back on; each batch yields the windows that it changed. They are the
windows that the whole job stores: repeats are left out, and what is flagged.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from liontrack_stream.app import create_app
from liontrack_stream.commands.worker import run_worker
from liontrack_stream.contract.decode import decode_batch
from liontrack_stream.contract.events import Position
from liontrack_stream.contract.topics import BY_NAME, TOPICS
from liontrack_stream.core.fixes import Fixes, empty, joined, own_flags
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.settle import settle
from liontrack_stream.core.windows import WINDOW_US, changed_windows
from liontrack_stream.kafka.batch import RecordBatch
from liontrack_stream.kafka.ports import BatchStats, Committed, Head, Outcome, Partition
from liontrack_stream.settings import Settings, load_settings
from liontrack_stream.warehouse.work import BatchWork

AGENTS = tuple(f"agents.{topic.noun}" for topic in TOPICS)
_KEPT_US = 8 * DAY_US  # fixes come up to six days late
_KEPT_FIXES = 4


class Windows:
    """One partition's lions: their last settled fixes, and all windows so far, a column each."""

    def __init__(self) -> None:
        self._number: dict[str, int] = {}
        self._fixes: Fixes = empty()
        self._dropped = np.empty(0, bool)  # by lion: whether older fixes are no longer here
        self._keys: list[np.ndarray] = []
        self._counts: list[np.ndarray] = []

    def add(self, batch: RecordBatch) -> int:
        """Settle a batch's fixes; how many windows it changed."""
        fresh = self._fresh(batch)
        fixes = joined([self._fixes, fresh])
        fixes = fixes.take(np.argsort(fixes["lion"], kind="stable"))
        self._dropped = np.append(self._dropped, np.zeros(len(self._number) - len(self._dropped), bool))
        settled = settle(fixes, self._dropped, np.zeros_like(self._dropped))
        windows = changed_windows(settled)
        self._keep(windows.lion, windows.start_us, windows.fixes)
        self._keep(windows.vanished_lion, windows.vanished_start_us, np.zeros(len(windows.vanished_lion), np.int64))
        self._fixes = self._looked_back_on(settled.fixes)
        return len(windows.lion)

    def found(self) -> tuple[int, int]:
        """(windows, fixes in them), as each window was at last."""
        keys, counts = (np.concatenate(parts) for parts in (self._keys, self._counts))
        _, last = np.unique(keys[::-1], return_index=True)
        counts = counts[::-1][last]
        return int((counts > 0).sum()), int(counts.sum())

    def _fresh(self, batch: RecordBatch) -> Fixes:
        records, number = batch.records, self._number
        decoded = decode_batch(batch.topic, [record.key for record in records], [record.value for record in records])
        offsets = np.array([record.offset for record in records], np.int64)
        append_us = np.array([record.timestamp for record in records], np.int64) * 1000
        work = BatchWork(BY_NAME[batch.topic], decoded, np.full(len(records), batch.partition), offsets, append_us)
        places, columns = work.events(Position)[1], work.columns(Position)
        fresh = empty(len(places))
        fresh["lion"] = [number.setdefault(lion_id, len(number)) for lion_id in columns["lion_id"]]
        fresh["time_us"] = work.times(Position)
        fresh["lat"], fresh["lng"] = work.floats(Position, "lat"), work.floats(Position, "lng")
        fresh["append_us"], fresh["offset"], fresh["partition"] = append_us[places], offsets[places], batch.partition
        fresh["row"] = np.arange(len(places))
        visible = np.array([seen is not False for seen in columns["visible"]], bool)
        fresh["flags"] = own_flags(fresh["lat"], fresh["lng"], fresh["time_us"], fresh["append_us"], visible)
        return fresh

    def _keep(self, lion: np.ndarray, start_us: np.ndarray, fixes: np.ndarray) -> None:
        self._keys.append((lion << 40) | (start_us // WINDOW_US))
        self._counts.append(fixes)

    def _looked_back_on(self, fixes: Fixes) -> Fixes:
        """Each lion's fixes of the last days, and its last few ones."""
        lion, accepted = fixes["lion"], np.flatnonzero(fixes["flags"] == 0)
        ends = np.searchsorted(lion[accepted], np.arange(len(self._number)), "right")
        newest = np.zeros(len(self._number), np.int64)
        some = np.flatnonzero(np.diff(ends, prepend=0))
        newest[some] = fixes["time_us"][accepted[ends[some] - 1]]
        kept = fixes["time_us"] >= newest[lion] - _KEPT_US
        from_end = ends[lion[accepted]] - np.arange(len(accepted))
        kept[accepted[from_end <= _KEPT_FIXES]] = True
        self._dropped[lion[~kept]] = True
        tail = fixes.take(np.flatnonzero(kept))
        tail["row"] = -1
        return tail


class Memory:
    """A warehouse, its offsets and its sink, that keep nothing but windows."""

    pool: None = None

    def __init__(self, found: Path) -> None:
        self.offsets = self.sink = self
        self._found, self._next, self._windows = found, dict[Partition, int](), dict[Partition, Windows]()

    async def claim(self, partitions: Iterable[Partition]) -> dict[Partition, int]:
        return {partition: self._next.setdefault(partition, 0) for partition in partitions}

    async def stored(self) -> dict[Partition, int]:
        return dict(self._next)

    async def heads(self) -> dict[Partition, Head]:
        return {}

    async def remember_heads(self, heads: Mapping[Partition, Head]) -> None:
        """There is no later run."""

    async def process(self, batch: RecordBatch, gap_proven: bool = False) -> Outcome:
        partition = (batch.topic, batch.partition)
        changed = self._windows.setdefault(partition, Windows()).add(batch)
        self._next[partition] = batch.next_offset
        return Committed(BatchStats(silver=changed))

    async def process_together(self, batches: Sequence[RecordBatch]) -> None:
        """One by one, please."""

    async def close(self) -> None:
        """Count, once all is measured."""
        counts = [windows.found() for windows in self._windows.values()]
        found = {"windows": sum(n for n, _ in counts), "fixes": sum(n for _, n in counts)}
        self._found.write_text(json.dumps(found))


def main() -> None:
    """Run it as ``liontrack worker`` is run."""
    found = Path(sys.argv.pop(1))

    async def open_memory(settings: Settings) -> Memory:
        return Memory(found)

    run_worker(create_app(load_settings(), open_memory, None, AGENTS), sys.argv[1:])


if __name__ == "__main__":
    main()
