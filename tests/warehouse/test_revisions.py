"""Late data revises: what changed, from what to what and because of which record, is kept; nothing else changes."""

from __future__ import annotations

import os
from datetime import date, timedelta

import pytest

from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, TOPICS, WEIGHTS, Consumed, compute
from tests.support.random_cases import random_case
from tests.support.records import activity, at, challenge, fix, weight
from tests.support.revising import differences, problems, read_revisions
from tests.support.strategies import Step

FACTOR = 20 if os.environ.get("HYPOTHESIS_PROFILE") == "thorough" else 1


class Teller:
    """Delivers batches and checks the revisions of each."""

    def __init__(self, replay) -> None:
        self._replay = replay
        self._known: list[Consumed] = []
        self._tables = compute([])
        self._last_id = 0
        self.changed = {}

    async def after(self, step: Step) -> list[str]:
        """Problems with the revisions of the batch that was stored last."""
        new = [r for r in step.records if r not in self._known]
        self._known += new
        before, self._tables = self._tables, compute(self._known)
        self.changed = differences(before, self._tables)
        rows = await read_revisions(self._replay.reader, self._last_id)
        self._last_id = max([self._last_id, *(row["revision_id"] for row in rows)])
        self.rows = rows
        return [f"{step}: {text}" for text in problems(new, before, self._tables, rows)]

    async def tell(self, *records: Consumed) -> list[dict]:
        """Deliver records of one topic as one batch that must be right; its revisions."""
        step = Step(records[0].topic, records[0].partition, records)
        await self._replay.deliver([step])
        assert await self.after(step) == []
        return self.rows


@pytest.fixture
def teller(replay) -> Teller:
    return Teller(replay)


@pytest.mark.parametrize("topics", [(POSITIONS,), (WEIGHTS, ACTIVITIES, CHALLENGES), TOPICS])
@pytest.mark.parametrize("seed", range(2 * FACTOR))
async def test_every_closed_row_that_changes_is_noted_as_it_changed(replay, teller, topics, seed):
    case = random_case(4000 + seed, topics, 120)
    found = []

    async def check(step: Step) -> None:
        found.extend(await teller.after(step))

    await replay.deliver(case.steps, check)
    assert not found, "\n".join(found)
    assert await replay.reader.fetchval("SELECT count(*) FROM metadata.revisions") > 10


def _days(lion: str, first: int, count: int, per_day: int = 4) -> list[Consumed]:
    start = at("2025-03-01 00:00") + timedelta(days=first)
    times = [start + timedelta(hours=6 * n) for n in range(count * per_day)]
    return [fix(lion, time.isoformat()[:19], -21.5 - 0.01 * (n % 3)) for n, time in enumerate(times)]


@pytest.mark.parametrize("days_late", [1, 30])
async def test_a_late_fix_changes_its_window_its_day_and_the_days_that_look_back_on_it(teller, days_late):
    assert await teller.tell(*_days("a", 0, 45), *_days("b", 0, 45)) == []
    day = date(2025, 3, 1) + timedelta(days=44 - days_late)
    rows = await teller.tell(fix("a", f"{day}T03:00:00", -21.505))
    cells = set(teller.changed)
    assert {cell[1] for cell in cells} == {"a"}
    assert {cell for cell in cells if cell[0] == "gold.lion_windows"} == {
        ("gold.lion_windows", "a", at(f"{day} 03:00"))
    }
    days = {cell[2].date() for cell in cells if cell[0] == "gold.lions_metrics"}
    assert day in days
    assert all(day <= other <= day + timedelta(days=30) for other in days)
    assert {(row["table_name"], row["entity_id"], row["period_start"]) for row in rows} == cells
    own = next(r for r in rows if r["table_name"] == "gold.lions_metrics" and r["period_start"].date() == day)
    assert own["changes"]["tracking_frequency"] == [4, 5]
    assert (own["kind"], own["cause"], own["topic"], own["record_count"]) == ("changed", "late", POSITIONS, 1)


