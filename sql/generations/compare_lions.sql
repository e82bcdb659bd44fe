-- One row per lion whose accepted fixes, kilometres or latest health differ between the live generation and the other
-- ({of}); null where it has none. Sums are exact, so that the order of rows shows nowhere. Lion $1; null: all. Read-only.
WITH live AS (
    SELECT l.lion_id, l.accepted_fixes AS fixes, m.km, h.health_score AS health
    FROM silver.lions l
    LEFT JOIN LATERAL (SELECT sum(distance_m::numeric) / 1000 AS km FROM gold.lions_metrics d WHERE d.lion_id = l.lion_id) m ON true
    LEFT JOIN LATERAL (SELECT health_score FROM gold.lions_metrics d WHERE d.lion_id = l.lion_id
                       ORDER BY metric_date DESC LIMIT 1) h ON true
    WHERE $1::text IS NULL OR l.lion_id = $1
), other AS (
    SELECT l.lion_id, l.accepted_fixes AS fixes, m.km, h.health_score AS health
    FROM silver{of}.lions l
    LEFT JOIN LATERAL (SELECT sum(distance_m::numeric) / 1000 AS km FROM gold{of}.lions_metrics d WHERE d.lion_id = l.lion_id) m ON true
    LEFT JOIN LATERAL (SELECT health_score FROM gold{of}.lions_metrics d WHERE d.lion_id = l.lion_id
                       ORDER BY metric_date DESC LIMIT 1) h ON true
    WHERE $1::text IS NULL OR l.lion_id = $1
)
SELECT lion_id, live.fixes AS fixes_before, other.fixes AS fixes_after,
       live.km::double precision AS km_before, other.km::double precision AS km_after,
       live.health AS health_before, other.health AS health_after
FROM live FULL JOIN other USING (lion_id)
WHERE (live.fixes, live.km, live.health) IS DISTINCT FROM (other.fixes, other.km, other.health)
ORDER BY lion_id
