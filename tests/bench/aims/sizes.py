"""What an event takes: bytes in Kafka, PostgreSQL, its log and the lake, CPU time, connections. For plans, no aim."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Finding
from tests.bench.aims.scene import Say, Scene

_WAL = "SELECT pg_current_wal_insert_lsn() - '0/0'::pg_lsn"
_TABLES = """
SELECT n.nspname, sum(pg_table_size(c.oid))::bigint, sum(pg_indexes_size(c.oid))::bigint
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind = 'r' AND n.nspname IN ('bronze', 'silver', 'gold', 'metadata') GROUP BY 1 ORDER BY 1
"""
_ROWS = """
SELECT 'bronze.lions_raw', (SELECT count(*) FROM bronze.lions_raw)
UNION ALL SELECT 'silver.positions', (SELECT count(*) FROM silver.positions)
UNION ALL SELECT 'gold.lion_windows', (SELECT count(*) FROM gold.lion_windows)
UNION ALL SELECT 'gold.lions_metrics', (SELECT count(*) FROM gold.lions_metrics)
"""


def measure(settings: Settings, folder: Path, say: Say, kafka: Path, lions: int, events: int) -> Finding:
    """``kafka``: the folder of the broker's logs."""
    with Scene(settings, "sizes", folder, say) as scene:
        produced_s = scene.produce(lions, events)
        wal = int(scene.rows(_WAL)[0][0])
        life = scene.catch_up()
        begin, end = life.working
        wal = int(scene.rows(_WAL)[0][0]) - wal
        topic = scene.settings.topic(POSITIONS.name)
        logs = _bytes(path for path in kafka.rglob("*.log") if path.parent.name.startswith(f"{topic}-"))
        taken = {"Kafka's log, zstd": logs, "PostgreSQL's log (WAL), all of the run": wal}
        for schema, heap, indexes in scene.rows(_TABLES):
            taken |= {f"PostgreSQL, {schema}: rows": heap, f"PostgreSQL, {schema}: indexes": indexes}
        taken["lake, Parquet"] = _bytes(Path(scene.settings.lake_root).rglob("*.parquet"))
        rows = [(what, f"{size / events:,.0f}") for what, size in taken.items()]
        rows += [(f"{table}, rows × 1,000", f"{count / events * 1e3:,.0f}") for table, count in scene.rows(_ROWS)]
        problems, days = scene.problems(events), scene.days
    cpu = end.cost_us(begin, events)
    connections = max(moment.connections for moment in life.moments)
    notes = [
        f"{events:,} events of {lions:,} lions over {days} days. CPU: worker {cpu[0]:,.0f} µs, "
        f"PostgreSQL {cpu[1]:,.0f} µs. Produced at {events / produced_s:,.0f}/s, stored at "
        f"{events / (end.at_s - begin.at_s):,.0f}/s. One worker had up to {connections} connections to PostgreSQL; its "
        f"peak was {life.peak_mb:,.0f} MB."
    ]
    return Finding("What an event takes, bytes", ("per event", ""), rows, [], notes, problems)


def _bytes(files: Iterable[Path]) -> int:
    return sum(file.stat().st_size for file in files)
