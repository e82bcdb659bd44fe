-- One row per lion of the list: the revision that a state kept of it must have, null for a lion that is not known, and
-- whether a deletion names it. Read under the lion's lock.
SELECT named.lion_id, l.revision, EXISTS (
    SELECT FROM metadata.deletions d WHERE d.topic = 'lions.position.events' AND d.entity_id = named.lion_id
)
FROM unnest($1::text[]) AS named (lion_id)
LEFT JOIN silver.lions l ON l.lion_id = named.lion_id
