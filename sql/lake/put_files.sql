-- One row per Parquet file, into the manifest; a rewritten file keeps its path. Idempotent.
INSERT INTO metadata.lake_files
    (path, layer, table_name, day, topic, partition, first_offset, next_offset, row_count, byte_count, sha256)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::date[], $5::text[], $6::int[], $7::bigint[], $8::bigint[],
                     $9::bigint[], $10::bigint[], $11::text[])
ON CONFLICT (path) DO UPDATE SET
    row_count = excluded.row_count, byte_count = excluded.byte_count, sha256 = excluded.sha256, written_at = now()
