"""The materialized views of analytics, from the oracle's own silver and gold (contract §2)."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from . import Rows, Tables


def analytics_tables(tables: Tables) -> Tables:
    """Both views as they stand after a refresh."""
    return {
        "analytics.lions_current_status": _lions_current_status(tables),
        "analytics.user_engagement_summary": _user_engagement_summary(tables),
    }


def _is_there(row: dict[str, Any]) -> bool:
    return row.get("deleted_at") is None


def _lions_current_status(tables: Tables) -> Rows:
    """One row per lion that is not deleted; its latest valid weight, of equal times the one with the lowest order."""
    weights: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for row in tables["silver.weight_history"].values():
        if row["flags"] == 0:
            weights[row["lion_id"]].append(row)
    shown = {}
    for (lion_id,), lion in tables["silver.lions"].items():
        if not _is_there(lion):
            continue
        lowest_first = sorted(weights[lion_id], key=lambda row: (row["append_time"], row["partition"], row["offset"]))
        latest = max(lowest_first, key=lambda row: row["measured_at"], default=None)  # the first of equals
        shown[(lion_id,)] = {
            **{name: lion[name] for name in ("name", "position_lat", "position_lng", "status", "data_quality_score")},
            "current_weight": latest["weight"] if latest else None,
            "last_weight_update": latest["measured_at"] if latest else None,
        }
    return shown


def _user_engagement_summary(tables: Tables) -> Rows:
    """One row per user who is not deleted; challenges that are pending or in progress are active."""
    challenges: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for challenge in tables["silver.challenges"].values():
        if _is_there(challenge):
            challenges[challenge["user_id"]].append(challenge)
    entries: dict[str, int] = defaultdict(int)
    for (user_id, _), day in tables["gold.users_activity"].items():
        entries[user_id] += day["weight_entries"]
    shown = {}
    for (user_id,), user in tables["silver.users"].items():
        if not _is_there(user):
            continue
        owned = challenges[user_id]
        times = [time for time in (user["updated_at"], *(c["updated_at"] for c in owned)) if time is not None]
        shown[(user_id,)] = {
            "username": user["username"],
            "total_challenges": len(owned),
            "completed_challenges": sum(c["status"] == "completed" for c in owned),
            "active_challenges": sum(c["status"] in ("pending", "in_progress") for c in owned),
            "weight_entries": entries[user_id],
            "last_activity": max(times, default=None),
        }
    return shown