async def test_a_day_of_rest_that_a_head_has_told_of_is_revised_by_a_late_fix(replay, teller):
    found = []

    async def check(step: Step) -> None:
        found.extend(await teller.after(step))

    records = [
        fix("a", "2025-02-28T00:00:00"),  # the next day's first fix has the lion's whole state read
        *(fix("a", f"2025-03-01T{hour:02}:00:00") for hour in range(8)),
        fix("a", "2025-03-02T00:00:00"),
        fix("a", "2025-03-01T03:30:00", -21.51),
    ]
    await replay.deliver([Step(POSITIONS, record.partition, (record,)) for record in records], check)
    assert not found, "\n".join(found)
    day = next(r for r in teller.rows if r["table_name"] == "gold.lions_metrics" and r["period_start"].day == 1)
    assert day["changes"]["stationary"] == [True, False]


async def test_fixes_in_order_revise_nothing(teller):
    for batch in range(8):
        assert await teller.tell(*_days("a", 5 * batch, 5)) == []


async def test_a_fix_stamped_in_the_far_future_makes_no_honest_fix_late(replay, teller):
    await teller.tell(*_days("a", 0, 2))
    await teller.tell(fix("a", "2150-01-01T00:00:00"))
    late_before = replay.stats.late
    assert await teller.tell(*_days("a", 2, 2)) == []
    assert replay.stats.late == late_before
    assert await teller.tell(weight("w1", "a", "2025-03-02", 180), weight("w2", "a", "2150-01-01", 180)) == []
    assert await teller.tell(weight("w3", "a", "2025-03-04", 181)) == []


async def test_a_late_weight_names_itself(teller):
    await teller.tell(*(weight(f"w{n}", "a", f"2025-03-{n:02}", 180 + n, user_id="u") for n in (1, 3, 5)))
    late = weight("w2", "a", "2025-03-02", 250, user_id="u")
    rows = await teller.tell(late)
    told = {(row["table_name"], row["period_start"].day): row for row in rows}
    assert told["gold.lions_metrics", 2]["kind"] == "created"
    assert told["gold.lions_metrics", 2]["changes"]["avg_weight"] == [None, 250.0]
    assert told["gold.users_activity", 2]["changes"]["weight_entries"] == [None, 1]
    assert ("gold.lions_metrics", 1) not in told
    assert {tuple(row["offsets"]) for row in rows} == {(late.offset,)}


async def test_late_activities_and_challenges_are_noted(teller):
    await teller.tell(activity("u", "2025-03-01T10:00:00"), activity("u", "2025-03-05T10:00:00"))
    rows = await teller.tell(activity("u", "2025-03-01T10:02:00", "weight_logged"))
    told = {row["table_name"]: row for row in rows}
    assert told["gold.user_windows"]["changes"]["activities"] == [{"login": 1}, {"login": 1, "weight_logged": 1}]
    assert told["gold.users_activity"]["changes"]["weight_entries"] == [0, 1]
    await teller.tell(challenge("c", "u", "2025-03-01T08:00:00", "pending"))
    await teller.tell(challenge("c", "u", "2025-03-05T08:00:00", "abandoned"))
    rows = await teller.tell(challenge("c", "u", "2025-03-03T08:00:00", "completed"))
    assert {(r["period_start"].day, r["kind"]) for r in rows} == {(3, "created")}


async def test_a_deletion_is_the_cause_of_what_it_changes(replay, teller):
    await teller.tell(*_days("a", 0, 2))
    gone = fix("a", "2025-03-05T00:00:00")
    tombstone = Consumed(POSITIONS, 0, gone.offset, gone.timestamp, b"a", None)
    rows = await teller.tell(tombstone)
    assert {row["kind"] for row in rows} == {"removed"}
    assert {(row["cause"], tuple(row["offsets"])) for row in rows} == {("deletion", (tombstone.offset,))}
    lion = await replay.reader.fetchrow("SELECT status, deleted_at, accepted_fixes FROM silver.lions")
    assert (lion["status"], lion["accepted_fixes"]) == ("deleted", 0)
    assert lion["deleted_at"] is not None


async def test_what_was_told_before_a_deletion_counts_in_its_batch(teller):
    await teller.tell(*_days("a", 0, 3))
    place = fix("a", "2025-03-01T00:00:00")
    tombstone = Consumed(POSITIONS, 0, place.offset, place.timestamp, b"a", None)
    rows = await teller.tell(tombstone, fix("a", "2025-03-02T05:00:00"))
    created = [row for row in rows if row["kind"] == "created"]
    assert [row["period_start"] for row in created] == [at("2025-03-02 05:00")]
