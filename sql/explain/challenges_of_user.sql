-- One row per status event before $2 of the challenges that are the user $1's now, newest first, at most $3. Reads only.
SELECT e.challenge_id, e.updated_at, e.status, e.user_id, e.title, e.flags,
       CASE WHEN e.flags & 16 > 0 THEN ARRAY['deleted'] ELSE '{}' END AS flag_names,
       e.topic, e.partition, e."offset", e.append_time, e.content_hash,
       e.challenge_id || '|' || (extract(epoch FROM e.updated_at) * 1000000)::bigint || '|' || e.status AS identity,
       count(*) OVER () AS total
FROM silver.challenge_events e JOIN silver.challenges c USING (challenge_id)
WHERE c.user_id = $1 AND e.updated_at < $2
ORDER BY e.updated_at DESC, e.append_time, e.partition, e."offset" LIMIT $3
