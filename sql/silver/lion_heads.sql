-- One row per known lion of the list: what the next batch builds on, as LionState has it. Read under the lion's lock.
SELECT lion_id, revision, last_update, position_lat, position_lng, name, name_time, fixes, accepted_fixes,
       first_fix_time, last_fix_time
FROM silver.lions
WHERE lion_id = ANY ($1::text[])
