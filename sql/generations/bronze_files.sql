-- One row per bronze file of the lake that may hold consumed records, in the order of their offsets; the live generation's number,
-- and how far its bronze files and its offsets are.
SELECT (SELECT generation FROM catalog.generations WHERE state = 'live') AS live,
       o.topic, o.partition, least(o.next_offset, coalesce(w.next_offset, 0)) AS until, f.path, f.first_offset, f.next_offset
FROM metadata.consumed_offsets o
LEFT JOIN metadata.lake_watermarks w USING (topic, partition)
LEFT JOIN metadata.lake_files f ON f.layer = 'bronze' AND f.topic = o.topic AND f.partition = o.partition
ORDER BY o.topic, o.partition, f.first_offset
