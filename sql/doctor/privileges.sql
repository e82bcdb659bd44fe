-- One row: whether the worker's role ($1) may do what it is for, and what the API's role ($2) may beyond it.
SELECT has_table_privilege($1, 'bronze.lions_raw', 'INSERT') AS ingest_appends,
    has_table_privilege($1, 'bronze.lions_raw', 'UPDATE, DELETE') AS ingest_rewrites_bronze,
    has_table_privilege($2, 'gold.lions_metrics', 'SELECT') AS api_reads,
    has_table_privilege($2, 'silver.lions', 'INSERT, UPDATE, DELETE') AS api_writes
