"""Activities: silver activities, users' profiles, 5-minute windows and user-days."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec.json import decode

from liontrack_stream.contract.events import Activity, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.fixes import DELETED
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.day_partitions import execute_by_period, fetch_by_period
from liontrack_stream.warehouse.deletions import Deletions, NewDeletions, load_deletions
from liontrack_stream.warehouse.identities import Claim, columns, order_columns, settle_identities
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Cause, Causes
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_activities(work: BatchWork) -> None:
    """Write everything that the batch's activities and deletions change in silver and gold."""
    events, _ = work.events(Activity)
    gone = NewDeletions.of(work)
    if not (events or gone):
        return
    users = {event.user_id for event in events}
    await work.lock(user=users | gone.entities)
    deletions = await load_deletions(work, users | gone.entities)
    told = dict(await work.connection.fetch(query("silver/activities_newest"), sorted(users)))
    withdrawn = await gone.rows(work, "silver/activities_withdraw")
    claims = await settle_identities(
        work,
        Activity,
        lambda event: (event.user_id, event.activity_type, event.time_us, event.event_id),
        lambda wanted: work.connection.fetch(query("silver/activities_stored"), *columns(wanted)),
        lambda row: (row["user_id"], row["activity_type"], row["event_time"], row["event_id"]),
    )
    if claims.replaced:
        identities = columns(claim.identity for claim in claims.replaced)
        await work.connection.execute(query("silver/activities_delete"), *identities)
    await copy_rows(work.connection, "silver", "user_activities", _rows(work, claims.winners, deletions))
    await _write_users(work, users, gone.entities)

    causes = Causes()
    for claim in claims.winners:
        causes.event(claim.event.user_id, claim.event.time_us, claim.order[2], told.get(claim.event.user_id))
    for user, _ in withdrawn:
        causes.deletion(user, gone.offsets_of(user))
    touched = {(claim.event.user_id, claim.event.time_us) for claim in claims.winners}
    touched |= {(user, time_us) for user, time_us in withdrawn}
    await write_windows(work, sorted({(user, us // WINDOW_US * WINDOW_US) for user, us in touched}), causes)
    days = {(user, us // DAY_US) for user, us in touched}
    await write_user_days(work, days, {}, causes)
    work.touched("silver", "user_activities", {day for _, day in days})
    work.touched("silver", "users")
    for event in sorted((claim.event for claim in claims.winners), key=lambda event: event.time_us):
        work.live[event.user_id] = {"activity_type": event.activity_type, "event_time": iso(event.time_us)}
    work.live.update(dict.fromkeys(user for user, _ in withdrawn))


async def _write_users(work: BatchWork, named: set[str], deleted: set[str]) -> None:
    """Users with an event, and those deleted that were known: a deletion makes no user."""
    known = await work.connection.fetch(query("silver/users_known"), sorted(deleted - named)) if deleted else []
    await work.connection.execute(query("silver/users_upsert"), sorted(named | {row["user_id"] for row in known}))


async def write_windows(work: BatchWork, windows: list[tuple[str, int]], causes: Causes) -> None:
    """Count windows (user, start in µs) anew, and note what they had told."""
    if not (windows and work.gold):
        return
    noted: dict[tuple[str, int], Cause] = {
        window: cause for window in windows if (cause := causes.of_window(*window)) is not None
    }
    before = await _stored_windows(work, list(noted))
    await work.connection.execute(query("gold/user_windows_upsert"), *columns(windows))
    users, starts = columns(windows)
    await execute_by_period(work, "gold/user_windows_delete", starts, users, starts)
    after = await _stored_windows(work, list(noted))
    for window, cause in noted.items():
        work.revisions.note("gold.user_windows", *window, before.get(window), after.get(window), cause)
    work.touched("gold", "user_windows", {start // DAY_US for _, start in windows})


async def _stored_windows(work: BatchWork, windows: list[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    if not windows:
        return {}
    users, starts = columns(windows)
    rows = await fetch_by_period(work, "gold/user_windows_stored", starts, users, starts)
    return {
        (row["user_id"], row["window_start"]): {"events": row["events"], "activities": decode(row["activities"])}
        for row in rows
    }


def _rows(work: BatchWork, winners: list[Claim], deletions: Deletions) -> Rows:
    events: list[Activity] = [claim.event for claim in winners]
    hidden = [deletions.hides(claim.order, claim.event.user_id, claim.event.event_id) for claim in winners]
    rows = Rows(len(events)).int2("flags", np.where(np.array(hidden, bool), DELETED, 0))
    rows.text("user_id", [event.user_id for event in events])
    rows.text("activity_type", [event.activity_type for event in events])
    rows.timestamp("event_time", [event.time_us for event in events])
    rows.text("event_id", [event.event_id for event in events])
    rows.text("username", [event.username for event in events]).text("email", [event.email for event in events])
    rows.texts("roles", [event.roles for event in events])
    rows.json("metadata", [_json(event.extra) for event in events])
    return order_columns(rows, work.topic.name, winners)


def _json(extra: dict[str, Any] | None) -> bytes | None:
    return None if extra is None else to_json(extra)
