-- One row per deployment, by collar and time.
SELECT tag_id, animal_id, lower(valid) AS on_us, upper(valid) AS off_us, animal_mass_g, animal_sex
FROM catalog.deployments ORDER BY tag_id, valid
