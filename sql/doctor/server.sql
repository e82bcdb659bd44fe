-- One row: the server's version, its clock (seconds since 1970) and the connections that are left.
SELECT current_setting('server_version') AS version, current_setting('server_version_num')::int AS version_num,
    extract(epoch FROM clock_timestamp())::float8 AS now_s,
    current_setting('max_connections')::int AS connections_max,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend')::int AS connections
