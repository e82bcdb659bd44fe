-- Lions that are hard on files. Days without a partition lie in the default one, with others of the same lion in theirs.
SELECT metadata.ensure_days('silver.positions', '{2026-03-08,2026-03-09}');

INSERT INTO silver.lions (lion_id, name, status) VALUES
    ('nala', E'=HYPERLINK("x","y") ]]> <b>&\u0001\u000b ''quoted'',\r\nsecond line', 'active'),
    ('=1+1', '@SUM(A1)', 'active'), ('Ω/1 ?', 'Omega 🦁', 'active'), ('alone', NULL, 'active'), ('sim-1', 'Sim Lion', 'active');
INSERT INTO silver.lions (lion_id, name, status, deleted_at) VALUES ('gone', 'Gone', 'active', '2026-03-01T00:00Z');

INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, step_mm, source, altitude, dop, accuracy, metadata, partition, "offset", append_time, content_hash)
SELECT lion_id, event_time::timestamptz, lat, lng, flags, step_mm, source, altitude, dop, accuracy, metadata::jsonb, 0, row_number() OVER (), now(), 1
FROM (VALUES
    -- two days with partitions, then one without, then one that is older than all
    ('nala', '2026-03-08T23:59:59.999999Z', -24.123456, 23.987654, 0, NULL::bigint, 'collar', 900.5, 1.5, 3.25, '{"sex": "F"}'),
    ('nala', '2026-03-09T00:00:00Z', -24.123457, 23.987655, 0, 150, 'collar', NULL, NULL, NULL, '{"animal-sex": "female"}'),
    ('nala', '2026-03-09T00:30:00.250Z', -24.2, 24.0000001, 0, 8600000, 'collar', -1, 1e-7, 0, NULL),
    ('nala', '2026-03-09T00:31:00Z', -20, 20, 8, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2026-03-09T00:32:00Z', -20, 20, 16, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2026-03-09T04:30:00.250Z', -24.2, 24.1, 0, 10000000, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2026-03-09T08:30:00.251Z', -24.2, 24.2, 0, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2026-03-12T00:00:00Z', -24.3, 24.2, 0, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2026-03-12T01:00:00Z', -24.4, 24.2, 0, 11000000, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2020-01-01T00:00:00Z', -24.5, 24.2, 0, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('nala', '2020-01-01T01:00:00Z', -24.6, 24.2, 0, 11000000, 'collar', NULL, NULL, NULL, NULL),
    ('=1+1', '2026-03-09T12:00:00Z', 0.00001, -1e-7, 0, NULL, '-2+3', NULL, NULL, NULL, '{"individual-taxon-canonical-name": "Panthera leo leo"}'),
    ('Ω/1 ?', '2026-03-09T00:00:00Z', -20, 179, 0, NULL, NULL, NULL, NULL, NULL, NULL),
    ('Ω/1 ?', '2026-03-09T01:00:00Z', -24, -177, 0, 1, NULL, NULL, NULL, NULL, NULL),
    ('Ω/1 ?', '2026-03-09T02:00:00Z', -24, 180, 0, 1, NULL, NULL, NULL, NULL, NULL),
    ('alone', '2026-03-09T00:00:00Z', -21, 21, 0, NULL, 'collar', NULL, NULL, NULL, '{"individual-taxon-canonical-name": "Acinonyx jubatus"}'),
    ('alone', '2026-03-09T06:00:00Z', -21.5, 21, 0, NULL, 'collar', NULL, NULL, NULL, NULL),
    ('sim-1', '2026-03-09T00:00:00Z', -22, 22, 0, NULL, 'simulator', NULL, NULL, NULL, NULL),
    ('sim-1', '2026-03-09T00:30:00Z', -22.01, 22, 0, 1, 'simulator', NULL, NULL, NULL, NULL),
    ('gone', '2026-03-01T00:00:00Z', 1, 1, 16, NULL, 'collar', NULL, NULL, NULL, NULL)
) v (lion_id, event_time, lat, lng, flags, step_mm, source, altitude, dop, accuracy, metadata);

-- Younger than the delay.
INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, source, partition, "offset", append_time, content_hash)
VALUES ('nala', date_trunc('second', now() - interval '2 hours'), -24.777777, 24.2, 0, 'collar', 0, 100, now(), 1);

-- Fixes of several lions, some in an hour, some a second apart around the hour, some flagged.
SELECT setseed(0.25);
INSERT INTO silver.lions (lion_id, name, status) SELECT 'hourly-' || n, 'Hourly ' || n, 'active' FROM generate_series(0, 3) n;
INSERT INTO silver.positions (lion_id, event_time, lat, lng, flags, source, accuracy, partition, "offset", append_time, content_hash)
SELECT 'hourly-' || n % 4, timestamptz '2026-03-07T00:00Z' + floor(random() * 96) * interval '1 hour'
           + CASE WHEN n % 5 = 0 THEN interval '0' WHEN n % 5 = 1 THEN interval '59 minutes 59.999999 seconds'
                  ELSE random() * interval '59 minutes' END,
       -21 - random(), 22 + random(), (ARRAY[0, 0, 0, 0, 2, 8])[1 + floor(random() * 6)::int], 'collar', random() * 20, 1, n, now(), n
FROM generate_series(1, 900) n
ON CONFLICT DO NOTHING;
