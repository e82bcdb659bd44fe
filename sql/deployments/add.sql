-- One row per deployment of the lists.
INSERT INTO catalog.deployments (tag_id, animal_id, valid, animal_mass_g, animal_sex, attributes)
SELECT tag_id, animal_id, tstzrange(on_us, off_us, '[)'), animal_mass_g, animal_sex, attributes
FROM unnest($1::text[], $2::text[], $3::timestamptz[], $4::timestamptz[], $5::float8[], $6::text[], $7::jsonb[])
     AS told (tag_id, animal_id, on_us, off_us, animal_mass_g, animal_sex, attributes)
