-- One row: whether the current role has been given its privileges, the offsets standing for all.
SELECT has_schema_privilege('metadata', 'USAGE') AND has_table_privilege('metadata.consumed_offsets', 'SELECT')
