"""Challenges: silver status events, challenges as they stand, and their users' days."""

from __future__ import annotations

from collections import defaultdict

import numpy as np

from liontrack_stream.contract.events import Challenge, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.fixes import DELETED
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.deletions import Deletions, NewDeletions, load_deletions
from liontrack_stream.warehouse.identities import Claim, columns, order_columns, settle_identities
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Causes
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_challenges(work: BatchWork) -> None:
    """Write everything that the batch's status events and deletions change in silver and gold."""
    events, _ = work.events(Challenge)
    gone = NewDeletions.of(work)
    if not (events or gone):
        return
    challenges = sorted({event.challenge_id for event in events} | gone.entities)
    named = {event.user_id for event in events}
    await work.lock(challenge=challenges)  # before any user's: only then it is known whose challenges they are
    former = dict(await work.connection.fetch(query("silver/challenge_owners"), challenges))
    await work.lock(user=named | set(former.values()))
    deletions = await load_deletions(work, challenges)
    told = dict(await work.connection.fetch(query("silver/challenges_newest"), challenges))
    withdrawn = await gone.rows(work, "silver/challenges_withdraw")
    claims = await settle_identities(
        work,
        Challenge,
        lambda event: (event.challenge_id, event.time_us, event.status),
        lambda wanted: work.connection.fetch(query("silver/challenges_stored"), *columns(wanted)),
        lambda row: (row["challenge_id"], row["updated_at"], row["status"]),
    )
    if claims.replaced:
        identities = columns(claim.identity for claim in claims.replaced)
        await work.connection.execute(query("silver/challenges_delete"), *identities)
    await copy_rows(work.connection, "silver", "challenge_events", _rows(work, claims.winners, deletions))
    now = await work.connection.fetch(query("silver/challenges_upsert"), challenges)
    first_days = dict(await work.connection.fetch(query("silver/challenge_first_events"), challenges))

    owners = {(row["challenge_id"], row["user_id"]) for row in now} | set(former.items())
    users = named | {user for _, user in owners}
    await work.lock(user=users - named - set(former.values()))
    await work.connection.execute(query("silver/users_infer"), sorted(users))
    challenges_from: dict[str, int] = {}
    for challenge, user in owners:
        challenges_from[user] = min(first_days[challenge], challenges_from.get(user, first_days[challenge]))
    causes = _causes(claims.winners, owners, first_days, told)
    taken_back = {challenge for challenge, _ in withdrawn}
    for challenge, user in owners:
        if challenge in taken_back:
            causes.deletion(user, gone.offsets_of(challenge))
    await write_user_days(work, set(), challenges_from, causes)
    changed_us = [claim.event.time_us for claim in claims.winners] + [time_us for _, time_us in withdrawn]
    work.touched("silver", "challenge_events", {time_us // DAY_US for time_us in changed_us})
    work.touched("silver", "challenges")
    work.touched("silver", "users")
    for row in now:
        work.live[row["challenge_id"]] = {
            "status": row["status"],
            "user_id": row["user_id"],
            "updated_at": iso(row["updated_at"]),
        }
        if row["deleted_at"] is not None:
            work.live[row["challenge_id"]] = None


def _causes(
    winners: list[Claim], owners: set[tuple[str, str]], first_days: dict[str, int], told: dict[str, int]
) -> Causes:
    """By user, past or present: late events, and events that made the whole challenge another user's."""
    causes = Causes()
    by_challenge: dict[str, list[Claim]] = defaultdict(list)
    for claim in winners:
        by_challenge[claim.event.challenge_id].append(claim)
    for challenge, claims in by_challenge.items():
        users, told_us = [user for other, user in owners if other == challenge], told.get(challenge)
        for user in users:
            for claim in claims:
                causes.event(user, claim.event.time_us, claim.order[2], told_us)
            if len(users) > 1 and told_us is not None:
                days = range(first_days[challenge], told_us // DAY_US + 1)
                causes.moved(user, days, (claim.order[2] for claim in claims))
    return causes


def _rows(work: BatchWork, winners: list[Claim], deletions: Deletions) -> Rows:
    events: list[Challenge] = [claim.event for claim in winners]
    hidden = [deletions.hides(c.order, c.event.challenge_id, _event_id(c.event)) for c in winners]
    rows = Rows(len(events)).int2("flags", np.where(np.array(hidden, bool), DELETED, 0))
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


def _event_id(event: Challenge) -> str | None:
    """The status event's own id, as ``silver/challenges_withdraw`` reads it from the metadata."""
    value = (event.extra or {}).get("event_id")
    return value if isinstance(value, str) else None
