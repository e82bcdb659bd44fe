"""The five topics: one definition of their names, nouns and record keys."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class TopicSpec:
    """A topic of the contract. ``noun`` names its slice through every layer."""

    name: str
    noun: str
    key_field: str


POSITIONS = TopicSpec("lions.position.events", "positions", "lion_id")
WEIGHTS = TopicSpec("lions.weight.events", "weights", "lion_id")
ACTIVITIES = TopicSpec("users.activity.events", "activities", "user_id")
CHALLENGES = TopicSpec("challenges.status.events", "challenges", "challenge_id")
QUALITY = TopicSpec("data.quality.events", "quality", "table_name")

TOPICS: tuple[TopicSpec, ...] = (POSITIONS, WEIGHTS, ACTIVITIES, CHALLENGES, QUALITY)
BY_NAME: dict[str, TopicSpec] = {topic.name: topic for topic in TOPICS}
