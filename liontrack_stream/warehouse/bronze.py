"""Bronze: every consumed record as it came, with the typed columns of its topic."""

from __future__ import annotations

import base64
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from liontrack_stream.contract import topics
from liontrack_stream.contract.events import Activity, Challenge, Deletion, Position, QualityCheck, Rejected, Weight
from liontrack_stream.contract.redact import redact
from liontrack_stream.core.geo import DAY_US, Ints
from liontrack_stream.lake.ports import BronzeRows
from liontrack_stream.warehouse.copying import Rows, arrow_bytes, copy_rows
from liontrack_stream.warehouse.work import BatchWork

TABLES = {
    topics.POSITIONS.name: "lions_raw",
    topics.WEIGHTS.name: "weights_raw",
    topics.ACTIVITIES.name: "users_raw",
    topics.CHALLENGES.name: "challenges_raw",
    topics.QUALITY.name: "quality_raw",
}
OFFERED_RECORDS_MIN = 1_000  # the lake reads fewer from bronze: in C, while this process stores the next
_INT, _TIME, _FLOAT, _TEXT, _BYTES, _JSON = _FORMS = ("int", "time", "float", "text", "bytes", "json")
_TYPED: dict[str, tuple[type[Any], tuple[tuple[str, str, str], ...]]] = {  # column, kind, field of the event
    "lions_raw": (
        Position,
        (
            ("lion_id", _TEXT, "lion_id"),
            ("name", _TEXT, "name"),
            ("position_lat", _FLOAT, "lat"),
            ("position_lng", _FLOAT, "lng"),
            ("last_update", _TIME, "time_us"),
        ),
    ),
    "weights_raw": (
        Weight,
        (
            ("weight_id", _TEXT, "weight_id"),
            ("lion_id", _TEXT, "lion_id"),
            ("weight", _FLOAT, "weight"),
            ("unit", _TEXT, "unit"),
            ("measured_at", _TIME, "time_us"),
        ),
    ),
    "users_raw": (
        Activity,
        (
            ("user_id", _TEXT, "user_id"),
            ("username", _TEXT, "username"),
            ("email", _TEXT, "email"),
            ("activity_type", _TEXT, "activity_type"),
            ("event_time", _TIME, "time_us"),
        ),
    ),
    "challenges_raw": (
        Challenge,
        (
            ("challenge_id", _TEXT, "challenge_id"),
            ("user_id", _TEXT, "user_id"),
            ("title", _TEXT, "title"),
            ("status", _TEXT, "status"),
            ("updated_at", _TIME, "time_us"),
        ),
    ),
    "quality_raw": (
        QualityCheck,
        (
            ("table_name", _TEXT, "table_name"),
            ("check_name", _TEXT, "check_name"),
            ("check_timestamp", _TIME, "time_us"),
            ("quality_percentage", _FLOAT, "quality_percentage"),
        ),
    ),
}
_PLAIN = bytes(byte for byte in range(0x20, 0x7F) if byte not in b'"\\')  # what JSON has as it is
_PLAIN_NAME = re.compile(r"[\w.-]+", re.ASCII)
_STRING = pa.large_string()
_encode = msgspec.json.Encoder().encode


async def store_bronze(work: BatchWork, records: Sequence[Any]) -> list[BronzeRows]:
    """COPY the batch; the rows as the lake takes them, a run per partition and append day, where that is large."""
    table = TABLES[work.topic.name]
    columns = _columns(work, table, records)
    days = work.append_us // DAY_US
    for start, end in _runs(days):
        part = {name: (kind, values[start:end]) for name, (kind, values) in columns.items()}
        await copy_rows(work.connection, "bronze", table, _rows(work, part, work.partitions[start:end]))
    work.count(bronze=len(records))
    runs = _runs(days, work.partitions) if len(records) >= OFFERED_RECORDS_MIN else []
    return [_lake_rows(work, columns, start, end) for start, end in runs if end - start >= OFFERED_RECORDS_MIN]


