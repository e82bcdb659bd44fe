"""The oracle's users, challenges and quality checks, by hand."""

from __future__ import annotations

from datetime import date

from tests.support.oracle import compute
from tests.support.records import APPENDED_MS, activity, at, challenge, check, weight


def days(*records):
    rows = compute(records)["gold.users_activity"]
    columns = (
        "challenges_completed",
        "challenges_in_progress",
        "challenges_total",
        "weight_entries",
        "engagement_score",
    )
    return {(user, day.day): tuple(row[column] for column in columns) for (user, day), row in rows.items()}


def test_a_challenges_days():
    """
    ::

        March    1            2            3           4             5
        c1       pending      in_progress              completed
        c2                                 pending     in_progress   abandoned
    """
    assert days(
        challenge("c1", "u", "2025-03-01T10:00:00", "pending"),
        challenge("c1", "u", "2025-03-02T10:00:00", "in_progress"),
        challenge("c1", "u", "2025-03-04T10:00:00", "completed"),
        challenge("c2", "u", "2025-03-03T10:00:00", "pending"),
        challenge("c2", "u", "2025-03-04T11:00:00", "in_progress"),
        challenge("c2", "u", "2025-03-05T00:00:00", "abandoned"),
    ) == {
        ("u", 1): (0, 0, 1, 0, 0),
        ("u", 2): (0, 1, 1, 0, 0),
        ("u", 3): (0, 1, 2, 0, 0),
        ("u", 4): (1, 1, 2, 0, 16.666667),
        ("u", 5): (0, 0, 2, 0, 0),
    }


def test_completing_again_counts_only_after_something_else():
    """A second 'completed' is no transition; one after 'in_progress' is; a day counts a challenge once."""
    assert days(
        challenge("c", "u", "2025-03-01T10:00:00", "completed"),
        challenge("c", "u", "2025-03-02T10:00:00", "completed"),
        challenge("c", "u", "2025-03-02T11:00:00", "in_progress"),
        challenge("c", "u", "2025-03-02T12:00:00", "completed"),
        challenge("c", "u", "2025-03-02T13:00:00", "in_progress"),
        challenge("c", "u", "2025-03-02T14:00:00", "completed"),
        challenge("c", "u", "2025-03-03T14:00:00", "completed"),
    ) == {("u", 1): (1, 0, 1, 0, 25), ("u", 2): (1, 0, 1, 0, 25), ("u", 3): (0, 0, 1, 0, 0)}


def test_of_two_events_of_one_instant_the_first_appended_is_the_later():
    first = challenge("c", "u", "2025-03-01T10:00:00", "completed", where={"timestamp": APPENDED_MS})
    second = challenge("c", "u", "2025-03-01T10:00:00", "pending", where={"timestamp": APPENDED_MS + 1})
    assert compute([second, first])["silver.challenges"][("c",)]["status"] == "completed"
    assert days(first, second) == {("u", 1): (1, 0, 1, 0, 25)}


def test_a_challenge_belongs_to_the_user_of_its_latest_event():
    events = [
        challenge("c", "u", "2025-03-01T10:00:00", "pending"),
        challenge("c", "v", "2025-03-02T10:00:00", "completed"),
    ]
    assert days(*events) == {("v", 1): (0, 0, 1, 0, 0), ("v", 2): (1, 0, 1, 0, 25)}
    tables = compute(events)
    assert set(tables["silver.users"]) == {("u",), ("v",)}
    assert tables["silver.challenges"][("c",)]["created_at"] == at("2025-03-01 10:00")


def test_created_at_is_the_earliest_carried():
    events = [
        challenge("c", "u", "2025-03-01T10:00:00", "pending"),
        challenge("c", "u", "2025-03-03T10:00:00", "in_progress", created_at="2025-03-02T00:00:00Z"),
        challenge("c", "u", "2025-03-04T10:00:00", "completed", created_at="2025-03-03T00:00:00Z"),
    ]
    assert compute(events)["silver.challenges"][("c",)]["created_at"] == at("2025-03-02 00:00")


def test_weight_entries_come_from_both_topics():
    assert days(
        activity("u", "2025-03-01T23:59:59.999999", "weight_logged"),
        activity("u", "2025-03-02T00:00:00", "weight_added"),
        activity("u", "2025-03-02T00:00:01", "weight_entry"),
        activity("u", "2025-03-02T00:00:02", "login"),
        weight("w1", "a", "2025-03-02", 180, user_id="u"),
        weight("w2", "a", "2025-03-02", 180),
        weight("w3", "a", "2025-03-03", 900, user_id="u"),
    ) == {("u", 1): (0, 0, 0, 1, 0.5), ("u", 2): (0, 0, 0, 3, 1.5)}


def test_profiles_take_each_field_from_the_latest_event_that_carries_it():
    rows = compute(
        [
            activity("u", "2025-03-02T00:00:00", username="new"),
            activity("u", "2025-03-01T00:00:00", username="old", email="u@example.org", metadata={"roles": ["ranger"]}),
            activity("u", "2025-03-03T00:00:00"),
            weight("w", "a", "2025-03-01", 180, user_id="v"),
        ]
    )["silver.users"]
    assert rows[("u",)] == {
        "username": "new",
        "email": "u@example.org",
        "roles": ["ranger"],
        "created_at": at("2025-03-01 00:00"),
        "updated_at": at("2025-03-03 00:00"),
        "deleted_at": None,
        "inferred": False,
    }
    assert (rows[("v",)]["username"], rows[("v",)]["roles"], rows[("v",)]["inferred"]) == ("v", [], True)


def test_user_windows_count_by_type():
    rows = compute(
        [
            activity("u", "2025-03-01T00:00:00"),
            activity("u", "2025-03-01T00:04:59.999999"),
            activity("u", "2025-03-01T00:04:00", "view"),
            activity("u", "2025-03-01T00:05:00", "view"),
        ]
    )["gold.user_windows"]
    assert rows == {
        ("u", at("2025-03-01 00:00")): {"events": 3, "activities": {"login": 2, "view": 1}},
        ("u", at("2025-03-01 00:05")): {"events": 1, "activities": {"view": 1}},
    }


def test_an_activity_repeats_only_with_its_event_id():
    tables = compute(
        [
            activity("u", "2025-03-01T00:00:00", event_id="1"),
            activity("u", "2025-03-01T00:00:00", event_id="2"),
            activity("u", "2025-03-01T00:00:00"),
            activity("u", "2025-03-01T00:00:00", page="/"),
        ]
    )
    assert sorted(key[3] for key in tables["silver.user_activities"]) == ["", "1", "2"]
    assert [row["conflict"] for row in tables["metadata.repeats"].values()] == [True]


def test_quality_by_day():
    rows = compute(
        [
            check("silver.lions", "2025-03-01T10:00:00", 90),
            check("silver.lions", "2025-03-01T11:00:00", 100),
            check("silver.lions", "2025-03-02T00:00:00", 50),
            check("silver.lions", "2025-03-01T11:00:00", 10),
        ]
    )
    assert len(rows["metadata.repeats"]) == 1
    assert rows["gold.quality_daily"][("silver.lions", date(2025, 3, 1))] == {
        "checks_count": 2,
        "avg_quality": 95.0,
        "min_quality": 90.0,
        "last_check": at("2025-03-01 11:00"),
    }
