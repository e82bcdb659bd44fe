"""Lion-days written batch after batch: what is kept between them changes no day."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from liontrack_stream.core.health import LionDay, settle_days
from liontrack_stream.warehouse.lion_days import Days, DaysOf, write_days

_FACTS = st.builds(
    LionDay,
    fixes=st.integers(0, 60),
    stationary=st.sampled_from([None, False, True]),
    avg_weight=st.sampled_from([None, 150.0, 151.0, 190.0]),
    weight_count=st.just(1),
)
_DAYS = st.sampled_from([0, 10, 39, 40])  # few, so that the last day's neighbours change between two of its batches
_BATCHES = st.lists(st.dictionaries(_DAYS, _FACTS, min_size=1, max_size=2), max_size=12)


async def _ignore(*statement: Any) -> None:
    return None


_NOWHERE: Any = SimpleNamespace(connection=SimpleNamespace(execute=_ignore), touched=lambda *table: None)


@given(_BATCHES)
def test_days_written_in_batches_are_those_settled_at_once(batches: list[Days]) -> None:
    kept, facts = DaysOf("nala", {}), {}
    for changed in batches:
        facts |= changed
        [kept] = asyncio.run(write_days(_NOWHERE, [kept], [changed]))
        assert kept.days == settle_days(facts, facts)
