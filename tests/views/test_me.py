"""Who asks: what the token says, and whether anything is known of that user."""

from __future__ import annotations

from datetime import datetime, tzinfo

import pytest

from liontrack_stream.views import access
from tests.views.conftest import Client
from tests.views.tokens import FAR_AHEAD, signed

ME = "/api/analytics/me"


async def test_a_guest_is_nobody(client: Client) -> None:
    body = await (await client.get(ME)).json()
    assert (body["user_id"], body["known"], body["roles"], body["positions"]) == (None, False, [], "generalised")


@pytest.mark.parametrize(
    ("user_id", "known"),
    [("u1", True), ("nobody", False), ("u3", False), ("nul \x00", False), ("x" * 2_000, False)],
)
async def test_known_are_users_that_events_named(client: Client, user_id: str, known: bool) -> None:
    """u3 was deleted; the last ones cannot be stored. As `known` says, a user's routes have an answer or not."""
    token = signed(("user",), id=user_id)
    response = await client.get(ME, headers=token)
    body = await response.json()
    assert (response.status, body["known"]) == (200, known), body
    if user_id.isalnum() and len(user_id) < 100:
        summary = await client.get(f"/api/analytics/users/{user_id}/activity-summary", headers=token)
        assert summary.status == (200 if known else 404)


async def test_a_token_that_was_read_before_ends_in_time(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    token = signed(("ranger",), exp=FAR_AHEAD)
    for _ in range(2):
        assert (await client.get(ME, headers=token)).status == 200

    class Later(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> Later:
            return cls.fromtimestamp(FAR_AHEAD, tz)

    monkeypatch.setattr(access, "datetime", Later)
    assert (await client.get(ME, headers=token)).status == 401