def _runs(*keys: Ints) -> list[tuple[int, int]]:
    """Where to cut the batch so that each of the keys is one value in each run."""
    changes = np.any([np.diff(key, prepend=key[0] - 1) != 0 for key in keys], axis=0)
    starts = np.flatnonzero(changes).tolist()
    return list(zip(starts, [*starts[1:], len(changes)], strict=True))


def _columns(work: BatchWork, table: str, records: Sequence[Any]) -> dict[str, tuple[str, Any]]:
    kind, typed = _TYPED[table]
    columns: dict[str, tuple[str, Any]] = {"offset": (_INT, work.offsets), "append_time": (_TIME, work.append_us)}
    whole = len(work.events(kind)[0]) == len(records)

    def values_of(name: str) -> Sequence[Any]:
        return work.columns(kind)[name] if whole else [getattr(event, name, None) for event in work.decoded]

    for column, form, name in typed:
        if form == _FLOAT:
            columns[column] = (_FLOAT, work.floats(kind, name) if whole else np.array(values_of(name), np.float64))
        elif form == _TIME and whole:
            columns[column] = (_TIME, work.times(kind))
        elif form == _TIME:
            times = [-1 if value is None else value for value in values_of(name)]
            columns[column] = (_TIME, np.array(times, np.int64))
        else:
            columns[column] = (_TEXT, work.texts(kind, name) if whole else pa.array(values_of(name), _STRING))
    sources = values_of("source") if "source" in kind.__struct_fields__ else [None] * len(records)
    columns["source_system"] = (_TEXT, pa.array([source or "kafka" for source in sources], _STRING))
    columns["key"] = (_BYTES, arrow_bytes([record.key for record in records]))
    columns["headers"] = (_JSON, arrow_bytes(headers_jsons([record.headers for record in records])))
    columns["raw"] = (_BYTES, arrow_bytes(_stored_values(work, records)))
    notes = [None] * len(records) if whole else [_note(event) for event in work.decoded]
    columns["metadata"] = (_JSON, arrow_bytes(notes))
    return columns


