-- One row per lion of the batch that moved on, for `lions_advance`: the connection's own table, which each COMMIT empties.
CREATE TEMPORARY TABLE IF NOT EXISTS lions_moved (
    place integer, lion_id text, revision bigint, name text, name_time timestamptz, lat double precision, lng double precision,
    last_fix_time timestamptz, fixes bigint, metric_date date, day_fixes integer, distance_m double precision,
    max_speed_kmh double precision, health_score double precision, stationary boolean, day_status text
) ON COMMIT DELETE ROWS
