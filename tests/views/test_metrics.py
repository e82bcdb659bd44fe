"""The metrics page: the contract's names, and figures of the warehouse."""

from __future__ import annotations

import asyncio
from time import time
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from liontrack_stream import metrics
from liontrack_stream.views import prometheus
from tests.views.conftest import Client, Serve

Sample = tuple[str, tuple[tuple[str, str], ...]]


async def samples(client: Client) -> dict[Sample, float]:
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.content_type == "text/plain"
    families = text_string_to_metric_families(await response.text())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


async def test_names_and_figures(client: Client) -> None:
    before = await samples(client)
    metrics.batch_stored("lions.position.events", 100, 0.02, time() * 1000 - 500, 3)
    metrics.batch_retried("lions.position.events")
    found = await samples(client)

    def grown(name: str, **labels: str) -> float:
        key = (name, tuple(sorted({"pipeline_name": "positions", **labels}.items())))
        return found[key] - before.get(key, 0.0)

    assert grown("liontrack_pipeline_runs_total", status="success") == 1
    assert grown("liontrack_pipeline_runs_total", status="retried") == 1
    assert grown("liontrack_pipeline_duration_seconds_count") == 1
    assert grown("liontrack_batch_records_sum") == 100
    assert 0.5 <= grown("liontrack_end_to_end_latency_seconds_sum") < 5
    assert grown("liontrack_dead_letters_total") == 3
    assert found[("liontrack_data_quality_score", (("table_name", "silver.lions"),))] == 90
    names = {labels for name, labels in found if name == "liontrack_table_records"}
    assert (("layer", "silver"), ("table_name", "silver.lions")) in names
    assert (("layer", "bronze"), ("table_name", "bronze.lions_raw")) in names


async def test_without_postgres_there_are_still_metrics(serve: Serve) -> None:
    found = await samples(await serve(pg_port=1))
    assert any(name == "liontrack_pipeline_runs_total" for name, _ in found)
    assert not any(name == "liontrack_table_records" for name, _ in found)


async def test_lag_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "lag_records", lambda app: {("lions.position.events", 1): 7})
    status = SimpleNamespace(lag_records=9, lag_s=-0.1)
    app = SimpleNamespace(lake=SimpleNamespace(status=lambda: status), loop=asyncio.get_running_loop())
    await prometheus.worker_measure(app)()  # type: ignore[arg-type]
    text = metrics.exposition().decode()
    assert 'liontrack_consumer_lag_records{partition="1",topic="lions.position.events"} 7.0' in text
    assert "liontrack_lake_export_lag_records 9.0" in text
    assert "liontrack_lake_export_lag_seconds 0.0" in text
