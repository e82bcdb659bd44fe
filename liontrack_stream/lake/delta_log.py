"""The Delta Lake protocol as far as the lake needs it: what a commit says, what a log amounts to. No I/O.

::

    <table>/_delta_log/00000000000000000000.json                 a commit: one action a line
    <table>/_delta_log/00000000000000000050.checkpoint.parquet   all that holds at version 50
"""

from __future__ import annotations

import hashlib
import json
import re
import time
import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from liontrack_stream.lake.layout import UNDATED
from liontrack_stream.lake.ports import LakeError, LakeFile

Action = dict[str, Any]

_COMMIT = re.compile(r"^(\d{20})\.json$")
_CHECKPOINT = re.compile(r"^(\d{20})\.checkpoint\.parquet$")
_PROTOCOL = {"protocol": {"minReaderVersion": 1, "minWriterVersion": 2}}  # what every reader knows
_TYPES = {
    pa.string(): "string", pa.binary(): "binary", pa.bool_(): "boolean", pa.date32(): "date", pa.int16(): "short",
    pa.int32(): "integer", pa.int64(): "long", pa.float32(): "float", pa.float64(): "double",
}  # fmt: skip
_TEXTS = pa.map_(pa.string(), pa.string())
_CHECKPOINT_SCHEMA = pa.schema(
    {
        "add": pa.struct({
            "path": pa.string(), "partitionValues": _TEXTS, "size": pa.int64(), "modificationTime": pa.int64(),
            "dataChange": pa.bool_(), "stats": pa.string(), "tags": _TEXTS,
        }),
        "metaData": pa.struct({
            "id": pa.string(), "format": pa.struct({"provider": pa.string(), "options": _TEXTS}),
            "schemaString": pa.string(), "partitionColumns": pa.list_(pa.string()), "configuration": _TEXTS,
            "createdTime": pa.int64(),
        }),
        "protocol": pa.struct({"minReaderVersion": pa.int32(), "minWriterVersion": pa.int32()}),
    }
)  # fmt: skip


@dataclass(slots=True)
class TableLog:
    """A table as its log tells it. ``active``: path below the table's folder to its `add` action.

    ``last``: the name and the SHA-256 of the file that was taken in last.
    """

    version: int = -1
    last: tuple[str, str] | None = None
    meta: Action | None = None
    active: dict[str, Action] = field(default_factory=dict)

    def apply(self, version: int, name: str, data: bytes) -> None:
        """Take in a commit or a checkpoint. Raises LakeError when it is neither."""
        try:
            for action in _checkpointed(data) if _CHECKPOINT.match(name) else map(json.loads, data.splitlines()):
                if "add" in action:
                    self.active[action["add"]["path"]] = action["add"]
                elif "remove" in action:
                    self.active.pop(action["remove"]["path"], None)
                elif "metaData" in action:
                    self.meta = action["metaData"]
        except (ValueError, KeyError, TypeError, OSError, pa.ArrowException) as error:
            raise LakeError(f"version {version} of the Delta log cannot be read: {error!r}") from error
        self.version, self.last = version, (name, hashlib.sha256(data).hexdigest())

    @property
    def digests(self) -> dict[str, str]:
        """Path to the SHA-256 of what was there when it was added."""
        return {path: (add.get("tags") or {}).get("sha256", "") for path, add in self.active.items()}

    def commit(self, gone: Iterable[str], new: Mapping[str, LakeFile], schemas: Iterable[pa.Schema]) -> bytes:
        """The next version. A path that is active already gets new bytes: an `add` replaces the former."""
        now_ms = time.time_ns() // 1_000_000
        actions: list[Action] = [{"commitInfo": {"timestamp": now_ms, "operation": "WRITE", "engineInfo": "liontrack"}}]
        partitions = [_partition(file) for file in new.values() if file.day != UNDATED][:1]
        meta = _meta(self.meta, partitions, schemas, now_ms)
        if self.version < 0:
            actions.append(_PROTOCOL)
        if meta != self.meta:
            actions.append({"metaData": meta})
        actions += [
            {"remove": {"path": path, "deletionTimestamp": now_ms, "dataChange": True}} for path in sorted(gone)
        ]
        actions += [{"add": _add(path, file, now_ms)} for path, file in sorted(new.items())]
        return _lines(actions)

    def checkpoint(self) -> bytes:
        """A Parquet file of what holds now."""
        adds = ({"add": add} for _, add in sorted(self.active.items()))
        actions = [_PROTOCOL, {"metaData": self.meta}, *adds]
        sink = pa.BufferOutputStream()
        pq.write_table(pa.Table.from_pylist(actions, _CHECKPOINT_SCHEMA), sink, compression="zstd", store_schema=False)
        return bytes(sink.getvalue().to_pybytes())

    def last_checkpoint(self) -> bytes:
        """What tells readers where to begin."""
        return json.dumps({"version": self.version, "size": len(self.active) + 2}).encode()


