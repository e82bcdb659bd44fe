"""Every way to break the contract ends as a rejection with its rule; a record that keeps it is accepted."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Deletion, Rejected
from tests.support.bad_records import BAD, GOOD, _text
from tests.support.oracle import TOPICS


@pytest.mark.parametrize("topic", TOPICS)
def test_the_unbroken_record_is_accepted(topic):
    assert not isinstance(decode(topic, b"k", _text(GOOD[topic])), Rejected | Deletion)


@pytest.mark.parametrize("name", BAD)
def test_a_broken_record_is_rejected_by_its_rule(name):
    topic, value, rules = BAD[name]
    decoded = decode(topic, b"k", value)
    assert isinstance(decoded, Rejected), decoded
    assert decoded.rule in rules
    assert decoded.reason
    assert "\x00" not in decoded.reason


@given(st.sampled_from(TOPICS), st.none() | st.binary(max_size=20), st.none() | st.binary(max_size=300))
def test_arbitrary_bytes_never_raise(topic, key, value):
    decode(topic, key, value)
