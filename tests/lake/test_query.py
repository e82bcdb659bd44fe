"""``liontrack query``: SQL over exactly the manifest's files, read-only, errors as sentences."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime

import asyncpg
import pytest

from liontrack_stream.lake import LakeExporter
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.settings import Settings
from tests.lake.compacting import command
from tests.lake.damaging import copy_file, remove
from tests.lake.filling import POSITIONS, add_bronze, add_positions
from tests.lake.reading import both_stores

pytestmark = both_stores
DAY = "gold/lions_metrics/day=2025-02-27/part-0.parquet"


async def ask(lake: Settings, sql: str, *options: str) -> tuple[int, str]:
    return await command(lake, "query", *options, sql)


@pytest.fixture
async def filled(lake: Settings, warehouse: asyncpg.Connection) -> Settings:
    await add_positions(warehouse, date(2025, 2, 27), days=2)
    await add_bronze(warehouse, POSITIONS, 0, 0, 20, datetime(2025, 3, 1, 12, tzinfo=UTC))
    exporter = LakeExporter(lake)
    exporter.assigned([(topic, 0) for topic in BRONZE])
    await exporter.close()
    copy_file(lake, DAY, DAY.replace("part-0", "part-1"))  # left behind by something; no view sees it
    return lake


async def test_rows_as_table_csv_and_json(filled: Settings, warehouse: asyncpg.Connection) -> None:
    sql = "SELECT lion_id, metric_date, tracking_frequency FROM gold.lions_metrics ORDER BY 1, 2"
    expected = [tuple(row) for row in await warehouse.fetch(sql)]
    code, output = await ask(filled, sql, "--format", "json")
    assert (code, [tuple(row.values()) for row in json.loads(output)]) == (
        0, [(lion, day.isoformat(), count) for lion, day, count in expected]
    )  # fmt: skip
    code, output = await ask(filled, sql, "--format", "csv")
    assert output.splitlines() == ["lion_id,metric_date,tracking_frequency", *(f"{a},{b},{c}" for a, b, c in expected)]
    code, output = await ask(filled, sql)
    assert [line.split() for line in output.splitlines()][1:] == [[str(value) for value in row] for row in expected]
    joined = (
        "SELECT count(*) AS n, min(append_time) AS first FROM bronze.lions_raw"
        " WHERE (SELECT count(*) FROM silver.positions) = 96"
    )
    assert json.loads((await ask(filled, joined, "--format", "json"))[1]) == [
        {"n": 20, "first": "2025-03-01T12:00:00Z"}
    ]


REFUSED = {
    "SELECT nothing FROM gold.lions_metrics": 'Referenced column "nothing" not found',
    "SELECT * FROM gold.users_activity": "gold.users_activity has no file in the lake yet",
    "SELECT 1; SELECT 2": "Only one SELECT",
    "COPY (SELECT 1) TO 'x.csv'": "Only one SELECT",
    "CREATE TABLE t (a int)": "Only one SELECT",
    "SELECT * FROM read_text('/etc/hostname')": "disabled by configuration",
    "SELEKT": "syntax error",
}


async def test_what_is_refused(filled: Settings) -> None:
    for sql, sentence in REFUSED.items():
        code, output = await ask(filled, sql)
        assert code == 1
        assert sentence in output
        assert len(output.splitlines()) == 1


async def test_a_lost_file_is_told(filled: Settings) -> None:
    remove(filled, DAY)
    code, output = await ask(filled, "SELECT * FROM gold.lions_metrics")
    assert code == 1
    assert output.startswith("liontrack: The lake cannot be read: ")
    assert "liontrack lake verify" in output
    secret = filled.s3_secret_access_key
    assert secret is None or secret.get_secret_value() not in output
