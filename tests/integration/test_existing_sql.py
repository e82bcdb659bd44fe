"""SQL that people have already: the seed's three queries, and every table and column that the contract's §2 names.

One warehouse, filled by a real worker from simulated events up to yesterday, bad and late ones among them, and from
events of today made by hand, is asked by all tests; what they expect is the oracle's.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from math import fsum, isclose
from typing import Any

import psycopg
import pytest

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings
from tests.support import records as by_hand
from tests.support.contract_columns import CLOCKS, NAMED
from tests.support.oracle import Consumed, Rows, Tables, compute
from tests.support.oracle.analytics import analytics_tables
from tests.support.oracle.bronze import TABLES as BRONZE
from tests.support.oracle.bronze import bronze_tables
from tests.support.oracle.compare import PRIMARY_KEYS, compare_rows
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import copied_database, new_topic_prefix, settings_of_its_own

SIMULATE = {"--start": "recent", "--lions": "5", "--days": "8", "--users": "6", "--seed": "3", "--bad-fraction": "0.03"}
WRITTEN_ELSEWHERE = {"metadata.data_lineage", "metadata.pipeline_logs", "metadata.lake_files"}  # no oracle of records
KEYS = {
    **PRIMARY_KEYS,
    **dict.fromkeys(BRONZE.values(), ("topic", "partition", "offset")),
    "metadata.consumed_offsets": ("topic", "partition"),
    "analytics.lions_current_status": ("lion_id",),
    "analytics.user_engagement_summary": ("user_id",),
}

# The seed's text, letter by letter.
HEALTH = """
SELECT 
  COUNT(*) FILTER (WHERE health_score > 80) as excellent,
  COUNT(*) FILTER (WHERE health_score BETWEEN 60 AND 80) as good,
  AVG(health_score) as avg_health,
  CURRENT_DATE as report_date
FROM gold.lions_metrics
WHERE metric_date = CURRENT_DATE;
"""  # noqa: W291
ENGAGED = """
SELECT 
  u.username,
  SUM(a.challenges_completed) as challenges_done,
  AVG(a.engagement_score) as avg_engagement
FROM silver.users u
JOIN gold.users_activity a ON u.user_id = a.user_id
WHERE a.activity_date >= CURRENT_DATE - INTERVAL '30 days'
GROUP BY u.username
ORDER BY avg_engagement DESC;
"""  # noqa: W291
ANOMALIES = """
SELECT 
  l.lion_id,
  l.name,
  m.avg_weight,
  m.weight_trend,
  m.health_score
FROM silver.lions l
JOIN gold.lions_metrics m ON l.lion_id = m.lion_id
WHERE m.metric_date = CURRENT_DATE
  AND m.health_score < 60;
