-- One row per lion that moved on, or is new: its last fix, and how many accepted ones more it has; every touch raises the
-- revision. Times are microseconds since 1970. Written under the lions' locks, so that MERGE meets nobody.
MERGE INTO silver.lions AS l
USING (
    SELECT lion_id, name, timestamptz 'epoch' + name_us * interval '1 microsecond' AS name_time, lat, lng,
           timestamptz 'epoch' + first_us * interval '1 microsecond' AS first_fix_time,
           timestamptz 'epoch' + last_us * interval '1 microsecond' AS last_fix_time, fixes
    FROM unnest($1::text[], $2::text[], $3::bigint[], $4::double precision[], $5::double precision[], $6::bigint[],
                $7::bigint[], $8::bigint[]) AS new (lion_id, name, name_us, lat, lng, first_us, last_us, fixes)
) AS new ON l.lion_id = new.lion_id
WHEN MATCHED THEN UPDATE
SET name = coalesce(new.name, l.name), name_time = coalesce(new.name_time, l.name_time), position_lat = new.lat,
    position_lng = new.lng, last_update = new.last_fix_time, updated_at = new.last_fix_time, status = 'active',
    data_quality_score = (l.accepted_fixes + new.fixes)::double precision / (l.fixes + new.fixes),
    fixes = l.fixes + new.fixes, accepted_fixes = l.accepted_fixes + new.fixes, last_fix_time = new.last_fix_time,
    revision = l.revision + 1, dw_update_date = now()
WHEN NOT MATCHED THEN
INSERT (lion_id, name, name_time, position_lat, position_lng, last_update, updated_at, status, data_quality_score, fixes,
        accepted_fixes, first_fix_time, last_fix_time, revision)
VALUES (new.lion_id, new.name, new.name_time, new.lat, new.lng, new.last_fix_time, new.last_fix_time, 'active', 1,
        new.fixes, new.fixes, new.first_fix_time, new.last_fix_time, 1)
