-- One row at least of every table as 0007 leaves them, on two days where there are days. Later migrations keep them.
SELECT metadata.ensure_bronze_day(name, day::date)
FROM unnest('{lions_raw, weights_raw, users_raw, challenges_raw, quality_raw}'::text[]) AS name,
     unnest('{2025-03-01, 2025-03-02}'::text[]) AS day;

INSERT INTO bronze.lions_raw (lion_id, name, position_lat, position_lng, last_update, topic, partition, "offset", append_time,
                              key, headers, raw, source_system, partition_date, metadata)
VALUES ('lion-1', 'Nala', -21.5, 23.5, '2025-03-01 10:00Z', 'lions.position.events', 0, 0, '2025-03-01 10:01Z', 'lion-1',
        '{"event-type": "lion.position.update"}', '{"lion_id":"lion-1"}', 'collar', '2025-03-01', NULL),
       (NULL, NULL, NULL, NULL, NULL, 'lions.position.events', 0, 1, '2025-03-02 10:01Z', NULL, NULL, '\x00ff', 'kafka',
        '2025-03-02', '{"rejected": "malformed_json"}');
INSERT INTO bronze.weights_raw (weight_id, lion_id, weight, unit, measured_at, topic, partition, "offset", append_time, raw,
                                source_system, partition_date)
VALUES ('w-1', 'lion-1', 180.5, 'kg', '2025-03-01 12:00Z', 'lions.weight.events', 1, 7, '2025-03-01 12:01Z', '{}', 'x',
        '2025-03-01');
INSERT INTO bronze.users_raw (user_id, username, email, activity_type, event_time, topic, partition, "offset", append_time,
                              raw, source_system, partition_date)
VALUES ('u-1', 'amina', 'amina@example.org', 'login', '2025-03-01 08:00Z', 'users.activity.events', 0, 3, '2025-03-01 08:01Z',
        '{}', 'x', '2025-03-01');
INSERT INTO bronze.challenges_raw (challenge_id, user_id, title, status, updated_at, topic, partition, "offset", append_time,
                                   raw, source_system, partition_date)
VALUES ('c-1', 'u-1', 'Track a pride', 'completed', '2025-03-01 09:00Z', 'challenges.status.events', 0, 4,
        '2025-03-01 09:01Z', '{}', 'x', '2025-03-01');
INSERT INTO bronze.quality_raw (table_name, check_name, check_timestamp, quality_percentage, topic, partition, "offset",
                                append_time, raw, source_system, partition_date)
VALUES ('silver.lions', 'not_null', '2025-03-01 07:00Z', 95.5, 'data.quality.events', 0, 5, '2025-03-01 07:01Z', '{}', 'x',
        '2025-03-01');

INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, step_mm, name, source, confidence, accuracy, altitude, dop,
                              temperature, visible, event_id, metadata, partition, "offset", append_time, content_hash)
VALUES ('lion-1', '2025-03-01 10:00Z', -21.5, 23.5, 0, NULL, 'Nala', 'collar', 0.9, 5, 900, 1.2, 30, true, 'e-1', '{"a": 1}', 0,
        0, '2025-03-01 10:01Z', 11),
       ('lion-1', '2025-03-01 10:30Z', -21.51, 23.5, 0, 1107000, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 0,
        2, '2025-03-01 10:31Z', 12),
       ('lion-1', '2025-03-02 10:30Z', 0, 0, 1, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, false, NULL, NULL, 0, 3,
        '2025-03-02 10:31Z', -13);
INSERT INTO silver.lions (lion_id, name, name_time, position_lat, position_lng, last_update, status, data_quality_score, fixes,
                          accepted_fixes, updated_at, revision)
VALUES ('lion-1', 'Nala', '2025-03-01 10:00Z', -21.51, 23.5, '2025-03-01 10:30Z', 'active', 0.6666666666666666, 3, 2,
        '2025-03-01 10:30Z', 4);
INSERT INTO silver.weight_history (weight_id, lion_id, user_id, weight, measured_at, original_weight, original_unit, flags,
                                   topic, partition, "offset", append_time, content_hash)
VALUES ('w-1', 'lion-1', 'u-1', 180.5, '2025-03-01 12:00Z', 180500, 'g', 0, 'lions.weight.events', 1, 7, '2025-03-01 12:01Z', 1);
INSERT INTO silver.users (user_id, username, email, roles, created_at, updated_at, inferred)
VALUES ('u-1', 'amina', 'amina@example.org', '{ranger}', '2025-03-01 08:00Z', '2025-03-01 08:00Z', false),
       ('u-2', 'u-2', NULL, '{}', NULL, NULL, true);
INSERT INTO silver.user_activities (user_id, activity_type, event_time, event_id, username, email, roles, metadata, topic,
                                    partition, "offset", append_time, content_hash)
VALUES ('u-1', 'login', '2025-03-01 08:00Z', '', 'amina', 'amina@example.org', '{ranger}', '{"app": "x"}',
        'users.activity.events', 0, 3, '2025-03-01 08:01Z', 2);
