-- One row per known lion of the list: the revision that a state kept of it must have. Read under the lion's lock.
SELECT lion_id, revision
FROM silver.lions
WHERE lion_id = ANY ($1::text[])
