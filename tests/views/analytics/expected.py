"""The bodies' figures, computed slowly from the oracle's rows. ``as_of`` is an aware time, a day its UTC date."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from datetime import date, datetime, timedelta
from math import fsum
from typing import Any

from tests.support.oracle import Tables

Row = dict[str, Any]


def mean(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return fsum(known) / len(known) if known else None


def days_of(tables: Tables, table: str, members: str, as_of: datetime, length: int) -> list[tuple[str, date, Row]]:
    """(id, day, row) of the days that end with the day of `as_of`, of members that are not deleted."""
    last = as_of.date()
    return [
        (key[0], key[1], row)
        for key, row in sorted(tables[table].items())
        if last - timedelta(days=length) < key[1] <= last and tables[members][(key[0],)]["deleted_at"] is None
    ]


def lion_days(tables: Tables, as_of: datetime, length: int) -> list[tuple[str, date, Row]]:
    return days_of(tables, "gold.lions_metrics", "silver.lions", as_of, length)


def user_days(tables: Tables, as_of: datetime, length: int) -> list[tuple[str, date, Row]]:
    return days_of(tables, "gold.users_activity", "silver.users", as_of, length)


def health_report(tables: Tables, as_of: datetime) -> Row:
    rows = [row for _, _, row in lion_days(tables, as_of, 1)]
    scores = [row["health_score"] for row in rows if row["health_score"] is not None]
    return {
        "report_date": as_of.date(),
        "health_distribution": {
            "excellent_health": sum(score > 80 for score in scores),
            "good_health": sum(60 <= score <= 80 for score in scores),
            "needs_attention": sum(score < 60 for score in scores),
            "avg_health_score": mean(scores),
            "avg_weight": mean(row["avg_weight"] for row in rows),
            "total_lions": len(rows),
        },
    }


def engagement(tables: Tables, user: str, as_of: datetime) -> Row:
    names = ("challenges_completed", "challenges_in_progress", "weight_entries", "engagement_score")
    history = [
        {"user_id": user, "activity_date": day, **{name: row[name] for name in names}}
        for owner, day, row in user_days(tables, as_of, 10_000)
        if owner == user
    ][::-1][:30]
    return {
        "user_id": user,
        "current_score": history[0]["engagement_score"] if history else None,
        "history": history,
    }


def activity_summary(tables: Tables, user: str, as_of: datetime) -> Row:
    rows = [row for owner, _, row in user_days(tables, as_of, 30) if owner == user]
    latest = [row for owner, _, row in user_days(tables, as_of, 10_000) if owner == user][-1:]
    summary = {
        "total_completed": sum(row["challenges_completed"] for row in rows),
        "total_in_progress": sum(row["challenges_in_progress"] for row in latest),
        "total_weight_entries": sum(row["weight_entries"] for row in rows),
        "avg_engagement": mean(row["engagement_score"] for row in rows),
        "active_days": len(rows),
    }
    return {"user_id": user, "period": "30_days", "summary": summary}


def challenges_of(tables: Tables, user: str, as_of: datetime) -> list[Row]:
    """The user's challenges by their events up to `as_of`, the latest changed first."""
    events: dict[str, list[Row]] = defaultdict(list)
    for (challenge_id, updated_at, status), row in tables["silver.challenge_events"].items():
        if row["flags"] == 0 and updated_at <= as_of:
            events[challenge_id].append({**row, "updated_at": updated_at, "status": status})
    found = []
    for challenge_id, of_it in events.items():
        newest = max(event["updated_at"] for event in of_it)
        places = {(e["append_time"], e["partition"], e["offset"]): e for e in of_it if e["updated_at"] == newest}
        latest = places[min(places)]
        carried = [event["created_at"] for event in of_it if event["created_at"] is not None]
        created_at = min(carried) if carried else min(event["updated_at"] for event in of_it)
        if latest["user_id"] == user:
            names = ("title", "status", "updated_at")
            age_days = (as_of - created_at) // timedelta(days=1)
            found.append(
                {"challenge_id": challenge_id, **{name: latest[name] for name in names}}
                | {"age_days": age_days, "created_at": created_at}
            )
    return sorted(sorted(found, key=lambda c: c["challenge_id"]), key=lambda c: c["updated_at"], reverse=True)


def challenges_analytics(tables: Tables, user: str, as_of: datetime) -> Row:
    found = challenges_of(tables, user, as_of)
    stats = {status: sum(c["status"] == status for c in found) for status in ("completed", "in_progress", "abandoned")}
    return {"user_id": user, "stats": {"total": len(found), **stats}, "challenges": found}


