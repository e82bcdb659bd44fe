-- One row per lion-day that has more fixes, or is a new lion's: its facts of fixes, and the score. Days and microseconds
-- are those since 1970; writing it again changes nothing. Written under the lions' locks, so that MERGE meets nobody.
MERGE INTO gold.lions_metrics AS m
USING (
    SELECT lion_id, date '1970-01-01' + day AS metric_date, fixes, distance_m, max_speed_kmh,
           timestamptz 'epoch' + last_us * interval '1 microsecond' AS last_fix_time, stationary, health_score, status
    FROM unnest($1::text[], $2::integer[], $3::integer[], $4::double precision[], $5::double precision[], $6::bigint[],
                $7::boolean[], $8::double precision[], $9::text[])
         AS new (lion_id, day, fixes, distance_m, max_speed_kmh, last_us, stationary, health_score, status)
) AS new ON m.lion_id = new.lion_id AND m.metric_date = new.metric_date
WHEN MATCHED THEN UPDATE
SET tracking_frequency = new.fixes, distance_m = new.distance_m, max_speed_kmh = new.max_speed_kmh,
    last_fix_time = new.last_fix_time, stationary = new.stationary, health_score = new.health_score,
    status = new.status, rule_version = DEFAULT, dw_update_date = now()
WHEN NOT MATCHED THEN
INSERT (lion_id, metric_date, tracking_frequency, distance_m, max_speed_kmh, last_fix_time, stationary, weight_trend,
        health_score, status)
VALUES (new.lion_id, new.metric_date, new.fixes, new.distance_m, new.max_speed_kmh, new.last_fix_time, new.stationary,
        'unknown', new.health_score, new.status)
