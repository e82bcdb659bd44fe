"""Kafka's hash of a record's key, of many at once.

What Java's, kafkajs's and aiokafka's producers choose partitions by; librdkafka's does if told to (``murmur2_random``).
Source: ``org.apache.kafka.common.utils.Utils.murmur2``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

_SEED, _M = 0x9747B28C, np.uint32(0x5BD1E995)


def murmur2(keys: Sequence[bytes]) -> NDArray[np.uint32]:
    """The hash of each key, 32 bits."""
    lengths = np.fromiter(map(len, keys), np.int64, len(keys))
    hashes = np.empty(len(keys), np.uint32)
    for length in np.unique(lengths).tolist():
        places = np.flatnonzero(lengths == length)
        some = np.frombuffer(b"".join(keys[place] for place in places.tolist()), np.uint8)
        hashes[places] = _of_one_length(some.reshape(len(places), length))
    return hashes


def _of_one_length(keys: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """``keys``: a row of bytes each."""
    count, length = keys.shape
    whole = length - length % 4
    h: NDArray[np.uint32] = np.full(count, _SEED ^ length, np.uint32)
    for word in np.ascontiguousarray(keys[:, :whole]).view("<u4").T.astype(np.uint32):
        h = (h * _M) ^ (_mixed(word * _M, 24) * _M)
    for place in range(whole, length):
        h ^= keys[:, place].astype(np.uint32) << np.uint32(8 * (place - whole))
    if whole < length:
        h *= _M
    return _mixed(_mixed(h, 13) * _M, 15)


def _mixed(h: NDArray[np.uint32], shift: int) -> NDArray[np.uint32]:
    return h ^ (h >> np.uint32(shift))
