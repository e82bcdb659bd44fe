-- One row per deployment of the collars ($1) goes.
DELETE FROM catalog.deployments WHERE tag_id = ANY ($1::text[])
