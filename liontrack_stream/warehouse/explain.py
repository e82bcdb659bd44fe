"""From a cell back to where it came from.

    gold row ─► rule version
        └─► silver rows ─► topic/partition/offset ─► bronze row, or the lake's file when retention has dropped it
              └─► repeats of the same identity, deletions            revisions: what the cell said before

Read-only; used by ``liontrack explain`` and the HTTP route alike.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC
from typing import Any

from liontrack_stream.contract.topics import BY_NAME
from liontrack_stream.core.lineage import BRONZE
from liontrack_stream.warehouse.explain_tables import Explained, Key

Fetch = Callable[..., Awaitable[Sequence[Mapping[str, Any]]]]  # (name of a query, arguments …) -> rows
Explanation = dict[str, Any]
Item = dict[str, Any]

LIMIT, LIMIT_MAX = 50, 10_000
_JSON_COLUMNS = frozenset({"metadata", "activities", "changes", "details", "parameters"})
_PLACE = ("topic", "partition", "offset", "append_time")
_HIDDEN = frozenset({*_PLACE, "identity", "content_hash", "total"})
_ENTITY_COLUMNS = {  # of a silver row -> the topic whose deletions may name it
    "weight_id": "lions.weight.events",
    "challenge_id": "challenges.status.events",
}


async def explain(fetch: Fetch, table: Explained, key: Key, limit: int = LIMIT) -> Explanation:
    """What there is to say of one row; lists hold at most ``limit`` entries and say how many ``more`` there are.

    Returns
    -------
    dict
        ``table, key, row`` (None: no such row), ``rule`` (of gold rows: version, parameters), ``columns`` (how they
        follow), ``sources`` (lists of rows; silver ones with their ``record`` and its ``repeats``), ``repeats`` (how
        many of all these), ``deletions``, ``revisions``. Times are datetimes, everything else is JSON-able.
    """
    found = [_plain(row) for row in await fetch(f"explain/row_{table.name.replace('.', '_')}", *key.values())]
    row = found[0] if found else None
    raw: list[Item] = []
    sources = []
    for source in table.sources:
        arguments = source.arguments(key, row)
        rows = (
            [] if arguments is None else [_plain(r) for r in await fetch(f"explain/{source.query}", *arguments, limit)]
        )
        raw += rows
        sources.append({"title": source.title, "table": source.table, **_listed(rows)})
    await _add_places(fetch, [item for item in raw if "offset" in item])
    repeats = await _add_repeats(fetch, raw, limit)
    explanation = {
        "table": table.name,
        "key": dict(key),
        "row": row,
        "rule": await _rule(fetch, row),
        "columns": dict(table.columns),
        "sources": sources,
        "repeats": repeats,
        "deletions": await _deletions(fetch, table, key, raw, limit),
        "revisions": await _revisions(fetch, table, key, limit),
    }
    for item in raw:
        for name in _HIDDEN:
            item.pop(name, None)
    return explanation


def _plain(row: Mapping[str, Any]) -> Item:
    return {
        name: json.loads(value) if name in _JSON_COLUMNS and isinstance(value, str) else value
        for name, value in row.items()
    }


def _listed(rows: list[Item]) -> dict[str, Any]:
    """Rows, how many there are in all, and how many are not shown."""
    count = int(rows[0]["total"]) if rows else 0
    return {"count": count, "more": count - len(rows), "rows": rows}


def _shown(rows: list[Item], *names: str) -> list[Item]:
    return [{name: row[name] for name in names} for row in rows]


async def _rule(fetch: Fetch, row: Item | None) -> Item | None:
    version = None if row is None else row.get("rule_version")
    if version is None:
        return None
    rows = [_plain(found) for found in await fetch("explain/rule", version)]
    return rows[0] if rows else {"rule_version": version, "parameters": None}


async def _add_places(fetch: Fetch, items: list[Item]) -> None:
    """Give each silver row its ``record``: where it stands in Kafka, in bronze and in the lake."""
    by_topic: dict[str, list[Item]] = defaultdict(list)
    for item in items:
        item["record"] = {name: item[name] for name in _PLACE} | {"bronze": None, "lake_file": None}
        by_topic[item["topic"]].append(item)
    for topic, mine in by_topic.items():
        if topic not in BY_NAME:
            continue
        table = BRONZE[BY_NAME[topic].noun]
        places = (
            [item["partition"] for item in mine],
            [item["offset"] for item in mine],
            [item["append_time"].astimezone(UTC).date() for item in mine],
        )
        for found in await fetch(f"explain/{table.replace('.', '_')}", *places):
            row = {name: value for name, value in found.items() if name != "n"}
            mine[found["n"]]["record"]["bronze"] = {"table": table, **row}
        for found in await fetch("explain/lake_files", topic, *places):
            mine[found["n"]]["record"]["lake_file"] = found["path"]


async def _add_repeats(fetch: Fetch, items: list[Item], limit: int) -> dict[str, int]:
    """Give each silver row the later records of its identity (a conflict says something else); how many there are."""
    by_identity = {(item["topic"], item["identity"]): item for item in items if "identity" in item}
    found: dict[tuple[str, str], list[Item]] = {identity: [] for identity in by_identity}
    for item in items:
        if "identity" in item:
            item["repeats"] = found[item["topic"], item["identity"]]
    topics, identities = [topic for topic, _ in by_identity], [identity for _, identity in by_identity]
    rows = await fetch("explain/repeats", topics, identities, limit) if by_identity else []
    for repeat in rows:
        identity = repeat["topic"], repeat["identity"]
        conflict = repeat["content_hash"] != by_identity[identity]["content_hash"]
        found[identity].append({**{name: repeat[name] for name in _PLACE}, "conflict": conflict})
    count = int(rows[0]["total"]) if rows else 0
    return {"count": count, "more": count - len(rows)}


async def _deletions(fetch: Fetch, table: Explained, key: Key, items: list[Item], limit: int) -> dict[str, Any]:
    entity = next(iter(key.values()))
    wanted = {(topic, entity) for topic in table.entities}
    wanted |= {(topic, item[column]) for item in items for column, topic in _ENTITY_COLUMNS.items() if column in item}
    if not wanted:
        return _listed([])
    topics, entities = zip(*sorted(wanted), strict=True)
    listed = _listed([dict(row) for row in await fetch("explain/deletions", list(topics), list(entities), limit)])
    return listed | {"rows": _shown(listed["rows"], *_PLACE, "entity_id", "event_id")}


async def _revisions(fetch: Fetch, table: Explained, key: Key, limit: int) -> dict[str, Any]:
    period_start = table.period_start(key)
    if period_start is None:
        return _listed([])
    entity = next(iter(key.values()))
    listed = _listed([_plain(row) for row in await fetch("explain/revisions", table.name, entity, period_start, limit)])
    for row in listed["rows"]:
        del row["total"]
    return listed
