"""What can go wrong when talking to Kafka outside the worker; importing this is cheap."""

from __future__ import annotations

import logging


class TopicError(Exception):
    """Kafka could not be reached or refused a topic; the message is a sentence."""


class ProduceError(Exception):
    """Kafka could not be reached or refused records; the message is a sentence."""


def quiet_kafka_client() -> None:
    """Silence aiokafka's log of failed connections: a command says what failed in its own sentence."""
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
