-- One row of _yoyo_migration per migration that is applied: who only reads may read it, for `migrate --check`. Idempotent.
DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'liontrack_api') AND to_regclass('_yoyo_migration') IS NOT NULL THEN
        GRANT SELECT ON _yoyo_migration TO liontrack_api;
    END IF;
END $$
