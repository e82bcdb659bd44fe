"""Every broken record is one dead letter with its bytes and rule; its neighbours in the batch arrive."""

from __future__ import annotations

import pytest

from tests.support.bad_records import BAD, GOOD, _text
from tests.support.oracle import TOPICS, Consumed
from tests.support.records import APPENDED_MS
from tests.support.strategies import Step


@pytest.mark.parametrize("topic", TOPICS)
async def test_broken_records_between_good_ones(replay, topic):
    values = [_text(GOOD[topic])]
    for where, value, _ in BAD.values():
        if where == topic:
            values += [value, _text({**GOOD[topic], "note": len(values)})]
    records = [Consumed(topic, 0, n, APPENDED_MS + n, b"k\x00\xff", value) for n, value in enumerate(values)]
    await replay.deliver([Step(topic, 0, tuple(records))])
    assert await replay.differences(records) == []
    letters = (await replay.rows())["metadata.dead_letters"]
    assert [(offset, letters[topic, 0, offset]["raw"]) for _, _, offset in sorted(letters)] == [
        (n, value) for n, value in enumerate(values) if n % 2
    ]
    assert all(row["reason"] for row in letters.values())
