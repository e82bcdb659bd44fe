-- One row per lion that a source has fixes of: how many, how many of them flagged or simulated, the first and last time.
SELECT lion_id, count(*) AS fixes, count(*) FILTER (WHERE flags <> 0) AS flagged,
       count(*) FILTER (WHERE source = 'simulator') AS simulated, min(event_time) AS first, max(event_time) AS last
FROM (
{source}
) s
GROUP BY lion_id
