-- Beside data.sql: rows for every table that can be exported, with what is hard on formats. "now" is 2026-03-10 12:00 UTC.
SELECT metadata.ensure_days('silver.positions', '{2026-03-08,2026-03-09,2026-03-10}');
SELECT metadata.ensure_days('gold.lion_windows', '{2026-03-09,2026-03-10}');

INSERT INTO silver.users (user_id, username, email, roles, created_at, updated_at, inferred)
VALUES ('=1+1', '=HYPERLINK("http://example.org","x")', 'a@example.org', '{}', '2026-03-01T00:00Z', '2026-03-02T00:00:00.5Z', false),
       ('u4', E'Müller, "Leo"\r\nzwei', '', '{user,"a b",=1}', '2026-03-01T00:00Z', '2026-03-02T00:00Z', false);

INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, step_mm, name, source, confidence, accuracy, altitude, dop, temperature, visible, event_id, metadata, partition, "offset", append_time, content_hash)
VALUES ('nala', '2026-03-09T11:30Z', -24.5, 23.6, 0, 123456, 'Nala', 'collar', 0.5, 3.25, 900.5, 1.5, 31, true, 'e1', '{"battery": 3.5, "note": "line\nbreak"}', 1, 1, '2026-03-09T11:31Z', -42),
       ('nala', '2026-03-09T11:31Z', -24.6, 23.6, 16, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 1, 2, '2026-03-09T11:31Z', 7);

INSERT INTO gold.lion_windows VALUES
    ('nala', '2026-03-09T11:30Z', 2, -48900000000, 47254321000, -24.45, 23.627, '2026-03-09T11:30Z', -24.5, 23.6, '2026-03-09T11:34Z', -24.4, 23.65, -24.5, -24.4, 23.6, 23.65, NULL),
    ('nala', '2026-03-09T11:55Z', 1, -24450000000, 23630000000, -24.45, 23.63, '2026-03-09T11:56Z', -24.45, 23.63, '2026-03-09T11:56Z', -24.45, 23.63, -24.45, -24.45, 23.63, 23.63, NULL),
    ('nala', '2026-03-10T11:30Z', 1, -24123456000, 23987654000, -24.123456, 23.987654, '2026-03-10T11:30Z', -24.123456, 23.987654, '2026-03-10T11:30Z', -24.123456, 23.987654, -24.123456, -24.123456, 23.987654, 23.987654, 1);
UPDATE gold.lions_metrics SET distance_m = 7700.25, max_speed_kmh = 12, stationary = false, last_fix_time = '2026-03-09T11:30Z' WHERE metric_date = '2026-03-09';
UPDATE silver.weight_history SET user_id = 'u1', source = 'gate 7', metadata = '{"place": [-24.1, 23.9]}' WHERE weight_id = 'w4';

INSERT INTO silver.user_activities (user_id, activity_type, event_time, username, roles, metadata, topic, partition, "offset", append_time, content_hash)
VALUES ('u1', 'login', '2026-03-10T10:00Z', '@evil', '{user}', '{"agent": "-1"}', 't', 0, 1, '2026-03-10T10:00Z', 1),
       ('u2', 'login', '2026-03-10T10:01Z', NULL, NULL, NULL, 't', 0, 2, '2026-03-10T10:01Z', 2);
INSERT INTO silver.challenges (challenge_id, user_id, title, description, status, created_at, updated_at, progress)
VALUES ('c1', 'u1', '+1 a day', E'\tindented', 'completed', '2026-03-01T00:00Z', '2026-03-02T00:00Z', 1),
       ('c2', 'u2', '＝full width', ' -led by a space', 'pending', '2026-03-01T00:00Z', '2026-03-03T00:00Z', -0.5);
INSERT INTO silver.challenge_events (challenge_id, updated_at, status, user_id, title, topic, partition, "offset", append_time, content_hash)
VALUES ('c1', '2026-03-02T00:00Z', 'completed', 'u1', '''quoted', 't', 0, 1, '2026-03-02T00:00Z', 1),
       ('c2', '2026-03-03T00:00Z', 'pending', 'u2', '''=twice', 't', 0, 2, '2026-03-03T00:00Z', 2);
INSERT INTO gold.users_activity (user_id, activity_date, challenges_completed, challenges_in_progress, challenges_total, activity_events, weight_entries, engagement_score)
VALUES ('u1', '2026-03-10', 1, 0, 1, 1, 2, 26), ('u2', '2026-03-10', 0, 1, 1, 1, 0, 0);
INSERT INTO gold.user_windows VALUES ('u1', '2026-03-10T10:00Z', 1, '{"login": 1}', 1), ('u2', '2026-03-10T10:00Z', 1, '{"login": 1}', 1);

INSERT INTO metadata.data_quality_checks VALUES
    ('bronze.lions_raw', 'bronze_validation', '2026-03-10T09:00Z', 10, 9, 1, 90, '{"sample": {"lat": -24.123456}}', 'data.quality.events', 0, 0, '2026-03-10T09:00Z', 1);
INSERT INTO metadata.pipeline_logs (pipeline_run_id, pipeline_name, start_time, status, logs, instance, owner)
VALUES ('6f9619ff-8b86-d011-b42d-00c04fc964ff', 'positions', '2026-03-10T09:00Z', 'running', '{"error": "of nala"}', '1', 'host');
INSERT INTO metadata.data_lineage (source_system, source_table, target_table, transformation_type, last_run_timestamp, record_count, execution_time_ms, status, error_message)
VALUES ('kafka', 'lions.position.events', 'silver.positions', 'settle', '2026-03-10T09:00Z', 5, 12, 'failed', 'of nala');
INSERT INTO metadata.consumed_offsets (topic, partition, next_offset, lease_owner, cluster_id)
VALUES ('lions.position.events', 0, 5, 'host', 'cluster');
INSERT INTO metadata.rule_versions (fingerprint, parameters) VALUES ('f', '{"rules": 1}');
INSERT INTO metadata.revisions (table_name, entity_id, period_start, kind, changes, cause, topic, partition, offsets, record_count)
VALUES ('gold.lion_windows', 'nala', '2026-03-09T11:30Z', 'changed', '{"mean_lat": [-24.4, -24.45]}', 'late', 'lions.position.events', 0, '{2,3}', 2);
INSERT INTO metadata.deletions (topic, partition, "offset", entity_id, append_time) VALUES ('users.activity.events', 0, 9, 'u3', '2026-03-01T00:00Z');
INSERT INTO metadata.repeats VALUES ('lions.position.events', 0, 9, 'nala|1', '2026-03-01T00:00Z', 1);
INSERT INTO metadata.dead_letters (topic, partition, "offset", key, raw, rule, reason, append_time)
VALUES ('lions.position.events', 0, 10, 'nala', 'the bytes', 'coordinates', '=lat is impossible', '2026-03-01T00:00Z');
INSERT INTO metadata.lake_files (path, layer, table_name, day, row_count, byte_count, sha256) VALUES ('silver/lions/x.parquet', 'silver', 'lions', '2026-03-01', 1, 1, 'x');
SELECT analytics.refresh_views();
