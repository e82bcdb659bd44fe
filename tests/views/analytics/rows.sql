-- What the pipeline's and the health's tests read beside the simulation; "now" is 2026-03-10 12:00 UTC.
INSERT INTO metadata.pipeline_logs (pipeline_run_id, pipeline_name, start_time, end_time, status, processed_records, error_count)
SELECT ('00000000-0000-0000-0000-0000000000' || lpad(n::text, 2, '0'))::uuid, 'positions', timestamptz '2026-03-01T00:00Z' + n * interval '1 h',
       timestamptz '2026-03-01T00:30Z' + n * interval '1 h', CASE n WHEN 3 THEN 'failed' WHEN 4 THEN 'aborted' ELSE 'success' END, n, 0
FROM generate_series(0, 11) n
UNION ALL SELECT '00000000-0000-0000-0000-0000000000ff', 'weights', '2026-03-09T00:00Z', NULL, 'running', 5, 1;
INSERT INTO metadata.lake_files (path, layer, table_name, day, row_count, byte_count, sha256)
VALUES ('a', 'bronze', 'lions_raw', '2026-03-01', 10, 1000, ''), ('b', 'gold', 'lions_metrics', '2026-03-01', 5, 234, '');
INSERT INTO metadata.dead_letters (topic, partition, "offset", raw, rule, reason, append_time, dead_lettered_at)
VALUES ('lions.position.events', 0, 1, 'raw secret', 'not_json', 'a secret reason', '2026-03-01T00:00Z', '2026-03-10T11:00Z'),
       ('lions.position.events', 0, 2, 'raw secret', 'not_json', 'a secret reason', '2026-03-01T00:00Z', '2026-03-09T11:00Z'),
       ('lions.position.events', 0, 3, 'raw secret', 'not_json', 'a secret reason', '2026-03-01T00:00Z', '2026-03-09T13:00Z'),
       ('lions.weight.events', 0, 1, 'raw secret', 'missing_id', 'a secret reason', '2026-03-01T00:00Z', '2026-03-08T00:00Z');
INSERT INTO metadata.consumed_offsets (topic, partition, next_offset, updated_at)
VALUES ('lions.position.events', 0, 4, '2026-03-10T11:59Z'), ('lions.position.events', 1, 7, '2026-03-10T11:58Z');
INSERT INTO metadata.data_quality_checks (table_name, check_name, check_timestamp, total_records, valid_records, invalid_records, quality_percentage, topic, partition, "offset", append_time, content_hash)
SELECT 'silver.lions', 'by hand', timestamptz '2026-03-01T00:40Z' + n * interval '1 h', 1, 1, 0, 100, 't', 0, n, now(), 0 FROM generate_series(0, 11) n;
