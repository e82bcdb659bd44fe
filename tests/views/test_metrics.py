"""The metrics page: the contract's names, and figures of the warehouse."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import time
from types import SimpleNamespace

import pytest
from prometheus_client.parser import text_string_to_metric_families

from liontrack_stream import certificates, metrics
from liontrack_stream.settings import Settings
from liontrack_stream.views import prometheus
from liontrack_stream.views.database import Database
from liontrack_stream.warehouse.generations import catalog_connection, claimed, create, drop
from tests.support.monitored import certificate
from tests.views.conftest import Client, Serve

Sample = tuple[str, tuple[tuple[str, str], ...]]


async def samples(client: Client) -> dict[Sample, float]:
    response = await client.get("/metrics")
    assert response.status == 200
    assert response.content_type == "text/plain"
    families = text_string_to_metric_families(await response.text())
    return {(s.name, tuple(sorted(s.labels.items()))): s.value for family in families for s in family.samples}


@pytest.fixture
def runs_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is known yet of runs that ended badly."""
    monkeypatch.setattr(metrics, "_ended", {})
    for noun in metrics._NOUNS.values():
        for status in ("failed", "aborted"):
            with suppress(KeyError):
                metrics.PIPELINE_RUNS.remove(noun, status)


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


async def test_certificates_and_when_they_expire(serve: Serve, tmp_path: Path) -> None:
    early, late = (datetime(2030, month, 1, tzinfo=UTC) for month in (1, 6))
    both = tmp_path / "both.pem"
    both.write_bytes(certificate(tmp_path, late).read_bytes() + certificate(tmp_path, early).read_bytes())
    client = await serve(web_tls_cert_file=both, watched_certificates=(tmp_path / "none.pem",))
    found = await samples(client)
    name = "liontrack_certificate_expiry_timestamp_seconds"
    assert {labels: value for (n, labels), value in found.items() if n == name} == {
        (("certificate", "web"),): early.timestamp(),
        (("certificate", "none.pem"),): 0.0,
    }
    both.write_bytes(certificate(tmp_path, late + timedelta(days=1)).read_bytes())  # renewed
    assert (await samples(client))[name, (("certificate", "web"),)] == (late + timedelta(days=1)).timestamp()


@pytest.mark.parametrize(
    "pem", [b"", b"no certificate", b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"]
)
def test_what_is_no_certificate(pem: bytes) -> None:
    with pytest.raises(ValueError):
        certificates.expires_at(pem)


def test_runs_that_ended_badly_count_once(runs_ended: None) -> None:
    def failed() -> float | None:
        labels = {"pipeline_name": "weights", "status": "failed"}
        return metrics.REGISTRY.get_sample_value("liontrack_pipeline_runs_total", labels)

    assert failed() is None  # Postgres has not answered yet: a 0 would seem to grow to what there was before
    for counted, shown in ((3, 3), (3, 3), (5, 5), (0, 5), (5, 5)):  # 0: another generation's table
        metrics.set_runs_ended({("weights", "failed"): counted})
        assert failed() == shown


async def test_replays_that_are_not_complete(settings: Settings) -> None:
    database = Database(settings)
    await database.open()
    figures = prometheus.Figures(database)

    async def shown() -> tuple[float | None, float | None]:
        figures._read_at = -prometheus.KEEP_FIGURES_S * 2
        await figures.refresh()
        value = metrics.REGISTRY.get_sample_value
        labels = {"generation": str(number)}
        return value("liontrack_replay_rows_written", labels), value("liontrack_replay_running", labels)

    try:
        async with catalog_connection(settings) as connection:
            number = await create(connection, {}, None)
            rows, running = await shown()
            assert running == 0 and rows is not None
            await connection.execute(
                f"INSERT INTO silver_g{number}.users (user_id, username) SELECT n, n FROM generate_series(1, 7) n"
            )
            await connection.execute("SELECT pg_stat_force_next_flush()")
            async with claimed(connection, number):
                assert await shown() == (rows + 7, 1)
            await drop(connection, number)
            assert await shown() == (None, None)
    finally:
        await database.close()


async def test_lag_of_a_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prometheus, "lag_records", lambda app: {("lions.position.events", 1): 7})
    monkeypatch.setattr(prometheus, "families", lambda app: [])
    status = SimpleNamespace(lag_records=9, lag_s=-0.1)
    lake = SimpleNamespace(status=lambda: status)
    app = SimpleNamespace(lake=lake, loop=asyncio.get_running_loop(), watchdog=SimpleNamespace(waited_s=4.5))
    await prometheus.worker_measure(app)()  # type: ignore[arg-type]
    text = metrics.exposition().decode()
    assert 'liontrack_consumer_lag_records{partition="1",topic="lions.position.events"} 7.0' in text
    assert "liontrack_seconds_since_progress 4.5" in text
    assert "liontrack_lake_export_lag_records 9.0" in text
    assert "liontrack_lake_export_lag_seconds 0.0" in text
