-- Lions that moved on since a revision ($2): their last fixes, how many accepted ones more they have, and the facts of the
-- last fix's day, on which they are not stationary. Every touch raises the revision. Times are microseconds since 1970.
-- Returns one row: the places in the list, from 0, of lions that have another revision; those are as they were. Written
-- under the lions' locks.
WITH new AS (
    SELECT lion_id, revision, name, timestamptz 'epoch' + name_us * interval '1 microsecond' AS name_time, lat, lng,
           timestamptz 'epoch' + last_us * interval '1 microsecond' AS last_fix_time, fixes, day_fixes, distance_m,
           max_speed_kmh, health_score, day_status, n::integer - 1 AS place
    FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[], $5::double precision[], $6::double precision[],
                $7::bigint[], $8::bigint[], $9::integer[], $10::double precision[], $11::double precision[],
                $12::double precision[], $13::text[]) WITH ORDINALITY
         AS new (lion_id, revision, name, name_us, lat, lng, last_us, fixes, day_fixes, distance_m, max_speed_kmh,
                 health_score, day_status, n)
), moved AS (
    UPDATE silver.lions AS l
    SET name = coalesce(new.name, l.name), name_time = coalesce(new.name_time, l.name_time), position_lat = new.lat,
        position_lng = new.lng, last_update = new.last_fix_time, updated_at = new.last_fix_time, status = 'active',
        data_quality_score = (l.accepted_fixes + new.fixes)::double precision / (l.fixes + new.fixes),
        fixes = l.fixes + new.fixes, accepted_fixes = l.accepted_fixes + new.fixes,
        last_fix_time = new.last_fix_time, revision = l.revision + 1, dw_update_date = now()
    FROM new
    WHERE l.lion_id = new.lion_id AND l.revision = new.revision
    RETURNING new.*
), days AS (
    UPDATE gold.lions_metrics AS m
    SET tracking_frequency = moved.day_fixes, distance_m = moved.distance_m, max_speed_kmh = moved.max_speed_kmh,
        last_fix_time = moved.last_fix_time, stationary = false, health_score = moved.health_score,
        status = moved.day_status, rule_version = DEFAULT, dw_update_date = now()
    FROM moved
    WHERE m.lion_id = moved.lion_id AND m.metric_date = (moved.last_fix_time AT TIME ZONE 'UTC')::date
)
SELECT ARRAY(SELECT place FROM new WHERE place NOT IN (SELECT place FROM moved))
