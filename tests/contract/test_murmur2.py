"""Kafka's hash of keys, against aiokafka's."""

from __future__ import annotations

from aiokafka.partitioner import murmur2 as one_by_one
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.contract.murmur2 import murmur2


@given(st.lists(st.binary(max_size=40)))
def test_as_aiokafkas(keys: list[bytes]) -> None:
    assert [int(found) for found in murmur2(keys)] == [one_by_one(key) & 0xFFFFFFFF for key in keys]
