-- Who may do what: three group roles, and one function that gives each exactly its privileges.
--
--   liontrack_migrate  owns the five schemas: every change of the schema, retention, any data
--   liontrack_ingest   the worker: appends to bronze, writes silver, gold and metadata; no DDL, no TRUNCATE
--   liontrack_api      the views: reads silver, gold, analytics, metadata, and bronze but for bytes, keys and headers

-- Makes the roles and their privileges what they ought to be; run again after every migration. Idempotent.
-- Roles belong to the whole server: other databases' migrations may make them at the same moment. True when all is
-- done; else a warning says what an administrator has to run, and the rest is done.
CREATE FUNCTION metadata.grant_roles() RETURNS boolean
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    roles CONSTANT text[] := ARRAY['liontrack_migrate', 'liontrack_ingest', 'liontrack_api'];
    wanted text;
    item record;
    missing text;
    owners text[];
BEGIN
    FOREACH wanted IN ARRAY roles LOOP
        BEGIN
            IF to_regrole(wanted) IS NULL THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', wanted);
            END IF;
        EXCEPTION WHEN duplicate_object OR unique_violation THEN
            NULL; -- another database's migration was quicker
        WHEN insufficient_privilege THEN
            NULL; -- told below
        END;
        BEGIN
            IF to_regrole(wanted) IS NOT NULL AND NOT pg_has_role(current_user, wanted, 'USAGE') THEN
                EXECUTE format('GRANT %I TO %I', wanted, current_user);
            END IF;
        EXCEPTION WHEN unique_violation OR insufficient_privilege THEN
            NULL;
        END;
    END LOOP;

    SELECT string_agg('CREATE ROLE ' || name || ' NOLOGIN;', ' ') INTO missing
    FROM unnest(roles) AS name WHERE to_regrole(name) IS NULL;
    IF missing IS NOT NULL THEN
        RAISE WARNING '% may not create roles, so no privileges were given. Have an administrator run: % GRANT % TO %; '
            'then run `liontrack migrate` again. Until then, set PG_INGEST_ROLE and PG_API_ROLE to nothing.',
            current_user, missing, array_to_string(roles, ', '), quote_ident(current_user);
        RETURN false;
    END IF;
    SELECT string_agg(name, ', ') INTO missing FROM unnest(roles) AS name WHERE NOT pg_has_role(current_user, name, 'USAGE');
    IF missing IS NOT NULL THEN
        RAISE WARNING '% is no member of %. Have an administrator run: GRANT % TO %; then run `liontrack migrate` again.',
            current_user, missing, missing, quote_ident(current_user);
    END IF;

    -- What makes partitions and refreshes views runs as its owner, for liontrack_ingest alone.
    FOR item IN
        SELECT p.oid::regprocedure AS name FROM pg_proc p
        WHERE p.pronamespace = to_regnamespace('metadata') AND p.proname ~ '^ensure_' AND NOT p.prosecdef
    LOOP
        EXECUTE format('ALTER FUNCTION %s SECURITY DEFINER SET search_path = pg_catalog, pg_temp', item.name);
    END LOOP;

    owners := ARRAY[current_user::text];
    IF pg_has_role(current_user, 'liontrack_migrate', 'USAGE') THEN
        owners := owners || 'liontrack_migrate'::text;
        IF has_database_privilege(current_database(), 'CREATE WITH GRANT OPTION') THEN
            EXECUTE format('GRANT CREATE, CONNECT, TEMPORARY ON DATABASE %I TO liontrack_migrate', current_database());
        END IF;
        GRANT ALL ON SCHEMA bronze, silver, gold, metadata, analytics TO liontrack_migrate;
        FOR item IN
            SELECT 'SCHEMA' AS kind, quote_ident(n.nspname) AS name, n.nspowner AS owner, 1 AS place
            FROM pg_namespace n
            WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
              AND has_database_privilege('liontrack_migrate', current_database(), 'CREATE')
            UNION ALL
            SELECT CASE c.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' WHEN 'S' THEN 'SEQUENCE'
                   ELSE 'TABLE' END, c.oid::regclass::text, c.relowner, 2
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
            WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics') AND c.relkind IN ('r', 'p', 'v', 'm', 'S')
              AND NOT EXISTS ( -- an identity column's sequence follows its table
                  SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'i'
                      AND d.refobjsubid > 0)
            UNION ALL
            SELECT 'ROUTINE', p.oid::regprocedure::text, p.proowner, 3
            FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
            WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
            ORDER BY place
        LOOP
            IF item.owner <> 'liontrack_migrate'::regrole AND pg_has_role(current_user, item.owner, 'USAGE') THEN
                EXECUTE format('ALTER %s %s OWNER TO liontrack_migrate', item.kind, item.name);
            END IF;
        END LOOP;
    END IF;

    REVOKE ALL ON ALL TABLES IN SCHEMA bronze, silver, gold, metadata, analytics FROM liontrack_ingest, liontrack_api;
    REVOKE ALL ON ALL SEQUENCES IN SCHEMA bronze, silver, gold, metadata, analytics FROM liontrack_ingest, liontrack_api;
    REVOKE ALL ON SCHEMA bronze, silver, gold, metadata, analytics FROM PUBLIC, liontrack_ingest, liontrack_api;
    GRANT USAGE ON SCHEMA bronze, silver, gold, metadata, analytics TO liontrack_ingest, liontrack_api;

    GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA bronze TO liontrack_ingest;
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA silver, gold, metadata TO liontrack_ingest;
    REVOKE UPDATE, DELETE ON metadata.dead_letters, metadata.revisions FROM liontrack_ingest;
    REVOKE DELETE ON metadata.consumed_offsets FROM liontrack_ingest;
    REVOKE INSERT, UPDATE, DELETE ON metadata.view_refreshes FROM liontrack_ingest;
    GRANT USAGE ON ALL SEQUENCES IN SCHEMA metadata TO liontrack_ingest;

    GRANT SELECT ON ALL TABLES IN SCHEMA silver, gold, metadata, analytics TO liontrack_api;
    REVOKE SELECT ON metadata.dead_letters FROM liontrack_api;
    FOR item IN
        SELECT c.oid::regclass AS name, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) AS columns
        FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
        WHERE (c.relnamespace = to_regnamespace('bronze') AND c.relkind = 'p' OR c.oid = to_regclass('metadata.dead_letters'))
          AND a.attnum > 0 AND NOT a.attisdropped AND a.attname NOT IN ('raw', 'key', 'headers')
        GROUP BY c.oid
    LOOP
        EXECUTE format('GRANT SELECT (%s) ON %s TO liontrack_api', item.columns, item.name);
    END LOOP;

    FOR item IN
        SELECT p.oid::regprocedure AS name, p.prosecdef AND p.proname ~ '^(ensure|refresh)_' AS for_ingest
        FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
        WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')
          AND (p.prosecdef OR p.oid = to_regprocedure('metadata.grant_roles()'))
    LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC, liontrack_ingest, liontrack_api', item.name);
        IF item.for_ingest THEN
            EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO liontrack_ingest', item.name);
        END IF;
    END LOOP;

    -- Later tables and day partitions, whichever of the two makes them.
    FOREACH wanted IN ARRAY owners LOOP
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA bronze'
                       ' GRANT SELECT, INSERT ON TABLES TO liontrack_ingest', wanted);
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA silver, gold, metadata'
                       ' GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO liontrack_ingest', wanted);
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA metadata'
                       ' GRANT USAGE ON SEQUENCES TO liontrack_ingest', wanted);
        EXECUTE format('ALTER DEFAULT PRIVILEGES FOR ROLE %I IN SCHEMA silver, gold, metadata, analytics'
                       ' GRANT SELECT ON TABLES TO liontrack_api', wanted);
    END LOOP;
    RETURN missing IS NULL;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The roles'' privileges could not be set (%). Run `liontrack migrate` as the owner of the schemas.', SQLERRM;
    RETURN false;
END
$$;

DO $$ BEGIN PERFORM metadata.grant_roles(); END $$;
