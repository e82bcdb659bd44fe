-- One row per wanted record that bronze.quality_raw holds; `n` is its place in the lists. Reads only, one day partition each.
SELECT want.n::integer - 1 AS n, b.partition_date, b.ingestion_timestamp, b.source_system
FROM unnest($1::integer[], $2::bigint[], $3::date[]) WITH ORDINALITY AS want (partition, "offset", day, n)
CROSS JOIN LATERAL (
    SELECT r.partition_date, r.ingestion_timestamp, r.source_system FROM bronze.quality_raw r
    WHERE r.partition = want.partition AND r."offset" = want."offset" AND r.partition_date = want.day
    LIMIT 1
) b