INSERT INTO silver.challenge_events (challenge_id, updated_at, status, user_id, title, created_at, progress, topic, partition,
                                     "offset", append_time, content_hash)
VALUES ('c-1', '2025-03-01 09:00Z', 'completed', 'u-1', 'Track a pride', '2025-02-01Z', 100, 'challenges.status.events', 0, 4,
        '2025-03-01 09:01Z', 3);
INSERT INTO silver.challenges (challenge_id, user_id, title, status, created_at, updated_at, progress)
VALUES ('c-1', 'u-1', 'Track a pride', 'completed', '2025-02-01Z', '2025-03-01 09:00Z', 100);

INSERT INTO gold.lions_metrics (lion_id, metric_date, avg_weight, min_weight, max_weight, weight_count, weight_trend,
                                health_score, tracking_frequency, distance_m, max_speed_kmh, last_fix_time, stationary, status)
VALUES ('lion-1', '2025-03-01', 180.5, 180.5, 180.5, 1, 'unknown', 70, 2, 1107, 2.214, '2025-03-01 10:30Z', false, 'good');
INSERT INTO gold.lion_windows
VALUES ('lion-1', '2025-03-01 10:00Z', 1, -21500000000, 23500000000, -21.5, 23.5, '2025-03-01 10:00Z', -21.5, 23.5,
        '2025-03-01 10:00Z', -21.5, 23.5, -21.5, -21.5, 23.5, 23.5),
       ('lion-1', '2025-03-02 10:30Z', 1, -21510000000, 23500000000, -21.51, 23.5, '2025-03-02 10:30Z', -21.51, 23.5,
        '2025-03-02 10:30Z', -21.51, 23.5, -21.51, -21.51, 23.5, 23.5);
INSERT INTO gold.users_activity (user_id, activity_date, challenges_completed, challenges_in_progress, challenges_total,
                                 activity_events, weight_entries, engagement_score)
VALUES ('u-1', '2025-03-01', 1, 0, 1, 1, 1, 25.5);
INSERT INTO gold.user_windows VALUES ('u-1', '2025-03-01 08:00Z', 1, '{"login": 1}');
INSERT INTO gold.quality_daily (table_name, check_date, checks_count, avg_quality, min_quality, last_check)
VALUES ('silver.lions', '2025-03-01', 1, 95.5, 95.5, '2025-03-01 07:00Z');

INSERT INTO metadata.consumed_offsets (topic, partition, next_offset, lease_epoch, lease_owner, cluster_id, first_fingerprint)
VALUES ('lions.position.events', 0, 4, 3, 'host/1/1', 'cluster', 'ff');
INSERT INTO metadata.repeats VALUES ('lions.weight.events', 1, 8, 'w-1', '2025-03-01 12:02Z', 99);
INSERT INTO metadata.dead_letters (topic, partition, "offset", raw, rule, reason, append_time)
VALUES ('lions.position.events', 0, 1, '\x00ff', 'malformed_json', 'it is no JSON', '2025-03-02 10:01Z');
INSERT INTO metadata.deletions VALUES ('challenges.status.events', 0, 9, 'c-9', '2025-03-01 09:01Z');
INSERT INTO metadata.data_quality_checks (table_name, check_name, check_timestamp, total_records, valid_records,
                                          invalid_records, quality_percentage, details, topic, partition, "offset",
                                          append_time, content_hash)
VALUES ('silver.lions', 'not_null', '2025-03-01 07:00Z', 200, 191, 9, 95.5, '{"rule": "x"}', 'data.quality.events', 0, 5,
        '2025-03-01 07:01Z', 4);
INSERT INTO metadata.data_lineage (source_system, source_table, target_table, transformation_type, last_run_timestamp,
                                   record_count, execution_time_ms, status)
VALUES ('kafka', 'lions.position.events', 'bronze.lions_raw', 'ingest', '2025-03-01 10:01Z', 2, 15, 'success');
INSERT INTO metadata.pipeline_logs (pipeline_run_id, pipeline_name, start_time, end_time, status, processed_records, logs)
VALUES ('0b7f5f0e-0000-4000-8000-000000000001', 'worker', '2025-03-01 10:00Z', '2025-03-01 10:02Z', 'success', 2, '{"a": 1}');
INSERT INTO metadata.lake_files (path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count,
                                 byte_count, sha256)
VALUES ('bronze/lions.position.events/date=2025-03-01/0-0.parquet', 'bronze', 'lions.position.events', '2025-03-01',
        'lions.position.events', 0, 0, 1, 1, 900, 'ab');
INSERT INTO metadata.lake_watermarks (topic, partition, next_offset) VALUES ('lions.position.events', 0, 1);
INSERT INTO metadata.lake_dirty (layer, table_name, day) VALUES ('gold', 'lions_metrics', '2025-03-01');
REFRESH MATERIALIZED VIEW analytics.lions_current_status;
REFRESH MATERIALIZED VIEW analytics.user_engagement_summary;
