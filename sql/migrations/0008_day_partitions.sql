-- Silver's fixes and the 5-minute windows get a partition per UTC day of event time, as bronze has one per append day.
--
--      before_2000 │ 20250101 │ 20250102 │ …            default: days without a partition, above all those of fixes
--    ──────────────┴──────────┴──────────┴─────► time   stamped in the future; a new partition takes its rows from there

-- How far a lion's stored fixes reach, flagged ones included: a search needs no partition outside.
ALTER TABLE silver.lions ADD COLUMN first_fix_time timestamptz, ADD COLUMN last_fix_time timestamptz;
UPDATE silver.lions l SET first_fix_time = p.first, last_fix_time = p.last
FROM (SELECT lion_id, min(event_time) AS first, max(event_time) AS last FROM silver.positions GROUP BY lion_id) p
WHERE p.lion_id = l.lion_id;

-- One row per day partition of bronze that `liontrack retain` dropped; its rows are in the lake's files of that day.
CREATE TABLE metadata.dropped_partitions (
    table_name text        NOT NULL,
    day        date        NOT NULL,
    row_count  bigint      NOT NULL,
    byte_count bigint      NOT NULL,
    dropped_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, day, dropped_at)
);
COMMENT ON TABLE metadata.dropped_partitions IS 'One row per day partition of bronze that was dropped: the lake holds its rows';

-- Makes the missing day partitions of a table; true when all of them are there now. Safe to call at once from anywhere.
-- ATTACH lets writers of other partitions go on; it waits only for those who use the default partition. When that takes
-- too long the answer is false, and rows of these days go to the default partition until a later call.
CREATE FUNCTION metadata.ensure_days(table_name text, days date[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    time_column text := CASE
        WHEN table_name IN ('bronze.lions_raw', 'bronze.weights_raw', 'bronze.users_raw', 'bronze.challenges_raw',
                            'bronze.quality_raw') THEN 'partition_date'
        WHEN table_name = 'silver.positions' THEN 'event_time'
        WHEN table_name IN ('gold.lion_windows', 'gold.user_windows') THEN 'window_start' END;
    midnight text := CASE WHEN time_column = 'partition_date' THEN '' ELSE ' 00:00:00+00' END;
    spare text := table_name || '_default';
    -- A day is read by its key, or whole, and hardly updated: vacuuming what was only inserted, and statistics of a day
    -- that is being filled, cost more than they help.
    options text := 'WITH (autovacuum_vacuum_insert_threshold = -1'
        || CASE WHEN time_column = 'partition_date' THEN ')' ELSE ', autovacuum_analyze_threshold = 100000)' END;
    child text;
    missing date[];
    wanted date;
    inside text;
BEGIN
    IF time_column IS NULL THEN
        RAISE EXCEPTION 'table % has no day partitions', table_name;
    END IF;
    missing := ARRAY(SELECT DISTINCT d FROM unnest(days) d
                     WHERE to_regclass(table_name || to_char(d, '"_"YYYYMMDD')) IS NULL
                       AND (d >= '2000-01-01' OR time_column = 'partition_date') ORDER BY d);
    IF missing = '{}' THEN
        RETURN true;
    END IF;
    -- One caller at a time. Unlike an advisory lock, this one lets the session see what the one before it has made.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', table_name);
    IF time_column <> 'partition_date' THEN
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', spare);
    END IF;
    FOREACH wanted IN ARRAY missing LOOP
        child := table_name || to_char(wanted, '"_"YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING COMMENTS) %s', child, table_name, options);
        IF time_column <> 'partition_date' THEN
            inside := format('%I >= %L AND %I < %L', time_column, wanted || midnight, time_column, wanted + 1 || midnight);
            EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved',
                           spare, inside, child);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       table_name, child, wanted || midnight, wanted + 1 || midnight);
    END LOOP;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    IF time_column = 'partition_date' THEN
        RAISE;
    END IF;
    RETURN false;
END
$$;
COMMENT ON FUNCTION metadata.ensure_days IS 'Makes missing day partitions of bronze, silver.positions and the windows';
REVOKE EXECUTE ON FUNCTION metadata.ensure_days FROM PUBLIC;