def commit_name(version: int) -> str:
    return f"{version:020d}.json"


def checkpoint_name(version: int) -> str:
    return f"{version:020d}.checkpoint.parquet"


def to_read(names: Iterable[str]) -> list[tuple[int, str]]:
    """(version, name) of the latest checkpoint and the commits after it, in order. Raises LakeError at a gap."""
    names = list(names)
    checkpoints = [(int(found[1]), name) for name in names if (found := _CHECKPOINT.match(name))]
    last = sorted(checkpoints)[-1:]
    after = last[0][0] if last else -1
    commits = [(int(found[1]), name) for name in names if (found := _COMMIT.match(name))]
    later = sorted(commit for commit in commits if commit[0] > after)
    if [version for version, _ in later] != list(range(after + 1, after + 1 + len(later))):
        raise LakeError(f"the Delta log lacks a version after {after}")
    return [*last, *later]


def older_than(version: int, names: Iterable[str]) -> list[str]:
    """Commits and checkpoints below a version."""
    found = ((_COMMIT.match(name) or _CHECKPOINT.match(name), name) for name in names)
    return [name for match, name in found if match and int(match[1]) < version]


def _partition(file: LakeFile) -> str:
    """The partition column, as in the folders' names."""
    return "date" if file.layer == "bronze" else "day"


def _add(path: str, file: LakeFile, now_ms: int) -> Action:
    dated = {} if file.day == UNDATED else {_partition(file): file.day.isoformat()}
    return {
        "path": path, "partitionValues": dated, "size": file.byte_count, "modificationTime": now_ms, "dataChange": True,
        "stats": json.dumps({"numRecords": file.row_count}), "tags": {"sha256": file.sha256},
    }  # fmt: skip


def _meta(before: Action | None, partitions: list[str], schemas: Iterable[pa.Schema], now_ms: int) -> Action:
    """The table's description: columns that a file adds are added, none goes."""
    before = before or {
        "id": str(uuid.uuid4()), "format": {"provider": "parquet", "options": {}}, "partitionColumns": partitions,
        "configuration": {}, "createdTime": now_ms,
    }  # fmt: skip
    parted = before["partitionColumns"]
    known = json.loads(before["schemaString"])["fields"] if "schemaString" in before else []
    fields = {entry["name"]: entry for entry in known if entry["name"] not in parted}
    fields |= {column.name: _field(column.name, _type(column)) for schema in schemas for column in schema}
    columns = [*fields.values(), *(_field(name, "date") for name in parted)]
    return {**before, "schemaString": json.dumps({"type": "struct", "fields": columns})}


def _field(name: str, kind: Any) -> Action:
    return {"name": name, "type": kind, "nullable": True, "metadata": {}}


def _type(column: pa.Field) -> Any:
    kind = column.type
    if pa.types.is_list(kind):
        return {"type": "array", "elementType": _type(kind.value_field), "containsNull": True}
    if pa.types.is_timestamp(kind) and kind.tz:
        return "timestamp"
    if kind not in _TYPES:
        raise LakeError(f"Delta has no type for the column {column.name} ({kind})")
    return _TYPES[kind]


def _checkpointed(data: bytes) -> list[Action]:
    rows = pq.read_table(pa.BufferReader(data)).to_pylist(maps_as_pydicts="strict")
    return [{name: value for name, value in row.items() if value is not None} for row in rows]


def _lines(actions: Iterable[Action]) -> bytes:
    return b"".join(json.dumps(action, separators=(",", ":")).encode() + b"\n" for action in actions)
