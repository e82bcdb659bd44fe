-- One row per batch, table and rule since the last cut; takes them away. A batch that is being stored is left whole.
DELETE FROM metadata.quality_tally
RETURNING topic, partition, first_offset, next_offset, table_name, rule, records, samples
