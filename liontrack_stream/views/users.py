"""One user: engagement, activity, challenges. For the user itself and admins."""

from __future__ import annotations

from aiohttp import web

from liontrack_stream.views.bodies.users import ActivitySummaryBody, ChallengesBody, EngagementBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import UnknownUser
from liontrack_stream.views.parameters import AS_OF, Id, Instant, WholeNumber
from liontrack_stream.views.positions import iso_z
from liontrack_stream.views.routes import Access, Route

CHALLENGES_MAX = 1_000

CHALLENGES_LIMIT = WholeNumber("limit", "At most so many challenges.", CHALLENGES_MAX, low=1, high=CHALLENGES_MAX)
BEFORE = Instant("before", "The updated_at with which the list goes on; see the header Link.", None)
AFTER = Id("after", "With before: the challenge_id after which the list goes on.", None)

_DAY = (
    "user_id",
    "activity_date",
    "challenges_completed",
    "challenges_in_progress",
    "weight_entries",
    "engagement_score",
)
_STATS = ("total", "completed", "in_progress", "abandoned")
_CHALLENGE = ("challenge_id", "title", "status", "age_days", "created_at", "updated_at")


async def engagement(call: Call) -> web.Response:
    """A user's latest score, and its latest 30 days with data up to the day of `as_of`, newest first."""
    user_id = call.user_id
    rows = await call.site.database.rows("user_engagement", user_id, call.as_of)
    if not rows:
        raise UnknownUser
    history = [{name: row[name] for name in _DAY} for row in rows if row["activity_date"] is not None]
    score = history[0]["engagement_score"] if history else None
    return call.json({"user_id": user_id, "current_score": score, "history": history})


async def activity_summary(call: Call) -> web.Response:
    """A user in the 30 UTC days that end with the day of `as_of`."""
    user_id = call.user_id
    rows = await call.site.database.rows("user_activity_summary", user_id, call.as_of)
    if not rows:
        raise UnknownUser
    return call.json({"user_id": user_id, "period": "30_days", "summary": dict(rows[0]), "timestamp": call.now})


async def challenges_analytics(call: Call) -> web.Response:
    """A user's challenges as they were at `as_of`, the latest changed first.

    By their events up to then. What was deleted since is not in the past either.
    """
    user_id, limit = call.user_id, call[CHALLENGES_LIMIT]
    rows = await call.site.database.rows("user_challenges", user_id, call.as_of, call[BEFORE], call[AFTER], limit + 1)
    if not rows:
        raise UnknownUser
    found = [{name: row[name] for name in _CHALLENGE} for row in rows if row["challenge_id"] is not None]
    headers = {}
    if len(found) > limit:
        last = found[limit - 1]
        headers["Link"] = call.next_page(
            before=iso_z(last["updated_at"]), after=last["challenge_id"], as_of=iso_z(call.as_of)
        )
    stats = {name: rows[0][name] for name in _STATS}
    return call.json({"user_id": user_id, "stats": stats, "challenges": found[:limit]}, headers=headers)


_ONE = "/api/analytics/users/{userId}"

ROUTES = (
    Route(f"{_ONE}/engagement", engagement, Access.OWN_USER, (AS_OF,), EngagementBody),
    Route(f"{_ONE}/activity-summary", activity_summary, Access.OWN_USER, (AS_OF,), ActivitySummaryBody),
    Route(
        f"{_ONE}/challenges-analytics",
        challenges_analytics,
        Access.OWN_USER,
        (AS_OF, CHALLENGES_LIMIT, BEFORE, AFTER),
        ChallengesBody,
    ),
)
