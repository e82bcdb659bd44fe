-- The lions of `lions_moved`, that moved on since a revision: their last fixes, how many accepted ones more they have, and
-- the facts of the last fix's day. Every touch raises the revision.
-- Returns one row: the places of lions that have another revision; those are as they were. Written under the lions' locks.
WITH moved AS (
    UPDATE silver.lions AS l
    SET name = coalesce(new.name, l.name), name_time = coalesce(new.name_time, l.name_time), position_lat = new.lat,
        position_lng = new.lng, last_update = new.last_fix_time, updated_at = new.last_fix_time, status = 'active',
        data_quality_score = (l.accepted_fixes + new.fixes)::double precision / (l.fixes + new.fixes),
        fixes = l.fixes + new.fixes, accepted_fixes = l.accepted_fixes + new.fixes,
        last_fix_time = new.last_fix_time, revision = l.revision + 1, dw_update_date = now()
    FROM pg_temp.lions_moved AS new
    WHERE l.lion_id = new.lion_id AND l.revision = new.revision
    RETURNING new.place, new.lion_id, new.metric_date, new.day_fixes, new.distance_m, new.max_speed_kmh,
              new.last_fix_time, new.stationary, new.health_score, new.day_status
), days AS (
    UPDATE gold.lions_metrics AS m
    SET tracking_frequency = moved.day_fixes, distance_m = moved.distance_m, max_speed_kmh = moved.max_speed_kmh,
        last_fix_time = moved.last_fix_time, stationary = moved.stationary, health_score = moved.health_score,
        status = moved.day_status, rule_version = DEFAULT, dw_update_date = now()
    FROM moved
    WHERE m.lion_id = moved.lion_id AND m.metric_date = moved.metric_date
)
SELECT ARRAY(SELECT place FROM pg_temp.lions_moved WHERE place NOT IN (SELECT place FROM moved))
