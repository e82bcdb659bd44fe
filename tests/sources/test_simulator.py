"""The simulator is deterministic, walks as the real lions do, and keeps (or, where asked, breaks) the contract."""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from datetime import date

import numpy as np
import pytest
from pyproj import Geod

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import (
    Activity,
    Challenge,
    Position,
    QualityCheck,
    Rejected,
    Weight,
    content_hashes,
)
from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.simulator.plan import DAY_MS, Plan
from liontrack_stream.sources.simulator.stream import simulate

HALF_HOUR_US = 1_800_000_000
PLAN = Plan(lions=40, days=30, seed=1)


def digest(plan: Plan) -> str:
    running = hashlib.sha256()
    for day in simulate(plan):
        for record in day:
            running.update(repr(record).encode())
    return running.hexdigest()


def run(plan: Plan) -> list[Outgoing]:
    return [record for day in simulate(plan) for record in day]


@pytest.fixture(scope="module")
def events() -> list:
    """All events of ``PLAN``, decoded, in the order they are sent."""
    return [decode(record.topic, record.key, record.value) for record in run(PLAN)]


@pytest.fixture(scope="module")
def sound_fixes(events: list) -> dict[str, list[Position]]:
    """Each lion's fixes as they were meant: first copy, visible, in the plan's time, not 0,0; by time."""
    by_lion: dict[str, dict[int, Position]] = defaultdict(dict)
    for event in events:
        if not isinstance(event, Position) or not event.visible or (event.lat, event.lng) == (0, 0):
            continue
        if event.time_us <= PLAN.end_ms * 1000:
            by_lion[event.lion_id].setdefault(event.time_us, event)
    return {lion: [fixes[time] for time in sorted(fixes)] for lion, fixes in by_lion.items()}


