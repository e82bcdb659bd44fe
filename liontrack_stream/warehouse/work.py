"""What one batch's transaction carries from step to step."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import Any

import numpy as np
import pyarrow as pa
from msgspec.structs import astuple
from numpy.typing import NDArray

from liontrack_stream.contract.events import Decoded, Position, Positions
from liontrack_stream.contract.murmur2 import murmur2
from liontrack_stream.contract.topics import TopicSpec
from liontrack_stream.generation import current
from liontrack_stream.kafka.ports import BatchStats
from liontrack_stream.warehouse.batch_connection import BatchConnection
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Revisions

_LOCK_SPACES = ("challenge", "identity", "lion", "user")  # in the order in which they are locked
_BUCKET_CLASS, _KEY_CLASS = 0x4C54, 0x4C5400  # of the locks; a space's number is added
_CLASSES_PER_GENERATION = 16  # so that a generation's batches never wait for the live ones
_LOCK_BUCKETS = 960  # a multiple of 1 to 6, 8, 10, 12, 15, 16, 20, 24, 30, 32, 40, 48, 60, 64 …, see `_locks`
_KEYS_LOCKED_ONE_BY_ONE_MAX = 256
NO_DAY = -719_162  # 0001-01-01, the «day» of tables without days


@dataclass(slots=True)
class BatchWork:
    """One batch in its transaction; it holds records of one partition, or of several together, one after the other."""

    connection: BatchConnection = field(init=False)  # set when the transaction begins
    topic: TopicSpec
    decoded: Sequence[Decoded]
    partitions: NDArray[np.int64]
    offsets: NDArray[np.int64]
    append_us: NDArray[np.int64]
    homes: Mapping[str, int] = field(default_factory=dict)  # entity -> partition, where the batch holds several
    gold: bool = True  # False: gold is computed of silver later, see spark/gold.py
    ingested_us: int | None = None  # the transaction's time
    stats: BatchStats = field(default_factory=BatchStats)
    live: dict[str, Any] = field(default_factory=dict)
    after_commit: list[Callable[[], None]] = field(default_factory=list)
    revisions: Revisions = field(default_factory=Revisions)
    caught: dict[int, dict[str, list[int]]] = field(default_factory=dict)  # partition, rule of silver; see `catch`
    judged_again: Counter[int] = field(default_factory=Counter)  # partition -> its rows that silver caught only now
    _kinds: Counter[type[Any]] | None = None
    _events: dict[type[Any], tuple[Sequence[Any], NDArray[np.int64]]] = field(default_factory=dict)
    _columns: dict[type[Any], Mapping[str, Sequence[Any]]] = field(default_factory=dict)
    _arrays: dict[tuple[type[Any], str], Any] = field(default_factory=dict)
    _dirty: set[tuple[str, str, int]] = field(default_factory=set)

    @property
    def kinds(self) -> Counter[type[Any]]:
        """How many events of each kind there are."""
        if self._kinds is None:
            plain = isinstance(self.decoded, Positions)
            self._kinds = Counter({Position: len(self.decoded)} if plain else map(type, self.decoded))
        return self._kinds

    def events(self, kind: type[Any]) -> tuple[Sequence[Any], NDArray[np.int64]]:
        """The events of one kind, and their places in the batch."""
        if kind not in self._events:
            if self.kinds[kind] == len(self.decoded):
                self._events[kind] = self.decoded, np.arange(len(self.decoded))
            else:
                decoded = self.decoded if self.kinds[kind] else ()
                places = [place for place, item in enumerate(decoded) if item.__class__ is kind]
                self._events[kind] = [decoded[place] for place in places], np.asarray(places, np.int64)
        return self._events[kind]

    def columns(self, kind: type[Any]) -> Mapping[str, Sequence[Any]]:
        """The fields of the events of one kind, each as a column."""
        if kind is Position and isinstance(self.decoded, Positions):
            return self.decoded.columns
        if kind not in self._columns:
            events, _ = self.events(kind)
            columns = map(list, zip(*map(astuple, events), strict=True)) if events else repeat([])
            self._columns[kind] = dict(zip(kind.__struct_fields__, columns, strict=False))
        return self._columns[kind]

    def texts(self, kind: type[Any], name: str) -> pa.Array:
        """A field of text of the events of one kind."""
        if (kind, name) not in self._arrays:
            self._arrays[kind, name] = pa.array(self.columns(kind)[name], pa.large_string())
        return self._arrays[kind, name]

    def times(self, kind: type[Any]) -> NDArray[np.int64]:
        """When the events of one kind happened, in microseconds."""
        if (kind, "time_us") not in self._arrays:
            self._arrays[kind, "time_us"] = np.array(self.columns(kind)["time_us"], np.int64)
        return self._arrays[kind, "time_us"]

    def floats(self, kind: type[Any], name: str) -> NDArray[np.float64]:
        """A field of numbers of the events of one kind; NaN where there is none."""
        if (kind, name) not in self._arrays:
            self._arrays[kind, name] = np.array(self.columns(kind)[name], np.float64)
        return self._arrays[kind, name]

    def count(self, **counts: int) -> None:
        """Add to the batch's statistics."""
        self.stats = self.stats + BatchStats(**counts)

    def catch(self, rule: str, partitions: Any, offsets: Any) -> None:
        """Note records that a rule of the topic's silver table caught, for its quality checks; see `home`."""
        for partition, offset in zip(np.asarray(partitions).tolist(), np.asarray(offsets).tolist(), strict=True):
            home = self.home(partition)
            self.caught.setdefault(home, {}).setdefault(rule, []).append(offset if home == partition else -1)

    def home(self, partition: int) -> int:
        """The batch's partition that a record counts with: its own, or the first where the batch has none of that."""
        return partition if (self.partitions == partition).any() else int(self.partitions[0])

    def partition_of(self, entity: str) -> int:
        """Where the batch's records of a lion, user or challenge are."""
        return self.homes.get(entity, int(self.partitions[0]))

    def touched(self, layer: str, table: str, days: Iterable[int] = (NO_DAY,)) -> None:
        """Note days (since the epoch) of a lake table that this batch changed."""
        self._dirty.update((layer, table, int(day)) for day in days)

    async def mark_dirty(self) -> None:
        """Write down the touched days for the lake."""
        if self._dirty:
            await self.connection.execute(
                query("metadata/mark_dirty"), *map(list, zip(*sorted(self._dirty), strict=True))
            )

    async def lock(self, **keys: Iterable[str]) -> None:
        """Take the locks of challenges, identities, lions or users until the transaction ends, in one global order.

        Several calls keep the order when their spaces follow each other; else two batches may deadlock, and one of
        them is tried again a second later.
        """
        locks = [lock for space in _LOCK_SPACES if space in keys for lock in _locks(space, set(keys[space]))]
        if locks:
            await self.connection.execute(query("metadata/lock_keys"), *map(list, zip(*locks, strict=True)))

    async def store_repeats(
        self, identities: list[str], partitions: Any, offsets: Any, append_us: Any, hashes: Any
    ) -> None:
        """Keep the coordinates of records whose identity an earlier record holds."""
        rows = Rows(len(identities)).constant("topic", self.topic.name).text("identity", identities)
        rows.int4("partition", partitions).int8("offset", offsets)
        rows.timestamp("append_time", append_us).int8("content_hash", hashes)
        await copy_rows(self.connection, "metadata", "repeats", rows)


def _locks(space: str, keys: set[str]) -> list[tuple[int, int, bool]]:
    """(class, number, shared) of the locks of some keys, in order.

    A few keys are locked one by one, and their buckets shared; many by their buckets alone. So no batch fills
    PostgreSQL's lock table, and the two kinds see each other. A key's bucket comes of the hash that chose its
    partition: where the number of partitions divides theirs, batches of different ones share none, and go on side by
    side however many keys they have.
    """
    number = _LOCK_SPACES.index(space) + _CLASSES_PER_GENERATION * (current() or 0)
    hashes = murmur2([key.encode() for key in keys]).astype(np.int64)
    one_by_one = len(keys) <= _KEYS_LOCKED_ONE_BY_ONE_MAX
    numbers = np.unique((hashes & 0x7FFFFFFF) % _LOCK_BUCKETS).tolist()
    buckets = [(_BUCKET_CLASS + number, n, one_by_one) for n in numbers]
    exact = np.unique(hashes - (1 << 31)).tolist() if one_by_one else []
    return buckets + [(_KEY_CLASS + number, n, False) for n in exact]
