-- One row, or none: compare-and-set; of two exporters of one partition, one moves the watermark and publishes its file.
UPDATE metadata.lake_watermarks SET next_offset = $4, updated_at = now()
WHERE topic = $1 AND partition = $2 AND next_offset = $3
