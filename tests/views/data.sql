-- What the views' tests read; "now" is 2026-03-10 12:00 UTC.
-- nala: fixes 0.5 h, 25 h and 50 h old, a flagged one in between, 40 days of metrics, weights of three days.
-- inferred: known from a weight only. gone: deleted. Ω/1 ?: an id that paths must escape.
INSERT INTO silver.lions (lion_id, name, status, data_quality_score, position_lat, position_lng, last_update, updated_at, deleted_at)
VALUES ('nala', 'Nala', 'active', 0.75, -24.123456, 23.987654, '2026-03-10T11:30Z', '2026-03-10T11:30Z', NULL),
       ('inferred', NULL, 'inferred', NULL, NULL, NULL, NULL, NULL, NULL),
       ('Ω/1 ?', 'Omega', 'active', 1, 10.04, -179.99, '2026-03-01T00:00Z', '2026-03-01T00:00Z', NULL),
       ('gone', 'Gone', 'active', 1, 1, 1, '2026-03-01T00:00Z', '2026-03-01T00:00Z', '2026-03-02T00:00Z');

INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, accuracy, partition, "offset", append_time, content_hash)
VALUES ('nala', '2026-03-10T11:45Z', -20, 20, 8, 5, 0, 4, '2026-03-10T11:45Z', 1),
       ('nala', '2026-03-10T11:30Z', -24.123456, 23.987654, 0, 5.5, 0, 3, '2026-03-10T11:30Z', 1),
       ('nala', '2026-03-09T11:00Z', -24.456789, 23.654321, 0, 7.5, 0, 2, '2026-03-09T11:00Z', 1),
       ('nala', '2026-03-08T10:00:00.250Z', -24.777777, 23.333333, 0, NULL, 0, 1, '2026-03-08T10:00Z', 1),
       ('Ω/1 ?', '2026-03-01T00:00Z', 10.04, -179.99, 0, 1, 0, 0, '2026-03-01T00:00Z', 1),
       ('gone', '2026-03-01T00:00Z', 1, 1, 0, 1, 0, 5, '2026-03-01T00:00Z', 1);

INSERT INTO gold.lions_metrics (lion_id, metric_date, weight_trend, health_score, tracking_frequency, status)
SELECT 'nala', date '2026-03-10' - n, 'unknown', 90 - n, 48 - n, 'excellent' FROM generate_series(0, 39) n;
UPDATE gold.lions_metrics SET avg_weight = 181, min_weight = 180, max_weight = 182, weight_count = 2, weight_trend = 'stable'
WHERE metric_date = '2026-03-10';
UPDATE gold.lions_metrics SET avg_weight = 170, min_weight = 170, max_weight = 170, weight_count = 1
WHERE metric_date IN ('2026-03-04', '2026-02-05');

INSERT INTO silver.weight_history (weight_id, lion_id, weight, measured_at, original_weight, original_unit, flags, topic, partition, "offset", append_time, content_hash)
VALUES ('w1', 'nala', 180, '2026-03-10T08:00Z', 180, 'kg', 0, 't', 0, 1, '2026-03-10T09:00Z', 1),
       ('w2', 'nala', 182, '2026-03-10T10:00Z', 182, 'kg', 0, 't', 0, 2, '2026-03-10T11:00Z', 1),
       ('w3', 'nala', 900, '2026-03-10T11:00Z', 900, 'kg', 1, 't', 0, 3, '2026-03-10T11:00Z', 1),
       ('w4', 'nala', 170, '2026-03-04T10:00Z', 170, 'kg', 0, 't', 0, 4, '2026-03-04T11:00Z', 1),
       ('w5', 'inferred', 60.5, '2026-03-05T10:00Z', 60.5, 'kg', 0, 't', 0, 5, '2026-03-05T11:00Z', 1);

INSERT INTO silver.users (user_id, username, deleted_at)
VALUES ('u1', 'u1', NULL), ('u2', 'u2', NULL), ('u3', 'u3', '2026-03-01T00:00Z');

INSERT INTO gold.quality_daily (table_name, check_date, checks_count, avg_quality, min_quality, last_check)
VALUES ('silver.lions', '2026-03-01', 2, 50, 40, '2026-03-01T10:00Z'),
       ('silver.lions', '2026-03-09', 2, 90, 80, '2026-03-09T10:00Z'),
       ('silver.users', '2026-03-05', 1, 100, 100, '2026-03-05T10:00Z');

INSERT INTO catalog.deployments (tag_id, valid, animal_id)
VALUES ('collar-7', '[2026-03-01T00:30Z, 2026-03-01T01:00Z)', 'nala'),
       ('collar-7', '[2026-03-01T01:00Z,)', 'sarabi');
