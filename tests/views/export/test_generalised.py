"""What exports show of lions to who is no ranger: the grid of the API, its delay, and nothing that narrows it down."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import psycopg
import pytest

from liontrack_stream.views.positions import LATITUDES, LONGITUDES, on_grid
from tests.views import tokens
from tests.views.conftest import NOW, Client, Serve
from tests.views.export.reading import plain, read_csv
from tests.views.export.test_tables import LIONS, ROUTE, export, rows_of

SEEN_UNTIL = NOW - timedelta(hours=24)
EXACT = ("24.123456", "23.987654", "24.456789", "23.654321", "24.777777", "23.333333", "10.04", "179.99", "23.627")
TIMES = ("last_update", "event_time", "position_date", "window_start", "measured_at", "timestamp")


@pytest.mark.parametrize("table", LIONS, ids=lambda table: table.name)
async def test_no_exact_position_and_no_young_one(client: Client, table: Any) -> None:
    rows = await rows_of(client, table.name, tokens.VISITOR)
    assert rows
    body = (await export(client, "csv", table.name, tokens.VISITOR)).decode()
    assert [number for number in EXACT if number in body] == []
    for row in rows:
        for name, value in row.items():
            if name in LATITUDES | LONGITUDES and value is not None:
                limit_deg = 90.0 if name in LATITUDES else 180.0
                assert value == on_grid(value, 0.1, limit_deg)
            if name in TIMES and value is not None:
                assert value <= plain(SEEN_UNTIL)


COLUMNS = {
    "silver.lions": "lion_id name position_lat position_lng last_update status data_quality_score",
    "silver.positions": "lion_id event_time lat lng flags name",
    "silver.weight_history": "weight_id lion_id weight unit measured_at original_weight original_unit",
    "gold.lions_metrics": "lion_id metric_date avg_weight min_weight max_weight weight_count weight_trend health_score"
    " tracking_frequency status rule_version",
    "gold.lion_windows": "lion_id window_start fixes mean_lat mean_lng rule_version",
    "gold.lions_positions_history": "lion_id position_date lat lng accuracy",
    "analytics.lions_current_status": "lion_id name position_lat position_lng current_weight status data_quality_score",
}


async def test_columns_are_a_decision(client: Client) -> None:
    """Whoever adds one here has thought of what it tells a poacher."""
    shown = {}
    for table in LIONS:
        rows = await rows_of(client, table.name, tokens.VISITOR)
        shown[table.name] = " ".join(rows[0])
    assert shown == COLUMNS


async def test_rows(client: Client) -> None:
    assert sorted(
        (row["position_date"], row["lat"], row["lng"], row["accuracy"])
        for row in await rows_of(client, "gold.lions_positions_history", tokens.VISITOR)
        if row["lion_id"] == "nala"
    ) == [
        ("2026-03-08T10:00:00.25Z", -24.8, 23.3, None),
        ("2026-03-09T11:00:00Z", -24.5, 23.7, None),
        ("2026-03-09T11:30:00Z", -24.5, 23.6, None),
    ]
    windows = await rows_of(client, "gold.lion_windows", tokens.VISITOR)
    assert sorted((row["window_start"], row["fixes"]) for row in windows) == [
        ("2026-03-09T11:30:00Z", 2),
        ("2026-03-09T11:55:00Z", 1),
    ]
    lions = {row["lion_id"]: row for row in await rows_of(client, "silver.lions", tokens.VISITOR)}
    assert set(lions) == {"nala", "inferred", "Ω/1 ?"}
    assert (lions["nala"]["last_update"], lions["nala"]["position_lat"]) == ("2026-03-09T11:30:00Z", -24.5)
    assert (lions["Ω/1 ?"]["last_update"], lions["Ω/1 ?"]["position_lng"]) == ("2026-03-01T00:00:00Z", -180)
    status = {row["lion_id"]: row for row in await rows_of(client, "analytics.lions_current_status", tokens.VISITOR)}
    assert (status["nala"]["position_lat"], status["nala"]["position_lng"]) == (-24.5, 23.6)
    weighed = await rows_of(client, "silver.weight_history", tokens.VISITOR)
    assert {row["weight_id"] for row in weighed} == {"w4", "w5"}


async def test_since_and_until_ask_what_is_shown(client: Client) -> None:
    """A search over the true time of the last fix would tell when a lion moved."""
    shown = await rows_of(client, "silver.lions", tokens.VISITOR, since="2026-03-09T11:30:01Z")
    assert shown == []
    exact = await rows_of(client, "silver.lions", tokens.RANGER, since="2026-03-09T11:30:01Z")
    assert [row["lion_id"] for row in exact] == ["nala"]


async def test_the_header_tells_the_precision(serve: Serve) -> None:
    client = await serve(position_grid_deg=0.5, position_delay_h=48)
    async with client.get(f"{ROUTE}/csv", params={"table": "silver.positions"}, headers=tokens.VISITOR) as response:
        assert response.headers["X-Position-Precision"].startswith("generalised; grid_deg=0.5; delay_h=48")
        places = {(row["lat"], row["lng"]) for row in read_csv(await response.read())}
    assert places == {("-25", "23.5"), ("10", "-180")} | {("1", "1")}
    async with client.get(f"{ROUTE}/csv", params={"table": "silver.positions"}, headers=tokens.RANGER) as response:
        assert response.headers["X-Position-Precision"] == "exact"


def test_the_grid_is_that_of_the_api(warehouse: psycopg.Connection[Any]) -> None:
    chance = random.Random(5)
    cases = [(chance.uniform(-180, 180), chance.choice((0.1, 0.05, 0.25, 0.3, 1.0, 7.0))) for _ in range(2_000)]
    cases += [(0.0, 0.1), (-0.04, 0.1), (0.05, 0.1), (0.15, 0.1), (-180.0, 0.7), (179.99, 0.1)]
    found = warehouse.execute(
        "SELECT metadata.on_grid(degrees, grid, 180) FROM unnest(%s::float8[], %s::float8[])"
        " WITH ORDINALITY AS c (degrees, grid, place) ORDER BY place",
        ([case[0] for case in cases], [case[1] for case in cases]),
    ).fetchall()
    assert [row[0] for row in found] == [on_grid(degrees, grid, 180.0) for degrees, grid in cases]
