-- Two logins, each with one privilege and few connections; passwords as their files have them. Idempotent.
\set monitor_password `cat "$SECRETS/pg_monitor_password"`
\set reader_password `cat "$SECRETS/pg_reader_password"`
SET password_encryption = 'scram-sha-256';
SET client_min_messages = warning;

SELECT format('CREATE ROLE %I', name) FROM unnest(ARRAY['liontrack_monitor', 'liontrack_reader']) AS name
WHERE to_regrole(name) IS NULL \gexec

ALTER ROLE liontrack_monitor LOGIN CONNECTION LIMIT 5 PASSWORD :'monitor_password';
GRANT pg_monitor TO liontrack_monitor;
ALTER ROLE liontrack_monitor SET statement_timeout = '10s';

ALTER ROLE liontrack_reader LOGIN CONNECTION LIMIT 10 PASSWORD :'reader_password';
GRANT liontrack_api TO liontrack_reader;
ALTER ROLE liontrack_reader SET default_transaction_read_only = on;
ALTER ROLE liontrack_reader SET statement_timeout = '5min';
