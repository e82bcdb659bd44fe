-- One row: the revisions that states kept of the lions of the list must have, in its order; null for a lion that is not
-- known. Read under the lions' locks.
SELECT array_agg((SELECT l.revision FROM silver.lions l WHERE l.lion_id = named.lion_id) ORDER BY named.n)
FROM unnest($1::text[]) WITH ORDINALITY AS named (lion_id, n)
