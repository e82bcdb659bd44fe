"""Challenges: silver status events, challenges as they stand, and their users' days."""

from __future__ import annotations

import numpy as np

from liontrack_stream.contract.events import Challenge, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.identities import Claim, columns, order_columns, settle_identities
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_challenges(work: BatchWork) -> None:
    """Write everything that the batch's status events change in silver and gold."""
    events, _ = work.events(Challenge)
    if not events:
        return
    challenges = sorted({event.challenge_id for event in events})
    named = {event.user_id for event in events}
    await work.lock(user=named, identity={f"challenge {challenge}" for challenge in challenges})
    former = dict(await work.connection.fetch(query("silver/challenge_owners"), challenges))
    await work.lock(user=set(former.values()) - named)
    claims = await settle_identities(
        work,
        Challenge,
        lambda event: (event.challenge_id, event.time_us, event.status),
        lambda wanted: work.connection.fetch(query("silver/challenges_stored"), *columns(wanted)),
        lambda row: (row["challenge_id"], row["updated_at"], row["status"]),
    )
    if claims.replaced:
        gone = columns(claim.identity for claim in claims.replaced)
        await work.connection.execute(query("silver/challenges_delete"), *gone)
    await copy_rows(work.connection, "silver", "challenge_events", _rows(work, claims.winners))
    now = await work.connection.fetch(query("silver/challenges_upsert"), challenges)
    first_days = dict(await work.connection.fetch(query("silver/challenge_first_events"), challenges))

    owners = {(row["challenge_id"], row["user_id"]) for row in now} | set(former.items())
    users = named | {user for _, user in owners}
    await work.lock(user=users - named - set(former.values()))
    await work.connection.execute(query("silver/users_infer"), sorted(users))
    challenges_from: dict[str, int] = {}
    for challenge, user in owners:
        challenges_from[user] = min(first_days[challenge], challenges_from.get(user, first_days[challenge]))
    await write_user_days(work, set(), challenges_from)
    work.touched("silver", "challenge_events", {claim.event.time_us // DAY_US for claim in claims.winners})
    work.touched("silver", "challenges")
    work.touched("silver", "users")
    for row in now:
        work.live[row["challenge_id"]] = {
            "status": row["status"],
            "user_id": row["user_id"],
            "updated_at": iso(row["updated_at"]),
        }


def _rows(work: BatchWork, winners: list[Claim]) -> Rows:
    events: list[Challenge] = [claim.event for claim in winners]
    rows = Rows(len(events))
    rows.text("challenge_id", [event.challenge_id for event in events])
    rows.timestamp("updated_at", [event.time_us for event in events])
    rows.text("status", [event.status for event in events]).text("user_id", [event.user_id for event in events])
    rows.text("title", [event.title for event in events])
    rows.text("description", [event.description for event in events])
    for column, times in (
        ("created_at", [event.created_us for event in events]),
        ("due_date", [event.due_us for event in events]),
    ):
        null = np.array([time is None for time in times], bool)
        rows.timestamp(column, [time or 0 for time in times], null)
    rows.float8("progress", np.array([event.progress for event in events], np.float64))
    rows.json("metadata", [None if event.extra is None else to_json(event.extra) for event in events])
    return order_columns(rows, work.topic.name, winners)
