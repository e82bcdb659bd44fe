-- One row per partition of the topics $1 that was ever consumed: up to where it is in the warehouse.
SELECT topic, partition, next_offset FROM metadata.consumed_offsets WHERE topic = ANY($1::text[])