def _rows(work: BatchWork, columns: dict[str, tuple[str, Any]], partitions: Ints) -> Rows:
    """The COPY, fixed columns first."""
    rows = Rows(len(partitions)).constant("topic", work.topic.name).int4("partition", partitions)
    rows.date("partition_date", columns["append_time"][1] // DAY_US)
    for name, (form, values) in sorted(columns.items(), key=lambda column: _FORMS.index(column[1][0])):
        if form == _INT:
            rows.int8(name, values)
        elif form == _TIME:
            rows.timestamp(name, values, values < 0)
        elif form == _FLOAT:
            rows.float8(name, values)
        elif form == _TEXT:
            rows.text(name, values)
        elif form == _JSON:
            rows.json(name, values)
        else:
            rows.binary(name, values)
    return rows


def _lake_rows(work: BatchWork, columns: dict[str, tuple[str, Any]], start: int, end: int) -> BronzeRows:
    plain = {}
    for name, (kind, whole) in columns.items():
        values = whole[start:end]
        plain[name] = (values, values < 0) if kind == _TIME else values
    topic, partition = work.topic.name, int(work.partitions[start])
    constants = {
        "topic": topic,
        "partition": partition,
        "partition_date": int(work.append_us[start] // DAY_US),
        "ingestion_timestamp": work.ingested_us,
    }
    return BronzeRows(topic, partition, int(work.offsets[start]), int(work.offsets[end - 1]) + 1, plain | constants)


async def store_dead_letters(work: BatchWork, records: Sequence[Any]) -> None:
    """One row per rejected record: where it was, what it held, which rule it breaks."""
    rejected, places = work.events(Rejected)
    if not rejected:
        return
    chosen = [records[place] for place in places.tolist()]
    rows = Rows(len(rejected)).constant("topic", work.topic.name).int4("partition", work.partitions[places])
    rows.int8("offset", work.offsets[places]).binary("key", [record.key for record in chosen])
    rows.json("headers", [headers_json(record.headers) or b"{}" for record in chosen])
    rows.binary("raw", _stored_values(work, chosen))
    rows.text("rule", [item.rule for item in rejected])
    rows.text("reason", [item.reason.replace("\x00", "�") for item in rejected])
    await copy_rows(work.connection, "metadata", "dead_letters", rows.timestamp("append_time", work.append_us[places]))
    work.count(dead_letters=len(rejected))


async def store_deletions(work: BatchWork) -> None:
    """One row per record by which the source deleted an entity."""
    deleted, places = work.events(Deletion)
    if deleted:
        rows = Rows(len(deleted)).constant("topic", work.topic.name)
        rows.int4("partition", work.partitions[places]).int8("offset", work.offsets[places])
        rows.text("event_id", [item.event_id for item in deleted])
        rows.text("entity_id", [item.entity_id for item in deleted]).timestamp("append_time", work.append_us[places])
        await copy_rows(work.connection, "metadata", "deletions", rows)


def headers_jsons(headers: Sequence[Sequence[tuple[str, bytes | None]]]) -> Sequence[bytes | None]:
    """`headers_json` of many records; at once where all have the same names, and values without escapes."""
    try:
        columns = [tuple(zip(*pairs, strict=True)) for pairs in zip(*headers, strict=True)]
        plain = all(len(set(names)) == 1 and not b"".join(values).translate(None, _PLAIN) for names, values in columns)
    except (TypeError, ValueError):  # a null; not as many headers as others have
        plain = False
    template = _template(tuple(names[0] for names, _ in columns)) if plain and columns else None
    if template is None:
        return [headers_json(each) for each in headers]
    return [template % values for values in zip(*(values for _, values in columns), strict=True)]


@lru_cache(maxsize=1000)
def _template(names: tuple[str, ...]) -> bytes | None:
    """The JSON object that takes the values of these headers; None where a name repeats, or has to be escaped."""
    if len(set(names)) < len(names) or not all(map(_PLAIN_NAME.fullmatch, names)):
        return None
    return b"{" + b",".join(b'"%b":"%%b"' % name.encode() for name in names) + b"}"


def headers_json(headers: Sequence[tuple[str, bytes | None]]) -> bytes | None:
    """Headers as a JSON object; a repeated header is a list, a value that is not text is ``{"base64": …}``."""
    if not headers:
        return None
    try:
        named = {name: None if value is None else value.decode() for name, value in headers}
        text = _encode(named)
        if len(named) == len(headers) and b"\\u0000" not in text:
            return text
    except UnicodeDecodeError:
        pass
    lists: dict[str, list[Any]] = {}
    for name, value in headers:
        lists.setdefault(name.replace("\x00", "�"), []).append(_header_value(value))
    return _encode({name: values if len(values) > 1 else values[0] for name, values in lists.items()})


def headers_from_json(text: bytes | str | None) -> Sequence[tuple[str, bytes | None]]:
    """Headers that `headers_json` would make this text of."""
    if text is None:
        return ()
    named = msgspec.json.decode(text)
    return [
        (name, _header_bytes(value))
        for name, values in named.items()
        for value in (values if isinstance(values, list) else [values])
    ]


def _header_bytes(value: Any) -> bytes | None:
    if isinstance(value, dict):
        return base64.b64decode(value["base64"])
    return None if value is None else str(value).encode()


def _header_value(value: bytes | None) -> Any:
    try:
        text = None if value is None else value.decode()
    except UnicodeDecodeError:
        text = "\x00"
    return {"base64": base64.b64encode(value or b"").decode()} if text is not None and "\x00" in text else text


def _stored_values(work: BatchWork, records: Sequence[Any]) -> list[bytes | None]:
    """The records' values as they came; users' profiles without passwords."""
    if work.topic is not topics.ACTIVITIES:
        return [record.value for record in records]
    return [None if record.value is None else redact(record.value) for record in records]


def _note(event: Any) -> bytes | None:
    if event.__class__ is Rejected:
        return _encode({"rejected": event.rule})
    return _encode({"deleted": event.entity_id}) if event.__class__ is Deletion else None
