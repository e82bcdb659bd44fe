-- One row: whether the roles and their privileges are what they ought to be; warnings say what stands in the way. Idempotent.
SELECT metadata.grant_roles()