CREATE OR REPLACE FUNCTION metadata.ensure_bronze_day(table_name text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM metadata.ensure_days('bronze.' || table_name, ARRAY[day]);
END
$$;

-- The three tables change their shape and keep their rows.

DROP VIEW metadata.conflicts;
DROP VIEW gold.lions_positions_history;
DROP INDEX silver.positions_event_time, gold.lion_windows_start, gold.user_windows_start;
ALTER TABLE silver.positions RENAME TO positions_whole;
ALTER TABLE silver.positions_whole RENAME CONSTRAINT positions_pkey TO positions_whole_pkey;
ALTER TABLE gold.lion_windows RENAME TO lion_windows_whole;
ALTER TABLE gold.lion_windows_whole RENAME CONSTRAINT lion_windows_pkey TO lion_windows_whole_pkey;
ALTER TABLE gold.user_windows RENAME TO user_windows_whole;
ALTER TABLE gold.user_windows_whole RENAME CONSTRAINT user_windows_pkey TO user_windows_whole_pkey;

-- One row per fix. Flags: 1 zero_zero, 2 not_visible, 4 future, 8 spike, 16 deleted; a fix is accepted when flags = 0.
CREATE TABLE silver.positions (
    LIKE silver.positions_whole INCLUDING DEFAULTS INCLUDING COMMENTS, PRIMARY KEY (lion_id, event_time)
) PARTITION BY RANGE (event_time);

-- One row per lion and 5 minutes with an accepted fix. Sums are degrees times 1e9, so windows add up exactly.
CREATE TABLE gold.lion_windows (
    LIKE gold.lion_windows_whole INCLUDING DEFAULTS INCLUDING COMMENTS, PRIMARY KEY (lion_id, window_start)
) PARTITION BY RANGE (window_start);

ALTER TABLE gold.lion_windows ALTER lion_id SET STORAGE PLAIN; -- else each partition has a TOAST table, always empty

-- One row per user and 5 minutes with an activity; `activities` counts by activity_type.
CREATE TABLE gold.user_windows (
    LIKE gold.user_windows_whole INCLUDING DEFAULTS INCLUDING COMMENTS, PRIMARY KEY (user_id, window_start)
) PARTITION BY RANGE (window_start);

DO $$
DECLARE
    part record;
    days date[];
BEGIN
    FOR part IN VALUES ('silver.positions', 'event_time'), ('gold.lion_windows', 'window_start'), ('gold.user_windows', 'window_start')
    LOOP
        EXECUTE format('CREATE TABLE %s_before_2000 PARTITION OF %1$s FOR VALUES FROM (MINVALUE) TO (''2000-01-01 00:00:00+00'')',
                       part.column1);
        EXECUTE format('CREATE TABLE %s_default PARTITION OF %1$s DEFAULT', part.column1);
        EXECUTE format('SELECT array_agg(DISTINCT (%I AT TIME ZONE ''UTC'')::date) FROM %s_whole WHERE %1$I < now() + interval ''1 day''',
                       part.column2, part.column1) INTO days;
        PERFORM metadata.ensure_days(part.column1, days);
        EXECUTE format('INSERT INTO %s SELECT * FROM %1$s_whole', part.column1);
        EXECUTE format('DROP TABLE %s_whole', part.column1);
    END LOOP;
END
$$;

-- One row per accepted fix; position_date is its event time.
CREATE VIEW gold.lions_positions_history AS
SELECT lion_id, event_time AS position_date, lat, lng, accuracy
FROM silver.positions
WHERE flags = 0;

CREATE VIEW metadata.conflicts AS
SELECT r.topic, r.partition, r."offset", r.identity, r.append_time,
       w.partition AS winner_partition, w."offset" AS winner_offset
FROM metadata.repeats r
JOIN (
    SELECT 'lions.position.events' AS topic,
           lion_id || '|' || (extract(epoch FROM event_time) * 1000000)::bigint AS identity,
           partition, "offset", content_hash
    FROM silver.positions
    UNION ALL
    SELECT topic, weight_id, partition, "offset", content_hash FROM silver.weight_history
    UNION ALL
    SELECT topic, user_id || '|' || activity_type || '|' || (extract(epoch FROM event_time) * 1000000)::bigint || '|' || event_id,
           partition, "offset", content_hash
    FROM silver.user_activities
    UNION ALL
    SELECT topic, challenge_id || '|' || (extract(epoch FROM updated_at) * 1000000)::bigint || '|' || status,
           partition, "offset", content_hash
    FROM silver.challenge_events
    UNION ALL
    SELECT topic, table_name || '|' || check_name || '|' || (extract(epoch FROM check_timestamp) * 1000000)::bigint,
           partition, "offset", content_hash
    FROM metadata.data_quality_checks
) w USING (topic, identity)
WHERE r.content_hash <> w.content_hash;
COMMENT ON VIEW metadata.conflicts IS 'Records with the identity of an earlier record and different content; the earlier one is in silver';

-- One row: the lion's last accepted fix up to an instant, none where there is none. Reads two days at most: that of the
-- instant, and the one that the daily metrics name.
CREATE FUNCTION gold.last_fix(lion text, until timestamptz)
RETURNS TABLE (position_date timestamptz, lat double precision, lng double precision)
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    midnight timestamptz := date_trunc('day', until, 'UTC');
    before timestamptz;
BEGIN
    RETURN QUERY SELECT p.event_time, p.lat, p.lng FROM silver.positions p
                 WHERE p.lion_id = lion AND p.event_time >= midnight AND p.event_time <= until AND p.flags = 0
                 ORDER BY p.event_time DESC LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT m.last_fix_time INTO before FROM gold.lions_metrics m
    WHERE m.lion_id = lion AND m.metric_date < (until AT TIME ZONE 'UTC')::date AND m.last_fix_time IS NOT NULL
    ORDER BY m.metric_date DESC LIMIT 1;
    RETURN QUERY SELECT p.event_time, p.lat, p.lng FROM silver.positions p
                 WHERE p.lion_id = lion AND p.event_time = before AND p.flags = 0;
END
$$;
COMMENT ON FUNCTION gold.last_fix IS 'The last accepted fix of a lion up to an instant';

-- One row per lion whose last accepted fix came from a Kafka partition: the 5-minute window of that fix. Of the 20,000
-- lions seen last; day by day, so that no other days' partitions are visited.
CREATE FUNCTION gold.last_windows(of_partition integer) RETURNS SETOF gold.lion_windows
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp SET plan_cache_mode = force_custom_plan AS $$
DECLARE
    oldest timestamptz := (SELECT min(last_update) FROM (
        SELECT last_update FROM silver.lions WHERE accepted_fixes > 0 ORDER BY last_update DESC LIMIT 20000) newest);
    midnight timestamptz;
    midnight_after timestamptz;
BEGIN
    FOR midnight IN SELECT DISTINCT date_trunc('day', last_update, 'UTC') FROM silver.lions WHERE last_update >= oldest
    LOOP
        midnight_after := midnight + interval '24 hours';
        RETURN QUERY
            SELECT w.* FROM silver.lions l
            JOIN silver.positions p ON p.lion_id = l.lion_id AND p.event_time = l.last_update
            JOIN gold.lion_windows w ON w.lion_id = l.lion_id AND w.window_start <= l.last_update
             AND w.window_start > l.last_update - interval '5 minutes'
            WHERE l.last_update >= greatest(midnight, oldest) AND l.last_update < midnight_after
              AND p.event_time >= midnight AND p.event_time < midnight_after AND p.partition = of_partition
              AND w.window_start >= midnight AND w.window_start < midnight_after;
    END LOOP;
END
$$;
COMMENT ON FUNCTION gold.last_windows IS 'The 5-minute window of each lion''s last accepted fix, of one Kafka partition';

-- Drops a day of bronze, if it still has the rows that were counted. Writers of other days wait only while the partition
-- is taken out; who cannot have the lock in time (lock_timeout) tries again.
CREATE FUNCTION metadata.drop_bronze_day(table_name text, day date, expected_rows bigint) RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    parent text := format('bronze.%I', table_name);
    child text := format('bronze.%I', table_name || to_char(day, '"_"YYYYMMDD'));
    size bigint;
    found_rows bigint;
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', child);
    EXECUTE format('SELECT count(*) FROM %s', child) INTO found_rows;
    IF found_rows <> expected_rows THEN
        RETURN false;
    END IF;
    size := pg_total_relation_size(child);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, child);
    EXECUTE format('DROP TABLE %s', child);
    INSERT INTO metadata.dropped_partitions (table_name, day, row_count, byte_count)
    VALUES ('bronze.' || table_name, day, found_rows, size);
    RETURN true;
END
$$;
COMMENT ON FUNCTION metadata.drop_bronze_day IS 'Drops a day of bronze that the lake holds; see liontrack retain';