"""  # noqa: W291


class Filled:
    """The warehouse, a connection to it, and what the oracle says it holds; ``today`` is when it was filled."""

    def __init__(self, kit: PipelineKit, connection: psycopg.Connection[Any]) -> None:
        self.connection = connection
        self.began, self.today = self.ask("SELECT now(), CURRENT_DATE")[0]
        kit.command("simulate", *(word for option in SIMULATE.items() for word in option))
        kit.send(_events_of(self.today))
        kit.catch_up()
        self.records = kit.consumed()
        tables = compute(self.records)
        self.expected: Tables = {
            **tables,
            **analytics_tables(tables),
            **bronze_tables(self.records),
            "metadata.consumed_offsets": _log_ends(self.records),
        }
        for row in self.expected["silver.lions"].values():
            row.setdefault("updated_at", row["last_update"])

    def ask(self, sql: str) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql.encode()).fetchall()

    def ask_today(self, sql: str) -> tuple[date, list[tuple[Any, ...]]]:
        """The answer, and the date that CURRENT_DATE was in it."""
        with self.connection.transaction():
            return self.ask("SELECT CURRENT_DATE")[0][0], self.ask(sql)


@pytest.fixture(scope="module")
def filled(
    stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Filled]:
    folder = tmp_path_factory.mktemp("existing")
    with copied_database(stack_settings, template_database) as database:
        kit = PipelineKit(settings_of_its_own(stack_settings, database, new_topic_prefix(), folder), folder)
        try:
            with kit.connect() as connection:
                yield Filled(kit, connection)
        finally:
            kit.end()


def _events_of(today: date) -> list[Outgoing]:
    """Lions of each band of health and users at work, on this day; and a fix that comes five weeks late."""

    def day(back: int) -> str:
        return (today - timedelta(days=back)).isoformat()

    lions = {"well": (180.0, 180.0, True), "fair": (180.0, 180.0, False), "suspect": (200.0, 100.0, True)}
    made: list[Consumed] = []
    for lion, (before, now, was_seen_before) in lions.items():
        weighings = [
            by_hand.weight(f"{lion}-{back}", lion, day(back), now if back == 0 else before) for back in range(4)
        ]
        made += [*weighings, by_hand.fix(lion, f"{day(0)}T00:00:00", name=f"Lion {lion}", accuracy=4.5)]
        if was_seen_before:
            made.append(by_hand.fix(lion, f"{day(1)}T12:00:00", lat=-21.6))
    made += [
        by_hand.fix("well", f"{day(35)}T12:00:00"),
        by_hand.weight("unnamed-0", "unnamed", day(0), 150.0, user_id="user-b"),
        by_hand.activity("user-a", f"{day(0)}T00:00:00", "weight_logged", username="Amina", email="a@example.org"),
        by_hand.activity("user-a", f"{day(0)}T00:00:01", "login", roles=["ranger"]),
        by_hand.activity("user-a", f"{day(29)}T10:00:00", "weight_entry"),
        by_hand.activity("user-a", f"{day(31)}T10:00:00", "weight_entry"),  # outside the month
        by_hand.challenge("track", "user-a", f"{day(3)}T10:00:00", "in_progress"),
        by_hand.challenge("track", "user-a", f"{day(0)}T00:00:02", "completed"),
        by_hand.challenge("count", "user-c", f"{day(0)}T00:00:00", "pending"),  # nothing else is known of this user
        by_hand.check("silver.lions", f"{day(0)}T00:00:00", 92.5),
    ]
    made += [  # known for a while, then deleted
        by_hand.fix("gone", f"{day(2)}T12:00:00", name="Lion gone"),
        by_hand.weight("gone-0", "gone", day(2), 170.0),
        by_hand.activity("user-gone", f"{day(2)}T10:00:00", "weight_entry", username="Gone"),
        by_hand.challenge("dropped", "user-a", f"{day(2)}T10:00:00", "completed"),
    ]
    deleted = {by_hand.POSITIONS: b"gone", by_hand.ACTIVITIES: b"user-gone", by_hand.CHALLENGES: b"dropped"}
    headers = (("event-type", b"by.hand"), ("place", b"\xff"))
    return [
        *(Outgoing(r.topic, r.key, r.value, headers) for r in made),
        *(Outgoing(topic, key, None) for topic, key in deleted.items()),
    ]


def _log_ends(records: list[Consumed]) -> Rows:
    ends: Rows = {}
    for record in records:
        end = ends.setdefault((record.topic, record.partition), {"next_offset": 0})
        end["next_offset"] = max(end["next_offset"], record.offset + 1)
    return ends


def _days(filled: Filled, table: str, first: date, last: date) -> dict[tuple[Any, ...], dict[str, Any]]:
    return {key: row for key, row in filled.expected[table].items() if first <= key[1] <= last}


def test_health_of_all_lions(filled: Filled) -> None:
    today, answer = filled.ask_today(HEALTH)
    scores = [row["health_score"] for row in _days(filled, "gold.lions_metrics", today, today).values()]
    known = [score for score in scores if score is not None]
    excellent, good, mean, report_date = answer[0]
    assert len(answer) == 1
    assert (excellent, good) == (sum(s > 80 for s in known), sum(60 <= s <= 80 for s in known))
    assert report_date == today
    assert isclose(mean, fsum(known) / len(known), rel_tol=1e-9) if known else mean is None
    if today == filled.today:
        assert excellent >= 1
        assert good >= 1
        assert len(known) > excellent + good


def test_users_engaged_this_month(filled: Filled) -> None:
    today, answer = filled.ask_today(ENGAGED)
    done: dict[str, int] = defaultdict(int)
    scores: dict[str, list[float]] = defaultdict(list)
    for (user_id, _), row in _days(filled, "gold.users_activity", today - timedelta(days=30), date.max).items():
        name = filled.expected["silver.users"][(user_id,)]["username"]
        done[name] += row["challenges_completed"]
        scores[name].append(row["engagement_score"])
    means = [row[2] for row in answer]
    assert means == sorted(means, reverse=True)
    assert {row[0] for row in answer} == done.keys() >= {"Amina", "user-c"}
    for name, challenges_done, mean in answer:
        assert challenges_done == done[name]
        assert isclose(mean, fsum(scores[name]) / len(scores[name]), rel_tol=1e-6)
    assert sum(done.values()) > 0


def test_lions_of_suspicious_weight(filled: Filled) -> None:
    today, answer = filled.ask_today(ANOMALIES)
    expected: Rows = {
        (lion_id,): {
            "name": filled.expected["silver.lions"][(lion_id,)]["name"],
            **{column: row[column] for column in ("avg_weight", "weight_trend", "health_score")},
        }
        for (lion_id, _), row in _days(filled, "gold.lions_metrics", today, today).items()
        if row["health_score"] is not None and row["health_score"] < 60
    }
    names = ("name", "avg_weight", "weight_trend", "health_score")
    assert compare_rows(expected, {(row[0],): dict(zip(names, row[1:], strict=True)) for row in answer}) == []
    if today == filled.today:
        assert ("suspect",) in expected


@pytest.mark.parametrize("table", NAMED)
def test_columns_have_their_names_and_types(filled: Filled, table: str) -> None:
    types = dict(
        filled.ask(
            "SELECT attname, format_type(atttypid, NULL) FROM pg_attribute"
            f" WHERE attrelid = '{table}'::regclass AND attnum > 0 AND NOT attisdropped"
        )
    )
    assert {column: types.get(column) for column in NAMED[table]} == NAMED[table]


@pytest.mark.parametrize("table", [table for table in NAMED if table not in WRITTEN_ELSEWHERE])
def test_columns_hold_the_oracles_values(filled: Filled, table: str) -> None:
    expected = filled.expected[table]
    assert expected
    found = []
    for column in NAMED[table].keys() - set(KEYS[table]) - set(CLOCKS):
        values: Rows = {key: {column: row[column]} for key, row in expected.items() if column in row}
        assert values, f"the oracle does not know {column}"
        actual = _column(filled, table, column)
        if table == "metadata.data_quality_checks":
            actual = {key: row for key, row in actual.items() if key in expected}  # the worker adds its own
        if column == "raw":
            actual = {key: row for key, row in actual.items() if key in values}  # what may hold a secret is not told
        found += compare_rows(values, actual)
    assert found == []


def _column(filled: Filled, table: str, column: str) -> Rows:
    keys = KEYS[table]
    columns = ", ".join(f'"{name}"' for name in (*keys, column))
    rows = filled.ask(f"SELECT {columns} FROM {table}")
    return {row[:-1]: {column: row[-1]} for row in rows}


@pytest.mark.parametrize("table", [table for table, columns in NAMED.items() if {*CLOCKS} & {*columns}])
def test_clocks_tell_when_the_pipeline_worked(filled: Filled, table: str) -> None:
    for clock in {*CLOCKS} & {*NAMED[table]}:
        first, last, now, missing = filled.ask(
            f"SELECT min({clock}), max({clock}), now(), count(*) - count({clock}) FROM {table}"
        )[0]
        assert isinstance(first, datetime)
        assert missing == 0
        assert filled.began <= first <= last <= now


def test_what_else_is_named_can_be_queried(filled: Filled) -> None:
    for table in sorted(WRITTEN_ELSEWHERE):
        filled.ask(f"SELECT {', '.join(NAMED[table])} FROM {table}")
    written = sum(row[0] for row in filled.ask("SELECT row_count FROM metadata.lake_files WHERE layer = 'bronze'"))
    assert written == len(filled.records)
    stored = {table: len(filled.expected[table]) for table in BRONZE.values()}
    sums = filled.ask(
        "SELECT target_table, sum(record_count) FROM metadata.data_lineage"
        " WHERE target_table LIKE 'bronze.%' AND status = 'success' AND error_message IS NULL GROUP BY 1"
    )
    assert dict(sums) == stored
    runs = filled.ask("SELECT sum(processed_records), min(start_time), max(end_time) FROM metadata.pipeline_logs")[0]
    assert runs[0] == len(filled.records)
    assert filled.began <= runs[1] <= runs[2]


def test_the_worker_has_refreshed_both_views(filled: Filled) -> None:
    rows = filled.ask(
        "SELECT view_name, row_count, refreshed_at >= now() - interval '1 day' FROM metadata.view_refreshes"
    )
    views = ("lions_current_status", "user_engagement_summary")
    assert sorted(rows) == [(view, len(filled.expected[f"analytics.{view}"]), True) for view in views]
