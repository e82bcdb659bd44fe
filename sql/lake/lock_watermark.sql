-- One row: the partition's watermark, locked against another exporter until the transaction ends.
SELECT next_offset FROM metadata.lake_watermarks WHERE topic = $1 AND partition = $2 FOR UPDATE