@pytest.fixture(scope="module")
def steps(sound_fixes: dict[str, list[Position]]) -> np.ndarray:
    """Half-hour steps of all lions: columns local hour of day, km/h; and km per lion and day in ``daily_km``."""
    geod = Geod(ellps="WGS84")
    rows = []
    for fixes in sound_fixes.values():
        time = np.array([fix.time_us for fix in fixes])
        lat, lng = np.array([fix.lat for fix in fixes]), np.array([fix.lng for fix in fixes])
        metres = geod.inv(lng[:-1], lat[:-1], lng[1:], lat[1:])[2]
        whole = np.diff(time) == HALF_HOUR_US
        local_hour = ((time[:-1] + HALF_HOUR_US / 2) / 3.6e9 + 2) % 24
        rows.append(np.column_stack([local_hour, metres / 500, metres, time[1:] // (DAY_MS * 1000)])[whole])
    return np.concatenate(rows)


def test_same_plan_same_bytes() -> None:
    plan = Plan(lions=7, days=5, seed=9, bad_fraction=0.01)
    assert digest(plan) == digest(plan)


def test_another_seed_other_lions() -> None:
    first, second = run(Plan(lions=3, days=2, seed=1)), run(Plan(lions=3, days=2, seed=2))
    assert {record.key for record in first if record.topic == POSITIONS.name}.isdisjoint(
        record.key for record in second if record.topic == POSITIONS.name
    )


def test_a_longer_run_holds_the_positions_of_a_shorter_one() -> None:
    def positions(days: int) -> set[bytes | None]:
        return {record.value for record in run(Plan(lions=5, days=days)) if record.topic == POSITIONS.name}

    assert positions(4) <= positions(8)


def test_broken_records_leave_the_sound_ones_alone() -> None:
    clean = run(Plan(lions=5, days=6))
    mixed = run(Plan(lions=5, days=6, bad_fraction=0.05))
    sound = [r for r in mixed if not isinstance(decode(r.topic, r.key, r.value), Rejected)]
    assert sound == clean
    assert 0.03 < (len(mixed) - len(clean)) / len(clean) < 0.07


def test_every_event_keeps_the_contract_and_all_five_topics_come(events: list) -> None:
    assert {type(event) for event in events} == {Position, Weight, Activity, Challenge, QualityCheck}


def test_it_is_labelled_wherever_it_shows(events: list) -> None:
    for record in run(Plan(lions=3, days=8)):
        assert dict(record.headers)["source"] == b"simulator"
        assert b'"source":"simulator"' in record.value
    for event in events:
        if isinstance(event, Position):
            assert event.name.startswith("Sim Lion ")
        if isinstance(event, Activity) and event.username:
            assert event.username.startswith("sim_user_")


def test_speeds_are_those_of_kalahari_lions(steps: np.ndarray) -> None:
    """Real: P50 0.06, P90 2.1, P99 3.9, P99.9 5.3 km/h; the real collars slept at midday, so ours rest more."""
    speed = np.sort(steps[:, 1])[: int(len(steps) * 0.998)]  # without the planted spikes
    p50, p90, p99 = np.percentile(speed, [50, 90, 99])
    assert 0.003 < p50 < 0.1
    assert 1.2 < p90 < 2.6
    assert 2.9 < p99 < 4.7
    assert speed[-1] < 10.3


def test_lions_walk_at_night_and_sleep_at_noon(steps: np.ndarray) -> None:
    """Real: about 0.7 km/h from 22 to 6, about 0.02 km/h from 11 to 15 local time."""
    speed = np.minimum(steps[:, 1], 10.2)
    night = speed[(steps[:, 0] >= 22) | (steps[:, 0] < 6)].mean()
    noon = np.median(speed[(steps[:, 0] >= 11) & (steps[:, 0] < 15)])
    assert 0.55 < night < 0.9
    assert noon < 0.04


def test_they_walk_about_eight_kilometres_a_day(sound_fixes: dict[str, list[Position]]) -> None:
    geod = Geod(ellps="WGS84")
    days = []
    for fixes in sound_fixes.values():
        by_day: dict[int, list[Position]] = defaultdict(list)
        for fix in fixes:
            by_day[fix.time_us // (DAY_MS * 1000)].append(fix)
        days += [
            geod.line_length([fix.lng for fix in day], [fix.lat for fix in day]) / 1000
            for day in by_day.values()
            if len(day) >= 30
        ]
    assert 6.5 < np.median(days) < 9.0


def test_half_hours_with_gaps(sound_fixes: dict[str, list[Position]]) -> None:
    between = np.concatenate([np.diff([fix.time_us for fix in fixes]) for fixes in sound_fixes.values()]) / 60e6
    assert np.median(between) == 30
    assert 0.8 < np.mean(np.abs(between - 30) <= 2) < 0.99
    assert between.max() > 8 * 60


def test_late_uploads_duplicates_conflicts_and_bad_fixes(events: list) -> None:
    positions = [event for event in events if isinstance(event, Position)]
    latest: dict[str, int] = {}
    late_h = []
    seen: dict[tuple[str, int], int] = {}
    counts: Counter[str] = Counter()
    for fix in positions:
        if fix.time_us < PLAN.end_ms * 1000:
            late_h.append((latest.get(fix.lion_id, fix.time_us) - fix.time_us) / 3.6e9)
            latest[fix.lion_id] = max(latest.get(fix.lion_id, 0), fix.time_us)
        else:
            counts["future"] += 1
        [content] = content_hashes({name: [getattr(fix, name)] for name in fix.__struct_fields__})
        first = seen.setdefault((fix.lion_id, fix.time_us), content)
        counts["repeat"] += (fix.lion_id, fix.time_us) in seen and first != content
        counts["zero"] += (fix.lat, fix.lng) == (0, 0)
        counts["hidden"] += fix.visible is False
    duplicates = len(positions) - len({(fix.lion_id, fix.time_us) for fix in positions}) - counts["repeat"]
    assert max(late_h) > 24
    assert 0.005 < duplicates / len(positions) < 0.02
    assert all(0 < counts[kind] < 0.004 * len(positions) for kind in ("future", "repeat", "zero", "hidden"))


def test_challenges_live_as_the_contract_says(events: list) -> None:
    statuses: dict[str, set[tuple[int, str]]] = defaultdict(set)
    for event in events:
        if isinstance(event, Challenge):
            statuses[event.challenge_id].add((event.time_us, event.status))
    lives = [[status for _, status in sorted(life)] for life in statuses.values()]
    assert all(life[0] == "pending" for life in lives)
    assert {life[-1] for life in lives} == {"pending", "in_progress", "completed", "abandoned"}
    assert all("completed" not in life[:-1] for life in lives)


def test_users_have_profiles_and_three_forms_of_time() -> None:
    records = [record for record in run(PLAN) if record.topic == "users.activity.events"]
    decoded = [decode(record.topic, record.key, record.value) for record in records]
    assert len({event.user_id for event in decoded if event.username}) == PLAN.users
    assert any(b'"timestamp":"' in record.value for record in records)
    assert any(b'"timestamp":17' in record.value for record in records)
    assert {"weight_logged", "weight_added", "weight_entry"} <= {event.activity_type for event in decoded}


def test_weights_in_all_units_are_lions(events: list) -> None:
    per_unit = {"kg": 1.0, "g": 0.001, "lb": 0.45359237}
    weights = [event for event in events if isinstance(event, Weight)]
    kilograms = np.array([event.weight * per_unit[event.unit] for event in weights])
    assert {event.unit for event in weights} == {"kg", "g", "lb"}
    assert np.mean((kilograms > 100) & (kilograms < 260)) > 0.98
    assert any(event.user_id for event in weights)


def test_the_number_of_positions_and_the_topics_can_be_chosen() -> None:
    plan = Plan(lions=10, days=100, positions_max=5_000, topics=frozenset({POSITIONS.name}))
    records = run(plan)
    assert len(records) == 5_000
    assert {record.topic for record in records} == {POSITIONS.name}


def test_the_start_moves_everything() -> None:
    plan = Plan(lions=2, days=2, start=date(2026, 3, 1), topics=frozenset({POSITIONS.name}))
    events = [decode(record.topic, record.key, record.value) for record in run(plan)]
    assert min(event.time_us for event in events) == plan.start_ms * 1000


@pytest.mark.parametrize("topic", [topic.name for topic in TOPICS])
def test_each_topic_alone(topic: str) -> None:
    assert {record.topic for record in run(Plan(lions=4, days=12, topics=frozenset({topic})))} == {topic}


def test_nothing_to_simulate() -> None:
    assert run(Plan(lions=0, users=0, days=1, topics=frozenset({POSITIONS.name}))) == []
