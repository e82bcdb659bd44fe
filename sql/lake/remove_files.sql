-- One row per file that left the lake. Idempotent.
DELETE FROM metadata.lake_files WHERE path = ANY($1::text[])
