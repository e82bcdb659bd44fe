"""An explanation as a tree for a person."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from rich.console import Console
from rich.table import Table
from rich.text import Text
from rich.tree import Tree

from liontrack_stream.warehouse.explain import Explanation

_UNWRAPPED = 100_000  # for files and pipes: a line stays a line
_APART = ("record", "repeats")


def print_explanation(explanation: Explanation) -> None:
    """Print the row, its rules, what it is made of, and its revisions."""
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_UNWRAPPED)
    console.print(explanation_tree(explanation))


def explanation_tree(explanation: Explanation) -> Tree:
    """The explanation as rich's tree."""
    key = " ".join(f"{name}={_text(value)}" for name, value in explanation["key"].items())
    tree = Tree(Text(f"{explanation['table']} {key}", style="bold"))
    if explanation["row"] is None:
        tree.add(Text("no such row", style="yellow"))
    else:
        _add_row(tree, explanation)
    _add_rule(tree, explanation["rule"])
    for source in explanation["sources"]:
        branch = _branch(tree, f"{source['title']}: {source['count']} of {source['table']}", source)
        for row in source["rows"]:
            _add_source_row(branch, row)
    if explanation["repeats"]["more"] > 0:
        tree.add(Text(f"{explanation['repeats']['more']} more repeats; --limit shows more"))
    _add_deletions(tree, explanation["deletions"])
    _add_revisions(tree, explanation["revisions"])
    return tree


def _add_row(tree: Tree, explanation: Explanation) -> None:
    table = Table(box=None, pad_edge=False, show_header=False)
    follows = {name: how for names, how in explanation["columns"].items() for name in names.split(", ")}
    for column, value in explanation["row"].items():
        table.add_row(Text(column), Text(_text(value), style="bold"), Text(_how(column, follows), style="dim"))
    tree.add(table)


def _how(column: str, follows: Mapping[str, str]) -> str:
    if column in follows:
        return follows[column]
    return next((how for name, how in follows.items() if name.endswith("*") and column.startswith(name[:-1])), "")


def _add_rule(tree: Tree, rule: Mapping[str, Any] | None) -> None:
    if rule is None:
        return
    branch = tree.add(Text(f"rule version {rule['rule_version']}"))
    for group, values in (rule["parameters"] or {}).items():
        branch.add(Text(f"{group}: {_text(values)}", style="dim"))


def _add_source_row(branch: Tree, row: Mapping[str, Any]) -> None:
    shown = "  ".join(
        f"{name}={_text(value)}" for name, value in row.items() if name not in _APART and value not in (None, [], "")
    )
    leaf = branch.add(Text(shown))
    if "record" in row:
        leaf.add(Text(_record(row["record"]), style="cyan"))
    for repeat in row.get("repeats", ()):
        kind = "conflict, ignored" if repeat["conflict"] else "repeat, ignored"
        leaf.add(Text(f"{kind}: {_place(repeat)}", style="yellow"))


def _record(record: Mapping[str, Any]) -> str:
    bronze, file = record["bronze"], record["lake_file"]
    in_lake = f"; lake {file}" if file else ""
    if bronze is not None:
        day, at = _text(bronze["partition_date"]), _text(bronze["ingestion_timestamp"])
        return f"{_place(record)} ─ {bronze['table']}, partition_date {day}, ingested {at}{in_lake}"
    dropped = f"dropped by retention, in the lake at {file}" if file else "neither bronze nor the lake holds it"
    return f"{_place(record)} ─ {dropped}"


def _place(record: Mapping[str, Any]) -> str:
    place = f"{record['topic']}/{record['partition']}/{record['offset']}"
    return f"{place}, appended {_text(record['append_time'])}"


def _add_deletions(tree: Tree, deletions: Mapping[str, Any]) -> None:
    if not deletions["count"]:
        return
    branch = _branch(tree, f"deletions: {deletions['count']}", deletions)
    for row in deletions["rows"]:
        event = f" event {row['event_id']}" if row["event_id"] else ""
        branch.add(Text(f"{row['entity_id']}{event} by {_place(row)}"))


def _add_revisions(tree: Tree, revisions: Mapping[str, Any]) -> None:
    branch = _branch(tree, f"revisions: {revisions['count']}", revisions)
    for row in revisions["rows"]:
        offsets = ", ".join(map(str, row["offsets"]))
        more = row["record_count"] - len(row["offsets"])
        offsets += f" and {more} more" if more > 0 else ""
        where = f"{row['topic']}/{row['partition']} offsets {offsets}"
        leaf = branch.add(Text(f"{_text(row['revised_at'])} {row['kind']} ({row['cause']}) by {where}"))
        for column, (before, after) in row["changes"].items():
            leaf.add(Text(f"{column}: {_text(before)} → {_text(after)}"))


def _branch(tree: Tree, title: str, listed: Mapping[str, Any]) -> Tree:
    more = f" (the first {len(listed['rows'])}; --limit shows more)" if listed["more"] > 0 else ""
    return tree.add(Text(title + more, style="bold"))


def _text(value: Any) -> str:
    if isinstance(value, datetime):
        return value.isoformat().replace("+00:00", "Z")
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, str):
        return value
    if isinstance(value, dict | list):
        return json.dumps(value, default=str, ensure_ascii=False)
    return "null" if value is None else str(value)
