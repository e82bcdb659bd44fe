"""The consumer group: deals all partitions out to its members, and tells them, each a little later than the other.

Harsher than Kafka's: nobody waits for members to give up what they had. Each rebalance moves most partitions.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from liontrack_stream.kafka.ports import Partition


class Group:
    """``rebalances`` counts them; ``changed`` is set, and exchanged, by each."""

    def __init__(self, topics: Sequence[str], partitions_per_topic: int) -> None:
        self._topics, self._numbers = topics, range(partitions_per_topic)
        self._members: set[int] = set()
        self.rebalances = 0
        self.changed = asyncio.Event()

    @property
    def members(self) -> frozenset[int]:
        return frozenset(self._members)

    def join(self, *numbers: int) -> None:
        """Some become members; one rebalance."""
        self._rebalance(self._members.union(numbers))

    def leave(self, number: int) -> None:
        """One is no member any more."""
        self._rebalance(self._members - {number})

    def share(self, number: int) -> list[Partition]:
        """What is a member's: the same partitions of every topic; nothing for who is none."""
        if number not in self._members:
            return []
        members = sorted(self._members)
        first = (members.index(number) + self.rebalances) % len(members)
        return [(topic, partition) for topic in self._topics for partition in self._numbers[first :: len(members)]]

    def _rebalance(self, members: set[int]) -> None:
        if members == self._members:
            return
        self._members = members
        self.rebalances += 1
        changed, self.changed = self.changed, asyncio.Event()
        changed.set()
