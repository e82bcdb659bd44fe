-- One row per quality check; what else a check tells may name anything, and is for admins.
SELECT table_name, check_name, check_timestamp, total_records, valid_records, invalid_records, quality_percentage
FROM {relation}
