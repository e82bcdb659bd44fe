-- A day's rows leave the default partition only while nobody uses the table. A transaction that has used it before may not
-- see a partition that is attached meanwhile: rows that moved there would be missing to it, and nothing would tell.

-- As before, but for the lock on the whole table where rows move, which waits for the batches that use it.
CREATE OR REPLACE FUNCTION metadata.ensure_days(table_name text, days date[]) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp SET lock_timeout = '1s' AS $$
DECLARE
    time_column text := CASE
        WHEN table_name IN ('bronze.lions_raw', 'bronze.weights_raw', 'bronze.users_raw', 'bronze.challenges_raw',
                            'bronze.quality_raw') THEN 'partition_date'
        WHEN table_name = 'silver.positions' THEN 'event_time'
        WHEN table_name IN ('gold.lion_windows', 'gold.user_windows') THEN 'window_start' END;
    midnight text := CASE WHEN time_column = 'partition_date' THEN '' ELSE ' 00:00:00+00' END;
    spare text := table_name || '_default';
    has_rows text;
    moves boolean := false;
    appeared boolean;
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
        has_rows := format('SELECT EXISTS (SELECT FROM %s WHERE (%I AT TIME ZONE ''UTC'')::date = ANY ($1))',
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
        child := table_name || to_char(wanted, '"_"YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING COMMENTS) %s', child, table_name, options);
        IF moves THEN
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
