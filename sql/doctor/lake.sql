-- One row: records that the warehouse has and bronze files have not yet, and days of silver and gold that wait.
SELECT (SELECT coalesce(sum(o.next_offset - coalesce(w.next_offset, 0)), 0)
        FROM metadata.consumed_offsets AS o LEFT JOIN metadata.lake_watermarks AS w USING (topic, partition))::int8 AS records,
    (SELECT count(*) FROM metadata.lake_dirty)::int8 AS days,
    (SELECT count(*) FROM metadata.lake_files)::int8 AS files
