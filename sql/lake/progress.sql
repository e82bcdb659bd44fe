-- One row per consumed partition: how far the warehouse is, and how far its bronze files are.
SELECT o.topic, o.partition, o.next_offset AS stored, coalesce(w.next_offset, 0) AS exported
FROM metadata.consumed_offsets o
LEFT JOIN metadata.lake_watermarks w USING (topic, partition)
