-- One row per lion that a source of Movebank's columns has fixes of: how many, how many of them flagged or simulated, the
-- first and last time, and the different lists of further fields that a fix has, as JSON.
SELECT lion_id, count(*) AS fixes, count(*) FILTER (WHERE flags <> 0) AS flagged,
       count(*) FILTER (WHERE source = 'simulator') AS simulated, min(event_time) AS first, max(event_time) AS last,
       jsonb_agg(DISTINCT to_jsonb(ARRAY(SELECT jsonb_object_keys(extras))))
           FILTER (WHERE jsonb_typeof(extras) = 'object') AS fields
FROM (
{source}
) s
GROUP BY lion_id
