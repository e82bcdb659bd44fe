-- One row: the live generation, how far its bronze files of a partition ($1, $2) are, and the file that holds the offset $3, or
-- the first one after it; nulls where there is none.
SELECT (SELECT generation FROM catalog.generations WHERE state = 'live') AS live,
       coalesce((SELECT next_offset FROM metadata.lake_watermarks WHERE topic = $1 AND partition = $2), 0) AS watermark,
       f.path, f.layer, f.table_name, f.day, f.topic, f.partition, f.first_offset, f.next_offset,
       f.row_count, f.byte_count, f.sha256
FROM (SELECT) AS one
LEFT JOIN LATERAL (
    SELECT * FROM metadata.lake_files
    WHERE layer = 'bronze' AND topic = $1 AND partition = $2 AND next_offset > $3
    ORDER BY first_offset LIMIT 1
) f ON true
