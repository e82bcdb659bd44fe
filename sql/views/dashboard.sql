-- One row. data_quality_score (0-100): the mean over all checked tables of each one's latest checked day up to $1.
SELECT (SELECT count(*) FROM silver.lions WHERE deleted_at IS NULL) AS total_lions,
       (SELECT count(*) FROM silver.users WHERE deleted_at IS NULL) AS total_users,
       (SELECT avg(avg_quality) FROM (
            SELECT DISTINCT ON (table_name) avg_quality FROM gold.quality_daily
            WHERE check_date <= ($1::timestamptz AT TIME ZONE 'UTC')::date
            ORDER BY table_name, check_date DESC
        ) latest) AS data_quality_score
