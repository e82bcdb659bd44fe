-- Bronze's day partitions are made on demand.

CREATE FUNCTION metadata.ensure_bronze_day(table_name text, day date) RETURNS void
LANGUAGE plpgsql AS $$
DECLARE
    child text := table_name || to_char(day, '"_"YYYYMMDD');
BEGIN
    IF table_name NOT IN ('lions_raw', 'weights_raw', 'users_raw', 'challenges_raw', 'quality_raw') THEN
        RAISE EXCEPTION 'no bronze table %', table_name;
    END IF;
    IF to_regclass(format('bronze.%I', child)) IS NULL THEN
        PERFORM pg_advisory_xact_lock(hashtext('bronze.' || table_name));
        EXECUTE format('CREATE TABLE IF NOT EXISTS bronze.%I PARTITION OF bronze.%I FOR VALUES FROM (%L) TO (%L)',
                       child, table_name, day, day + 1);
    END IF;
END
$$;
