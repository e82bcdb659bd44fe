"""Every table and column that the contract's §2 names, in DDL's words: existing SQL and dashboards query these."""

from __future__ import annotations

_EVERY_BRONZE = (
    "topic text, partition integer, offset bigint, key bytea, headers jsonb, raw bytea,"
    " ingestion_timestamp timestamptz, source_system text, partition_date date, metadata jsonb"
)

_TABLES = {
    "bronze.lions_raw": f"{_EVERY_BRONZE}, lion_id text, name text, position_lat float8, position_lng float8,"
    " last_update timestamptz",
    "bronze.weights_raw": f"{_EVERY_BRONZE}, weight_id text, lion_id text, weight float8, unit text,"
    " measured_at timestamptz",
    "bronze.users_raw": f"{_EVERY_BRONZE}, user_id text, username text, email text",
    "bronze.challenges_raw": f"{_EVERY_BRONZE}, challenge_id text, user_id text, title text, status text",
    "bronze.quality_raw": _EVERY_BRONZE,
    "silver.lions": "lion_id text, name text, position_lat float8, position_lng float8, last_update timestamptz,"
    " status text, data_quality_score float8, updated_at timestamptz, dw_insert_date timestamptz,"
    " dw_update_date timestamptz",
    "silver.positions": "lion_id text, event_time timestamptz, lat float8, lng float8, flags smallint, accuracy float8",
    "silver.weight_history": "weight_id text, lion_id text, weight float8, unit text, measured_at timestamptz",
    "silver.users": "user_id text, username text, email text, roles text[], created_at timestamptz,"
    " updated_at timestamptz",
    "silver.challenges": "challenge_id text, user_id text, title text, description text, status text,"
    " created_at timestamptz, updated_at timestamptz",
    "silver.user_activities": "user_id text, activity_type text, event_time timestamptz, event_id text, metadata jsonb",
    "gold.lions_metrics": "lion_id text, metric_date date, avg_weight float8, weight_trend text, health_score float8,"
    " tracking_frequency integer, status text, distance_m float8, max_speed_kmh float8",
    "gold.users_activity": "user_id text, activity_date date, challenges_completed integer,"
    " challenges_in_progress integer, weight_entries integer, total_weight_entries integer, engagement_score float8",
    "gold.lions_positions_history": "lion_id text, position_date timestamptz, lat float8, lng float8, accuracy float8",
    "gold.lion_windows": "lion_id text, window_start timestamptz, fixes integer, mean_lat float8, mean_lng float8,"
    " first_time timestamptz, first_lat float8, first_lng float8, last_time timestamptz, last_lat float8,"
    " last_lng float8, min_lat float8, max_lat float8, min_lng float8, max_lng float8",
    "gold.user_windows": "user_id text, window_start timestamptz, events integer, activities jsonb",
    "metadata.data_quality_checks": "check_name text, table_name text, check_timestamp timestamptz,"
    " total_records bigint, valid_records bigint, invalid_records bigint, quality_percentage float8, details jsonb",
    "metadata.data_lineage": "source_system text, source_table text, target_table text, transformation_type text,"
    " last_run_timestamp timestamptz, record_count bigint, execution_time_ms bigint, status text, error_message text",
    "metadata.pipeline_logs": "pipeline_name text, pipeline_run_id uuid, start_time timestamptz, end_time timestamptz,"
    " status text, processed_records bigint, error_count bigint, logs jsonb",
    "metadata.dead_letters": "topic text, partition integer, offset bigint, raw bytea, rule text",
    "metadata.consumed_offsets": "topic text, partition integer, next_offset bigint",
    "metadata.lake_files": "path text, layer text, table_name text, day date, row_count bigint",
    "analytics.lions_current_status": "lion_id text, name text, position_lat float8, position_lng float8,"
    " current_weight float8, last_weight_update timestamptz, status text, data_quality_score float8",
    "analytics.user_engagement_summary": "user_id text, username text, total_challenges bigint,"
    " completed_challenges bigint, active_challenges bigint, weight_entries bigint, last_activity timestamptz",
}
_LONG = {"timestamptz": "timestamp with time zone", "float8": "double precision"}

NAMED: dict[str, dict[str, str]] = {
    table: {name: _LONG.get(kind, kind) for name, kind in (column.split() for column in columns.split(","))}
    for table, columns in _TABLES.items()
}
"""Table -> column -> type, as ``format_type`` spells it."""

CLOCKS = ("ingestion_timestamp", "dw_insert_date", "dw_update_date")
"""Columns that tell when the pipeline worked, not what it was told."""
