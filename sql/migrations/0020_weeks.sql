-- silver.positions and the windows get a partition per week (from Monday, UTC) and no longer one per day: making one takes
-- as long as storing a thousand fixes, and few lions do not fill it in a day. Days that have a partition keep theirs, and so
-- do the other days of their week. Bronze stays partitioned by day.

-- As before, but for the weeks.
CREATE OR REPLACE FUNCTION metadata.ensure_days(table_name text, days date[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    time_column text := CASE
        WHEN table_name IN ('bronze.lions_raw', 'bronze.weights_raw', 'bronze.users_raw', 'bronze.challenges_raw',
                            'bronze.quality_raw') THEN 'partition_date'
        WHEN table_name = 'silver.positions' THEN 'event_time'
        WHEN table_name IN ('gold.lion_windows', 'gold.user_windows') THEN 'window_start' END;
    by_week boolean := time_column <> 'partition_date';
    midnight text := CASE WHEN by_week THEN ' 00:00:00+00' ELSE '' END;
    spare text := table_name || '_default';
    has_rows text;
    moves boolean := false;
    appeared boolean;
    -- A day is read by its key, or whole, and hardly updated: vacuuming what was only inserted, and statistics of a day
    -- that is being filled, cost more than they help.
    options text := 'WITH (autovacuum_vacuum_insert_threshold = -1'
        || CASE WHEN by_week THEN ', autovacuum_analyze_threshold = 100000)' ELSE ')' END;
    child text;
    missing daterange[];
    wanted daterange;
    inside text;
BEGIN
    IF time_column IS NULL THEN
        RAISE EXCEPTION 'table % has no day partitions', table_name;
    END IF;
    missing := ARRAY(
        SELECT DISTINCT CASE WHEN by_week AND NOT EXISTS (
                   SELECT FROM generate_series(0, 6) n
                   WHERE to_regclass(table_name || to_char(monday + n, '"_"YYYYMMDD')) IS NOT NULL
               ) THEN daterange(greatest(monday, '2000-01-01'), monday + 7) ELSE daterange(d, d + 1) END AS period
        FROM (SELECT d, date_trunc('week', d::timestamp)::date AS monday FROM unnest(days) d) each
        WHERE to_regclass(table_name || to_char(d, '"_"YYYYMMDD')) IS NULL
          AND to_regclass(table_name || to_char(greatest(monday, '2000-01-01'), '"_w"YYYYMMDD')) IS NULL
          AND (d >= '2000-01-01' OR NOT by_week)
        ORDER BY period);
    IF missing = '{}' THEN
        RETURN true;
    END IF;
    -- One caller at a time. Unlike an advisory lock, this one lets the session see what the one before it has made.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', table_name);
    IF by_week THEN
        has_rows := format('SELECT EXISTS (SELECT FROM %s WHERE (%I AT TIME ZONE ''UTC'')::date <@ ANY ($1))',
                           spare, time_column);
        EXECUTE has_rows INTO moves USING missing;
        IF moves THEN
            EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', table_name);
        END IF;
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', spare);
        IF NOT moves THEN
            EXECUTE has_rows INTO appeared USING missing;
            IF appeared THEN
                RETURN false; -- who has put them there uses the table, and may wait for us: the next call moves them
            END IF;
        END IF;
    END IF;
    FOREACH wanted IN ARRAY missing LOOP
        child := table_name || CASE WHEN upper(wanted) - lower(wanted) > 1 THEN '_w' ELSE '_' END
            || to_char(lower(wanted), 'YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING COMMENTS) %s', child, table_name, options);
        IF moves THEN
            inside := format('%I >= %L AND %I < %L', time_column, lower(wanted) || midnight, time_column,
                             upper(wanted) || midnight);
            EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved',
                           spare, inside, child);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       table_name, child, lower(wanted) || midnight, upper(wanted) || midnight);
    END LOOP;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    IF NOT by_week THEN
        RAISE;
    END IF;
    RETURN false;
END
$$;
