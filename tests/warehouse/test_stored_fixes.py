"""Reading fixes around a range finds what a look at all fixes finds, however far away the neighbours are."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest

from liontrack_stream.warehouse.stored_fixes import MARGIN_CANDIDATES, Wanted, read_fixes, read_last_known
from tests.support.oracle import POSITIONS
from tests.support.records import APPENDED_MS, fix
from tests.support.replaying import Replay
from tests.support.strategies import Step

START = datetime(2014, 3, 1, tzinfo=UTC)
GAPS_H = (1, 5, 30, 24 * 10, 24 * 20, 24 * 400)  # a herd that is tracked now and then, for years
_STORED = """
SELECT lion_id, event_time, flags, lat, name FROM silver.positions ORDER BY event_time
"""


def sparse_fixes(rng: random.Random, lion: str, count: int, offset: int) -> list[Any]:
    """Fixes with gaps up to a year; some hidden, some without a name, some impossibly far away."""
    time, records = START + timedelta(hours=rng.randrange(2000)), []
    for n in range(count):
        time += timedelta(hours=rng.choice(GAPS_H))
        more = {"visible": rng.random() > 0.2, **({"name": f"n{n}"} if rng.random() < 0.2 else {})}
        lat = -21.5 if rng.random() < 0.8 else 10.0
        where = {"offset": offset + n, "timestamp": APPENDED_MS + offset + n}
        records.append(fix(lion, time.replace(tzinfo=None).isoformat(), lat, where=where, **more))
    return records


@pytest.mark.parametrize("seed", range(4))
async def test_neighbours_and_heads_at_any_distance(replay: Replay, seed: int) -> None:
    rng = random.Random(seed)
    lions = ("a", "b", "c")
    records = [record for n, lion in enumerate(lions) for record in sparse_fixes(rng, lion, 25, 25 * n)]
    await replay.deliver([Step(POSITIONS, 0, tuple(records))])
    worker = await replay.start([(POSITIONS, 0)])
    async with worker.pool.acquire() as connection:
        work: Any = SimpleNamespace(connection=connection)
        stored = [tuple(row) for row in await connection.fetch(_STORED)]
        wanted = [_wanted(rng, lion, [row for row in stored if row[0] == lion]) for lion in rng.choices(lions, k=30)]
        for want, found in zip(wanted, await read_fixes(work, wanted), strict=True):
            mine = [row for row in stored if row[0] == want.lion_id]
            candidates = [row[1] for row in mine if row[2] & 23 == 0]
            inside = [row[1] for row in mine if want.from_us <= row[1] < want.to_us]
            before = [us for us in candidates if us < want.from_us][-MARGIN_CANDIDATES:]
            after = [us for us in candidates if us >= want.to_us][:MARGIN_CANDIDATES]
            sides = (found.before, found.inside, found.after)
            assert [sorted(row[0] for row in side) for side in sides] == [before, inside, after], want
        for want, head in zip(wanted, await read_last_known(work, wanted), strict=True):
            accepted = [row for row in stored if row[0] == want.lion_id and row[2] == 0]
            named = [row for row in accepted if row[4] is not None]
            assert (head[0], head[1]) == (accepted[-1][1], accepted[-1][3])
            assert (head[3], head[4]) == ((named[-1][1], named[-1][4]) if named else (None, None))


def _wanted(rng: random.Random, lion: str, stored: list[tuple[Any, ...]]) -> Wanted:
    first, last = stored[0][1], stored[-1][1]
    low = rng.randrange(first - 86_400_000_000, last + 86_400_000_000)
    high = low + rng.choice((0, 3_600, 86_400, 86_400 * 30, 86_400 * 1000)) * 1_000_000
    return Wanted(lion, low, high, first, last, max(row[1] for row in stored if row[2] == 0))
