-- One row per lion that another topic names: an inferred member where it is unknown; every touch raises the revision.
INSERT INTO silver.lions AS l (lion_id, revision)
SELECT lion_id, 1 FROM unnest($1::text[]) AS named (lion_id) ORDER BY lion_id
ON CONFLICT (lion_id) DO UPDATE SET revision = l.revision + 1
