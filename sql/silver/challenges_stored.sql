-- One row per stored status event of the list of identities: who holds it.
SELECT e.challenge_id, e.updated_at, e.status, e.append_time, e.partition, e."offset", e.content_hash
FROM unnest($1::text[], $2::timestamptz[], $3::text[]) AS want (challenge_id, updated_at, status)
JOIN silver.challenge_events e USING (challenge_id, updated_at, status)
