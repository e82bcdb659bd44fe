"""What a replay says of its way."""

from __future__ import annotations

from liontrack_stream.replay.pace import Estimate


def test_what_is_done_and_how_long_the_rest_takes() -> None:
    way = _Way(total=5_000, left=4_000)
    assert way.after(0.0, total=5_000, left=4_000) == "1,000 of 5,000 records"
    assert way.after(2.0, total=5_000, left=3_000) == "2,000 of 5,000 records, 500/s, 6 s left"
    assert way.after(4.0, total=6_000, left=3_000) == "3,000 of 6,000 records, 250/s, 12 s left"
    assert way.after(9.0, total=6_000, left=0) == "6,000 of 6,000 records, 444/s, 0 s left"


def test_a_stream_that_comes_faster_than_it_is_stored_is_told() -> None:
    way = _Way(total=5_000, left=4_000)
    assert way.after(5.0, total=9_000, left=4_500) == "4,500 of 9,000 records", "it may be the start"
    told = way.after(11.0, total=19_000, left=7_000)
    assert told.startswith("12,000 of 19,000 records, falling behind: new ones come faster, 7,000 left (")
    assert "--rate-limit" in told and "BATCH_MAX_RECORDS" in told
    assert way.after(20.0, total=19_000, left=0).endswith(", 200/s, 0 s left"), "the load has ended"


class _Way:
    def __init__(self, total: int, left: int) -> None:
        self._now_s, self._total, self._left = 0.0, total, left
        self._estimate = Estimate(lambda: self._total, lambda: self._left, lambda: self._now_s)

    def after(self, seconds: float, total: int, left: int) -> str:
        self._now_s, self._total, self._left = seconds, total, left
        return self._estimate.sentence()
