-- One row per connection of another worker's batch that a claim waits for, by the claim's process id ($1); it is ended.
SELECT pg_terminate_backend(a.pid) AS ended
FROM unnest(pg_blocking_pids($1)) AS blocking (pid) JOIN pg_stat_activity a ON a.pid = blocking.pid
WHERE a.application_name = $2
