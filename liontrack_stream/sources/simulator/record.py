"""A contract event as a Kafka record: JSON in the order of its fields, keyed as the contract says."""

from __future__ import annotations

from typing import Any

import msgspec

from liontrack_stream.contract.topics import TopicSpec
from liontrack_stream.kafka.producer import Outgoing, headers_for
from liontrack_stream.sources.simulator.plan import SOURCE

_encode = msgspec.json.Encoder().encode


def event_record(topic: TopicSpec, event: dict[str, Any], event_time: str) -> Outgoing:
    """``event_time`` goes into the header, in the form the producer uses."""
    key = str(event[topic.key_field]).encode()
    return Outgoing(topic.name, key, _encode(event), headers_for(topic.name, event_time.encode(), SOURCE.encode()))
