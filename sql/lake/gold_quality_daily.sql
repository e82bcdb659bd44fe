-- One row per checked table and UTC day, of the days asked for. Read-only; bookkeeping columns (content_hash, dw_*) stay in the warehouse.
SELECT table_name, check_date, checks_count, avg_quality, min_quality, last_check, rule_version
FROM gold.quality_daily
WHERE {days}
