-- One row: the roles may do with the catalog what they are for. Idempotent.
SELECT catalog.grant_roles(), catalog.grant_mongo()