def ranked(rows: list[Row], place: Any) -> list[Row]:
    """Best first; equals share a rank."""
    ordered = sorted(rows, key=place)
    return [{"rank": 1 + sum(place(other)[:2] < place(row)[:2] for other in ordered), **row} for row in ordered]


def leaderboard_users(tables: Tables, as_of: datetime) -> list[Row]:
    by_user: dict[str, list[Row]] = defaultdict(list)
    for user, _, row in user_days(tables, as_of, 30):
        by_user[user].append(row)
    rows = [
        {
            "user_id": user,
            "username": tables["silver.users"][(user,)]["username"],
            "total_completed": sum(day["challenges_completed"] for day in days),
            "avg_engagement": round(mean(day["engagement_score"] for day in days) or 0.0, 6),
            "active_days": len(days),
        }
        for user, days in by_user.items()
    ]
    return ranked(rows, lambda row: (-row["total_completed"], -row["avg_engagement"], row["user_id"]))


def leaderboard_lions(tables: Tables, as_of: datetime) -> list[Row]:
    by_lion: dict[str, list[Row]] = defaultdict(list)
    for lion, _, row in lion_days(tables, as_of, 30):
        by_lion[lion].append(row)
    rows = []
    for lion, days in by_lion.items():
        health = mean(day["health_score"] for day in days)
        rows.append(
            {
                "lion_id": lion,
                "name": tables["silver.lions"][(lion,)]["name"],
                "avg_health": None if health is None else round(health, 6),
                "tracked_days": sum(day["tracking_frequency"] > 0 for day in days),
                "max_frequency": max(day["tracking_frequency"] for day in days),
            }
        )
    unknown = 1.0  # a worse place than any score's, which is negative
    return ranked(
        rows,
        lambda row: (
            unknown if row["avg_health"] is None else -row["avg_health"],
            -row["tracked_days"],
            row["lion_id"],
        ),
    )


def trend_weight(tables: Tables, as_of: datetime) -> Row:
    days: dict[date, list[float]] = defaultdict(list)
    for _, day, row in lion_days(tables, as_of, 30):
        if row["avg_weight"] is not None:
            days[day].append(row["avg_weight"])
    data = [{"entity_type": "lions", "avg_value": mean(days[day]), "metric_date": day} for day in sorted(days)]
    return {"trend": "weight_30days", "data": data}


def trend_engagement(tables: Tables, as_of: datetime) -> Row:
    days: dict[date, list[float]] = defaultdict(list)
    for _, day, row in user_days(tables, as_of, 30):
        days[day].append(row["engagement_score"])
    data = [
        {"activity_date": day, "active_users": len(days[day]), "avg_engagement": mean(days[day])}
        for day in sorted(days)
    ]
    return {"trend": "user_engagement_30days", "data": data}


def system_health(tables: Tables, as_of: datetime) -> Row:
    checks = {key: row for key, row in tables["metadata.data_quality_checks"].items() if key[2] <= as_of}
    hour = [row["quality_percentage"] for key, row in checks.items() if key[2] > as_of - timedelta(hours=1)]
    health = {
        "checks_last_hour": len(hour),
        "avg_quality": mean(hour),
        "unique_statuses": 0,
        "last_check": max((key[2] for key in checks), default=None),
    }
    return {"health": health, "status": "healthy" if hour and fsum(hour) >= 80 * len(hour) else "degraded"}


def data_quality(tables: Tables, as_of: datetime) -> Row:
    last, by_table = as_of.date(), defaultdict(list)
    for key, row in tables["metadata.data_quality_checks"].items():
        if last - timedelta(days=7) < key[2].date() <= last:
            by_table[key[0]].append((key[2], row["quality_percentage"]))
    data = [
        {
            "table_name": table,
            "checks_count": len(checks),
            "avg_quality": mean(quality for _, quality in checks),
            "min_quality": min(quality for _, quality in checks),
            "last_check": max(time for time, _ in checks),
        }
        for table, checks in sorted(by_table.items())
    ]
    return {"data_quality": data, "period": "7_days"}


def fixes_of(tables: Tables, lion: str, since: datetime, until: datetime) -> list[tuple[datetime, Row]]:
    """Accepted fixes of (since, until], oldest first."""
    return [
        (key[1], row)
        for key, row in sorted(tables["silver.positions"].items())
        if key[0] == lion and since < key[1] <= until and row["flags"] == 0
    ]


def last_positions(tables: Tables, until: datetime) -> dict[str, tuple[datetime, float, float]]:
    """Each lion's last accepted fix."""
    found = {}
    for (lion, time), row in sorted(tables["silver.positions"].items()):
        if time <= until and row["flags"] == 0 and tables["silver.lions"][(lion,)]["deleted_at"] is None:
            found[lion] = (time, row["lat"], row["lng"])
    return found
