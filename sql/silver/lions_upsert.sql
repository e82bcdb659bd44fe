-- One row per lion of the batch, as it is now; every touch raises the revision.
INSERT INTO silver.lions AS l (lion_id, name, name_time, position_lat, position_lng, last_update, updated_at, status,
                               data_quality_score, fixes, accepted_fixes, first_fix_time, last_fix_time, revision)
SELECT lion_id, name, name_time, lat, lng, last_update, last_update,
       CASE WHEN accepted > 0 THEN 'active' ELSE 'inferred' END,
       CASE WHEN fixes > 0 THEN accepted::double precision / fixes END, fixes, accepted, first_fix_time, last_fix_time, 1
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::double precision[], $5::double precision[],
            $6::timestamptz[], $7::bigint[], $8::bigint[], $9::timestamptz[], $10::timestamptz[])
     AS new (lion_id, name, name_time, lat, lng, last_update, fixes, accepted, first_fix_time, last_fix_time)
ORDER BY lion_id
ON CONFLICT (lion_id) DO UPDATE
SET name = excluded.name, name_time = excluded.name_time, position_lat = excluded.position_lat,
    position_lng = excluded.position_lng, last_update = excluded.last_update, updated_at = excluded.updated_at,
    status = excluded.status, data_quality_score = excluded.data_quality_score, fixes = excluded.fixes,
    accepted_fixes = excluded.accepted_fixes, first_fix_time = excluded.first_fix_time,
    last_fix_time = excluded.last_fix_time, revision = l.revision + 1, dw_update_date = now()
