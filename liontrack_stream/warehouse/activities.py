"""Activities: silver activities, users' profiles, 5-minute windows and user-days."""

from __future__ import annotations

from typing import Any

from liontrack_stream.contract.events import Activity, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.windows import WINDOW_US
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.identities import Claim, columns, order_columns, settle_identities
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_activities(work: BatchWork) -> None:
    """Write everything that the batch's activities change in silver and gold."""
    events, _ = work.events(Activity)
    if not events:
        return
    users = {event.user_id for event in events}
    await work.lock(user=users)
    claims = await settle_identities(
        work,
        Activity,
        lambda event: (event.user_id, event.activity_type, event.time_us, event.event_id),
        lambda wanted: work.connection.fetch(query("silver/activities_stored"), *columns(wanted)),
        lambda row: (row["user_id"], row["activity_type"], row["event_time"], row["event_id"]),
    )
    if claims.replaced:
        gone = columns(claim.identity for claim in claims.replaced)
        await work.connection.execute(query("silver/activities_delete"), *gone)
    await copy_rows(work.connection, "silver", "user_activities", _rows(work, claims.winners))
    await work.connection.execute(query("silver/users_upsert"), sorted(users))
    new: list[Activity] = [claim.event for claim in claims.winners]
    windows = sorted({(event.user_id, event.time_us // WINDOW_US * WINDOW_US) for event in new})
    if windows:
        await work.connection.execute(query("gold/user_windows_upsert"), *columns(windows))
    days = {(event.user_id, event.time_us // DAY_US) for event in new}
    await write_user_days(work, days, {})
    work.touched("silver", "user_activities", {day for _, day in days})
    work.touched("silver", "users")
    work.touched("gold", "user_windows", {start // DAY_US for _, start in windows})
    for event in sorted(new, key=lambda event: event.time_us):
        work.live[event.user_id] = {"activity_type": event.activity_type, "event_time": iso(event.time_us)}


def _rows(work: BatchWork, winners: list[Claim]) -> Rows:
    events: list[Activity] = [claim.event for claim in winners]
    rows = Rows(len(events))
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
