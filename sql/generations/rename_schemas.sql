-- One row is none: the schemas of a generation get the names of another.
ALTER SCHEMA bronze{old} RENAME TO bronze{new};
ALTER SCHEMA silver{old} RENAME TO silver{new};
ALTER SCHEMA gold{old} RENAME TO gold{new};
ALTER SCHEMA metadata{old} RENAME TO metadata{new};
ALTER SCHEMA analytics{old} RENAME TO analytics{new}
