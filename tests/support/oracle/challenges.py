"""Challenges: their events, their latest state, and what a user's days hold of them (contract §2).

Within a challenge events are ordered by (updated_at, then *highest* order first), so that of two events of the same
instant the one with the lowest (append time, partition, offset) is the later, and the latest event of all::

    pending ── in_progress ── completed ── completed ── in_progress ── completed
                                  ▲ transition (1)                         ▲ transition (2)
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from .settle import Stored, day_number, moment


class Story:
    """The events of one challenge, oldest first. It belongs to the user of its latest event."""

    def __init__(self, events: Iterable[Stored]) -> None:
        self.events = sorted(sorted(events, key=lambda s: s.order, reverse=True), key=lambda s: s.event.time_us)
        self.latest = self.events[-1].event
        self.user_id = self.latest.user_id
        self.days = {day_number(s.event.time_us) for s in self.events}
        self.first_day = min(self.days)

    def status_at_end_of(self, day: int) -> str | None:
        past = [s.event.status for s in self.events if day_number(s.event.time_us) <= day]
        return past[-1] if past else None

    def completed_on(self, day: int) -> bool:
        """Whether it passed into 'completed' from anything else on that day."""
        before: str | None = None
        for stored in self.events:
            status = stored.event.status
            if day_number(stored.event.time_us) == day and status == "completed" and before != "completed":
                return True
            before = status
        return False


def stories(winners: Iterable[Stored]) -> dict[str, Story]:
    """Each challenge's story, by challenge_id."""
    by_challenge: dict[str, list[Stored]] = defaultdict(list)
    for stored in winners:
        by_challenge[stored.event.challenge_id].append(stored)
    return {challenge_id: Story(events) for challenge_id, events in by_challenge.items()}


def event_rows(winners: Iterable[Stored]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.challenge_events: one row per (challenge_id, updated_at, status)."""
    return {
        (stored.event.challenge_id, moment(stored.event.time_us), stored.event.status): {
            "user_id": stored.event.user_id,
            "title": stored.event.title,
            "description": stored.event.description,
            "created_at": moment(stored.event.created_us),
            "due_date": moment(stored.event.due_us),
            "progress": stored.event.progress,
            "metadata": stored.event.extra or None,
            "topic": stored.topic,
            **stored.provenance(),
        }
        for stored in winners
    }


def challenge_rows(by_challenge: dict[str, Story]) -> dict[tuple[Any, ...], dict[str, Any]]:
    """silver.challenges: one row per challenge, the fields of its latest event."""
    rows = {}
    for challenge_id, story in by_challenge.items():
        carried = [s.event.created_us for s in story.events if s.event.created_us is not None]
        created_us = min(carried) if carried else story.events[0].event.time_us
        rows[(challenge_id,)] = {
            "user_id": story.user_id,
            "title": story.latest.title,
            "description": story.latest.description,
            "status": story.latest.status,
            "created_at": moment(created_us),
            "updated_at": moment(story.latest.time_us),
            "due_date": moment(story.latest.due_us),
            "progress": story.latest.progress,
        }
    return rows
