"""What can go wrong when talking to Kafka outside the worker; importing this is cheap."""

from __future__ import annotations


class TopicError(Exception):
    """Kafka could not be reached or refused a topic; the message is a sentence."""


class ProduceError(Exception):
    """Kafka could not be reached or refused records; the message is a sentence."""
