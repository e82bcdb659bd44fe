-- One row: the times of the first and the last fix there is, null where there is none.
SELECT min(first_fix_time) AS first_us, max(last_fix_time) AS last_us FROM silver.lions
