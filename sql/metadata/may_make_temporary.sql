-- One row: whether the role may make temporary tables in this database.
SELECT has_database_privilege(current_database(), 'TEMPORARY')
