-- One row per lion of the generation $1 whose figures differ.
INSERT INTO catalog.generation_lions (generation, lion_id, fixes_before, fixes_after, km_before, km_after, health_before,
                                      health_after)
SELECT $1, * FROM unnest($2::text[], $3::bigint[], $4::bigint[], $5::double precision[], $6::double precision[],
                         $7::double precision[], $8::double precision[])
