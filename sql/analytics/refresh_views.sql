-- One row per materialized view that was refreshed: $1 names one (null: all); $2 leaves out those that are up to date, and
-- all while another session refreshes. Refreshing again changes nothing but the time.
SELECT view_name, refreshed_at, duration_ms, row_count FROM analytics.refresh_views($1, $2)
