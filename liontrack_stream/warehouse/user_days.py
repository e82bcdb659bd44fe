"""``gold.users_activity``: recounting the days that activities, weighings or challenges changed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

from liontrack_stream.core.engagement import WEIGHT_ACTIVITIES, challenge_days, user_days
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.warehouse.lion_days import END_DAY
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Causes
from liontrack_stream.warehouse.work import BatchWork

UserDays = set[tuple[str, int]]  # (user_id, day since the epoch)
_COLUMNS = (
    "challenges_completed",
    "challenges_in_progress",
    "challenges_total",
    "activity_events",
    "weight_entries",
    "engagement_score",
)


async def write_user_days(
    work: BatchWork, recount: UserDays, challenges_from: Mapping[str, int], causes: Causes
) -> None:
    """Write the user-days that changed; their users must be locked.

    Parameters
    ----------
    recount
        User-days whose activities or weight entries changed.
    challenges_from
        User to the first day on which one of the user's challenges, past or present, may have changed.
    causes
        Why rows that had been told change, by user.
    """
    users = sorted({user for user, _ in recount} | set(challenges_from))
    if not (users and work.gold):
        return
    histories = await _histories(work, users)
    facts = await _stored_facts(work, challenges_from)
    for user, first_day in challenges_from.items():
        days = {day for events in histories[user] for day in challenge_days(events)}
        facts.update({(user, day): facts.get((user, day), (0, 0)) for day in days if day >= first_day})
    facts.update(await _recounted(work, recount))
    lookback_days = END_DAY if challenges_from else 0  # a challenge counts in every later day's total
    noted = {cell: cause for cell in facts if (cause := causes.of_day(*cell, lookback_days)) is not None}
    before = await _stored_rows(work, list(noted))

    by_user: dict[str, dict[int, tuple[int, int]]] = defaultdict(dict)
    for (user, day), counts in facts.items():
        by_user[user][day] = counts
    upserts: list[tuple[Any, ...]] = []
    gone: list[tuple[str, int]] = []
    for user, counted in sorted(by_user.items()):
        event_days = {day for events in histories[user] for day in challenge_days(events)}
        rows = user_days(sorted(counted), {day: entries for day, (_, entries) in counted.items()}, histories[user])
        for day, row in rows.items():
            activities, entries = counted[day]
            if not (activities or entries or day in event_days):
                gone.append((user, day))
                continue
            upserts.append(
                (
                    user,
                    day,
                    row.challenges_completed,
                    row.challenges_in_progress,
                    row.challenges_total,
                    activities,
                    entries,
                    row.engagement_score,
                )
            )
    if upserts:
        await work.connection.execute(query("gold/user_days_upsert"), *map(list, zip(*upserts, strict=True)))
    if gone:
        await work.connection.execute(query("gold/user_days_delete"), *map(list, zip(*gone, strict=True)))
    work.touched("gold", "users_activity", {day for _, day in facts})
    after = {(user, day): dict(zip(_COLUMNS, row, strict=True)) for user, day, *row in upserts}
    for (user, day), cause in noted.items():
        row_before, row_after = before.get((user, day)), after.get((user, day))
        work.revisions.note("gold.users_activity", user, day * DAY_US, row_before, row_after, cause)


async def _stored_rows(work: BatchWork, wanted: list[tuple[str, int]]) -> dict[tuple[str, int], dict[str, Any]]:
    """What the warehouse says of user-days."""
    if not wanted:
        return {}
    rows = await work.connection.fetch(query("gold/user_days_stored"), *map(list, zip(*wanted, strict=True)))
    return {(user, day): dict(zip(_COLUMNS, row, strict=True)) for user, day, *row in rows}


async def _histories(work: BatchWork, users: list[str]) -> dict[str, list[list[tuple[int, str]]]]:
    """Each user's challenges, each as its (time_us, status) events by time."""
    found: dict[str, dict[str, list[tuple[int, str]]]] = {user: defaultdict(list) for user in users}
    for user, challenge, time_us, status in await work.connection.fetch(query("silver/challenge_histories"), users):
        found[user][challenge].append((time_us, status))
    return {user: list(challenges.values()) for user, challenges in found.items()}


async def _stored_facts(work: BatchWork, from_days: Mapping[str, int]) -> dict[tuple[str, int], tuple[int, int]]:
    if not from_days:
        return {}
    rows = await work.connection.fetch(query("gold/user_days"), list(from_days), list(from_days.values()))
    return {(user, day): (activities, entries) for user, day, activities, entries in rows}


async def _recounted(work: BatchWork, wanted: UserDays) -> dict[tuple[str, int], tuple[int, int]]:
    if not wanted:
        return {}
    pairs = sorted(wanted)
    rows = await work.connection.fetch(
        query("gold/user_day_facts"), *map(list, zip(*pairs, strict=True)), sorted(WEIGHT_ACTIVITIES)
    )
    return {pairs[n]: (activities, entries) for n, activities, entries in rows}
