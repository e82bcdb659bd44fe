-- One row per partition, rule and table that the batch's records met; a batch is stored once, so its rows are new.
INSERT INTO metadata.quality_tally (topic, partition, first_offset, next_offset, table_name, rule, records, samples)
SELECT $1, partition, first_offset, next_offset, table_name, rule, records, samples::bigint[]
FROM unnest($2::int[], $3::bigint[], $4::bigint[], $5::text[], $6::text[], $7::bigint[], $8::text[])
    AS found (partition, first_offset, next_offset, table_name, rule, records, samples)
