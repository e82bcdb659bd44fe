-- One row: the roles may read the catalog now. Idempotent.
SELECT catalog.grant_roles()
