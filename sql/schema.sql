-- The whole schema, as the files of sql/migrations leave it. Made by `make schema`; change the migrations, not this.
-- Each table's and view's COMMENT states its grain ("One row per …"). Run once, on an empty database.
-- Day partitions are not part of it: they are made on demand.

-- What no generation has of its own; their views look into it.

CREATE SCHEMA catalog;

CREATE FUNCTION catalog.grant_mongo() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    IF to_regrole('liontrack_ingest') IS NOT NULL THEN
        GRANT INSERT, UPDATE ON catalog.mongo_collections, catalog.mongo_documents TO liontrack_ingest;
    END IF;
    REVOKE ALL ON FUNCTION catalog.grant_mongo() FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The privileges of MongoDB''s places could not be set (%). Run `liontrack migrate` as their owner.', SQLERRM;
END
$$;

CREATE FUNCTION catalog.grant_roles() RETURNS void
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    reader text;
BEGIN
    IF to_regrole('liontrack_migrate') IS NOT NULL THEN
        GRANT ALL ON SCHEMA catalog TO liontrack_migrate;
        GRANT ALL ON ALL TABLES IN SCHEMA catalog TO liontrack_migrate;
    END IF;
    FOREACH reader IN ARRAY ARRAY['liontrack_ingest', 'liontrack_api'] LOOP
        IF to_regrole(reader) IS NOT NULL THEN
            EXECUTE format('GRANT USAGE ON SCHEMA catalog TO %I', reader);
            EXECUTE format('REVOKE ALL ON ALL TABLES IN SCHEMA catalog FROM %I', reader);
            EXECUTE format('GRANT SELECT ON ALL TABLES IN SCHEMA catalog TO %I', reader);
        END IF;
    END LOOP;
    IF to_regrole('liontrack_ingest') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON catalog.deployments TO liontrack_ingest;
    END IF;
    REVOKE ALL ON FUNCTION catalog.grant_roles() FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The privileges of the catalog could not be set (%). Run `liontrack migrate` as its owner.', SQLERRM;
END
$$;

CREATE FUNCTION catalog.lock_deployments() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    LOCK TABLE catalog.deployments IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END
$$;

CREATE FUNCTION catalog.refuse_overlaps() RETURNS trigger
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    clash record;
BEGIN
    SELECT a.tag_id, a.valid AS one, b.valid AS other INTO clash
    FROM (SELECT tag_id, valid, lead(valid) OVER (PARTITION BY tag_id ORDER BY valid) AS next FROM catalog.deployments) a
    JOIN catalog.deployments b ON b.tag_id = a.tag_id AND b.valid = a.next
    WHERE a.valid && b.valid
    LIMIT 1;
    IF FOUND THEN
        RAISE EXCEPTION 'tag % is on two animals at once: % overlaps %', clash.tag_id, clash.one, clash.other
            USING ERRCODE = 'exclusion_violation';
    END IF;
    RETURN NULL;
END
$$;

CREATE TABLE catalog.deployments (
    tag_id text NOT NULL,
    valid tstzrange NOT NULL,
    animal_id text NOT NULL,
    animal_mass_g double precision,
    animal_sex text,
    attributes jsonb,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT deployments_half_open CHECK (((NOT isempty(valid)) AND (lower_inf(valid) OR lower_inc(valid)) AND (NOT upper_inc(valid))))
);

COMMENT ON TABLE catalog.deployments IS 'One row per collar and period in which one animal wore it';

COMMENT ON COLUMN catalog.deployments.valid IS 'From deploy-on-date up to, not including, deploy-off-date; without an end: still on';

COMMENT ON COLUMN catalog.deployments.animal_mass_g IS 'Grams, when the collar was put on; told to the weights topic as an event';

COMMENT ON COLUMN catalog.deployments.attributes IS 'Further columns of the reference data, as text';

CREATE TABLE catalog.generation_diffs (
    generation integer NOT NULL,
    table_name text NOT NULL,
    rows_live bigint NOT NULL,
    added bigint NOT NULL,
    removed bigint NOT NULL,
    changed bigint NOT NULL
);

COMMENT ON TABLE catalog.generation_diffs IS 'One row per compared generation and table: rows that it adds, removes and changes against the live one';

CREATE TABLE catalog.generation_lions (
    generation integer NOT NULL,
    lion_id text NOT NULL,
    fixes_before bigint,
    fixes_after bigint,
    km_before double precision,
    km_after double precision,
    health_before double precision,
    health_after double precision
);

COMMENT ON TABLE catalog.generation_lions IS 'One row per compared generation and lion whose accepted fixes, kilometres or latest health differ from the live one';

CREATE TABLE catalog.generations (
    generation integer NOT NULL,
    state text NOT NULL,
    options jsonb DEFAULT '{}'::jsonb NOT NULL,
    rule_version integer,
    created_at timestamp with time zone DEFAULT now() NOT NULL,
    compared_at timestamp with time zone,
    compared_offsets jsonb,
    swapped_at timestamp with time zone,
    CONSTRAINT generations_state_check CHECK ((state = ANY (ARRAY['building'::text, 'ready'::text, 'live'::text, 'retired'::text])))
);

COMMENT ON TABLE catalog.generations IS 'One row per generation of the warehouse that there is';

COMMENT ON COLUMN catalog.generations.state IS 'building: by a replay that may go on; ready: it has been compared with the live one; live; retired: it was live';

COMMENT ON COLUMN catalog.generations.options IS 'What its replay was bounded to; empty: nothing';

COMMENT ON COLUMN catalog.generations.rule_version IS 'The rules that it was computed with, by their number in metadata.rule_versions';

COMMENT ON COLUMN catalog.generations.compared_offsets IS 'The moment of its diff: [topic, partition, next offset] of both sides';

CREATE TABLE catalog.mongo_collections (
    source text NOT NULL,
    collection text NOT NULL,
    mode text NOT NULL,
    place text,
    snapshot bigint DEFAULT 0 NOT NULL,
    snapshot_after text,
    holder text,
    changes bigint DEFAULT 0 NOT NULL,
    changed_at timestamp with time zone,
    saved_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT mongo_collections_mode_check CHECK ((mode = ANY (ARRAY['snapshot'::text, 'stream'::text, 'poll'::text])))
);

COMMENT ON TABLE catalog.mongo_collections IS 'One row per MongoDB collection that has been watched: where to go on';

COMMENT ON COLUMN catalog.mongo_collections.source IS 'The database';

COMMENT ON COLUMN catalog.mongo_collections.mode IS 'snapshot: it is being read whole; stream: its changes are followed; poll: it is asked for changes';

COMMENT ON COLUMN catalog.mongo_collections.place IS 'JSON: the resume token, operation time or newest updatedAt behind which everything is in Kafka';

COMMENT ON COLUMN catalog.mongo_collections.snapshot IS 'The number of the last snapshot that began';

COMMENT ON COLUMN catalog.mongo_collections.snapshot_after IS 'Extended JSON: the _id up to which the snapshot is in Kafka';

COMMENT ON COLUMN catalog.mongo_collections.holder IS 'The process that watched it last (host/pid); it still does while it holds the advisory lock';

COMMENT ON COLUMN catalog.mongo_collections.changed_at IS 'When MongoDB made the newest change that is in Kafka';

CREATE TABLE catalog.mongo_documents (
    source text NOT NULL,
    collection text NOT NULL,
    document_id text NOT NULL,
    topic text NOT NULL,
    key text NOT NULL,
    version_at timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    events jsonb NOT NULL,
    deleted boolean NOT NULL,
    told boolean NOT NULL,
    read_at timestamp with time zone NOT NULL,
    snapshot bigint NOT NULL
);

COMMENT ON TABLE catalog.mongo_documents IS 'One row per MongoDB document that an event has told of';

COMMENT ON COLUMN catalog.mongo_documents.key IS 'The key of its events: whom a deletion of it names';

COMMENT ON COLUMN catalog.mongo_documents.version_at IS 'The time of the version that was told last; versions of a document ascend';

COMMENT ON COLUMN catalog.mongo_documents.content_hash IS 'Of what was told, not of the document';

COMMENT ON COLUMN catalog.mongo_documents.events IS 'Of a document that is one event (a weighing): those in Kafka that may stand for it, [topic, key, id] each';

COMMENT ON COLUMN catalog.mongo_documents.told IS 'Kafka holds this version; false: it may';

COMMENT ON COLUMN catalog.mongo_documents.read_at IS 'This version was read after everything that MongoDB changed up to this logical time';

COMMENT ON COLUMN catalog.mongo_documents.snapshot IS 'The last snapshot that saw it; one that a later snapshot does not see was deleted';

ALTER TABLE ONLY catalog.deployments
    ADD CONSTRAINT deployments_pkey PRIMARY KEY (tag_id, valid);

ALTER TABLE ONLY catalog.generation_diffs
    ADD CONSTRAINT generation_diffs_pkey PRIMARY KEY (generation, table_name);

ALTER TABLE ONLY catalog.generation_lions
    ADD CONSTRAINT generation_lions_pkey PRIMARY KEY (generation, lion_id);

ALTER TABLE ONLY catalog.generations
    ADD CONSTRAINT generations_pkey PRIMARY KEY (generation);

ALTER TABLE ONLY catalog.mongo_collections
    ADD CONSTRAINT mongo_collections_pkey PRIMARY KEY (source, collection);

ALTER TABLE ONLY catalog.mongo_documents
    ADD CONSTRAINT mongo_documents_pkey PRIMARY KEY (source, collection, document_id);

CREATE UNIQUE INDEX generations_live ON catalog.generations USING btree (state) WHERE (state = 'live'::text);

CREATE INDEX mongo_documents_unseen ON catalog.mongo_documents USING btree (source, collection, snapshot) WHERE (NOT deleted);

CREATE TRIGGER lock_deployments BEFORE INSERT OR UPDATE ON catalog.deployments FOR EACH STATEMENT EXECUTE FUNCTION catalog.lock_deployments();

CREATE TRIGGER refuse_overlaps AFTER INSERT OR UPDATE ON catalog.deployments FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_overlaps();

ALTER TABLE ONLY catalog.generation_diffs
    ADD CONSTRAINT generation_diffs_generation_fkey FOREIGN KEY (generation) REFERENCES catalog.generations(generation) ON DELETE CASCADE;

ALTER TABLE ONLY catalog.generation_lions
    ADD CONSTRAINT generation_lions_generation_fkey FOREIGN KEY (generation) REFERENCES catalog.generations(generation) ON DELETE CASCADE;

INSERT INTO catalog.generations (generation, state) VALUES (0, 'live');

-- What each generation has.

CREATE SCHEMA analytics;

CREATE SCHEMA bronze;

CREATE SCHEMA gold;

CREATE SCHEMA metadata;

CREATE SCHEMA silver;

CREATE TABLE metadata.view_refreshes (
    view_name text NOT NULL,
    refreshed_at timestamp with time zone NOT NULL,
    duration_ms double precision NOT NULL,
    row_count bigint NOT NULL,
    consumed numeric NOT NULL
);

COMMENT ON TABLE metadata.view_refreshes IS 'One row per materialized view: its last refresh';

CREATE FUNCTION analytics.refresh_views(only_view text DEFAULT NULL::text, if_stale boolean DEFAULT false) RETURNS SETOF metadata.view_refreshes
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    one record;
    done metadata.view_refreshes;
    began timestamptz;
BEGIN
    IF only_view IS NOT NULL AND NOT EXISTS (
        SELECT FROM pg_matviews WHERE schemaname = 'analytics' AND matviewname = only_view
    ) THEN
        RAISE EXCEPTION 'analytics has no materialized view %; it has %', only_view,
            (SELECT string_agg(matviewname, ', ' ORDER BY matviewname) FROM pg_matviews WHERE schemaname = 'analytics')
            USING ERRCODE = 'undefined_object';
    END IF;
    IF NOT if_stale THEN
        PERFORM pg_advisory_xact_lock(hashtext('liontrack.analytics.refresh'));
    ELSIF NOT pg_try_advisory_xact_lock(hashtext('liontrack.analytics.refresh')) THEN
        RETURN;
    END IF;
    FOR one IN
        SELECT v.matviewname AS name, v.ispopulated FROM pg_matviews v
        WHERE v.schemaname = 'analytics' AND v.matviewname = coalesce(only_view, v.matviewname) ORDER BY 1
    LOOP
        SELECT coalesce(sum(next_offset), 0) INTO done.consumed FROM metadata.consumed_offsets;
        CONTINUE WHEN if_stale AND EXISTS (
            SELECT FROM metadata.view_refreshes r WHERE r.view_name = one.name AND r.consumed = done.consumed
        );
        began := clock_timestamp();
        -- A view that a restore left without data cannot be refreshed concurrently the first time.
        EXECUTE format('REFRESH MATERIALIZED VIEW %s analytics.%I',
                       CASE WHEN one.ispopulated THEN 'CONCURRENTLY' ELSE '' END, one.name);
        EXECUTE format('SELECT count(*) FROM analytics.%I', one.name) INTO done.row_count;
        done.view_name := one.name;
        done.refreshed_at := clock_timestamp();
        done.duration_ms := extract(epoch FROM done.refreshed_at - began) * 1000;
        INSERT INTO metadata.view_refreshes VALUES (done.*)
        ON CONFLICT (view_name) DO UPDATE SET refreshed_at = excluded.refreshed_at,
            duration_ms = excluded.duration_ms, row_count = excluded.row_count, consumed = excluded.consumed;
        RETURN NEXT done;
    END LOOP;
END
$$;

CREATE FUNCTION gold.last_fix(lion text, until timestamp with time zone) RETURNS TABLE(position_date timestamp with time zone, lat double precision, lng double precision)
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    midnight timestamptz := date_trunc('day', until, 'UTC');
    before timestamptz;
BEGIN
    RETURN QUERY SELECT p.event_time, p.lat, p.lng FROM silver.positions p
                 WHERE p.lion_id = lion AND p.event_time >= midnight AND p.event_time <= until AND p.flags = 0
                 ORDER BY p.event_time DESC LIMIT 1;
    IF FOUND THEN
        RETURN;
    END IF;
    SELECT m.last_fix_time INTO before FROM gold.lions_metrics m
    WHERE m.lion_id = lion AND m.metric_date < (until AT TIME ZONE 'UTC')::date AND m.last_fix_time IS NOT NULL
    ORDER BY m.metric_date DESC LIMIT 1;
    RETURN QUERY SELECT p.event_time, p.lat, p.lng FROM silver.positions p
                 WHERE p.lion_id = lion AND p.event_time = before AND p.flags = 0;
END
$$;

COMMENT ON FUNCTION gold.last_fix(lion text, until timestamp with time zone) IS 'The last accepted fix of a lion up to an instant';

CREATE TABLE gold.lion_windows (
    lion_id text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    fixes integer NOT NULL,
    sum_lat_e9 bigint NOT NULL,
    sum_lng_e9 bigint NOT NULL,
    mean_lat double precision NOT NULL,
    mean_lng double precision NOT NULL,
    first_time timestamp with time zone NOT NULL,
    first_lat double precision NOT NULL,
    first_lng double precision NOT NULL,
    last_time timestamp with time zone NOT NULL,
    last_lat double precision NOT NULL,
    last_lng double precision NOT NULL,
    min_lat double precision NOT NULL,
    max_lat double precision NOT NULL,
    min_lng double precision NOT NULL,
    max_lng double precision NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
)
PARTITION BY RANGE (window_start);
ALTER TABLE ONLY gold.lion_windows ALTER COLUMN lion_id SET STORAGE PLAIN;

COMMENT ON TABLE gold.lion_windows IS 'One row per lion and 5 minutes (UTC) with an accepted fix';

CREATE FUNCTION gold.last_windows(of_partition integer) RETURNS SETOF gold.lion_windows
    LANGUAGE plpgsql STABLE
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET plan_cache_mode TO 'force_custom_plan'
    AS $$
DECLARE
    oldest timestamptz := (SELECT min(last_update) FROM (
        SELECT last_update FROM silver.lions WHERE accepted_fixes > 0 ORDER BY last_update DESC LIMIT 20000) newest);
    midnight timestamptz;
    midnight_after timestamptz;
BEGIN
    FOR midnight IN SELECT DISTINCT date_trunc('day', last_update, 'UTC') FROM silver.lions WHERE last_update >= oldest
    LOOP
        midnight_after := midnight + interval '24 hours';
        RETURN QUERY
            SELECT w.* FROM silver.lions l
            JOIN silver.positions p ON p.lion_id = l.lion_id AND p.event_time = l.last_update
            JOIN gold.lion_windows w ON w.lion_id = l.lion_id AND w.window_start <= l.last_update
             AND w.window_start > l.last_update - interval '5 minutes'
            WHERE l.last_update >= greatest(midnight, oldest) AND l.last_update < midnight_after
              AND p.event_time >= midnight AND p.event_time < midnight_after AND p.partition = of_partition
              AND w.window_start >= midnight AND w.window_start < midnight_after;
    END LOOP;
END
$$;

COMMENT ON FUNCTION gold.last_windows(of_partition integer) IS 'The 5-minute window of each lion''s last accepted fix, of one Kafka partition';

CREATE FUNCTION metadata.drop_bronze_day(table_name text, day date, expected_rows bigint) RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
DECLARE
    parent text := format('bronze.%I', table_name);
    child text := format('bronze.%I', table_name || to_char(day, '"_"YYYYMMDD'));
    size bigint;
    found_rows bigint;
BEGIN
    EXECUTE format('LOCK TABLE %s IN SHARE MODE', child);
    EXECUTE format('SELECT count(*) FROM %s', child) INTO found_rows;
    IF found_rows <> expected_rows THEN
        RETURN false;
    END IF;
    size := pg_total_relation_size(child);
    EXECUTE format('ALTER TABLE %s DETACH PARTITION %s', parent, child);
    EXECUTE format('DROP TABLE %s', child);
    INSERT INTO metadata.dropped_partitions (table_name, day, row_count, byte_count)
    VALUES ('bronze.' || table_name, day, found_rows, size);
    RETURN true;
END
$$;

COMMENT ON FUNCTION metadata.drop_bronze_day(table_name text, day date, expected_rows bigint) IS 'Drops a day of bronze that the lake holds; see liontrack retain';

CREATE FUNCTION metadata.ensure_bronze_day(table_name text, day date) RETURNS void
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
BEGIN
    PERFORM metadata.ensure_days(format('bronze.%s', table_name), ARRAY[day]);
END
$$;

CREATE FUNCTION metadata.ensure_days(table_name text, days date[]) RETURNS boolean
    LANGUAGE plpgsql SECURITY DEFINER
    SET search_path TO 'pg_catalog', 'pg_temp'
    SET lock_timeout TO '1s'
    AS $_$
DECLARE
    time_column text := CASE
        WHEN table_name IN ('bronze.lions_raw', 'bronze.weights_raw', 'bronze.users_raw', 'bronze.challenges_raw',
                            'bronze.quality_raw') THEN 'partition_date'
        WHEN table_name = 'silver.positions' THEN 'event_time'
        WHEN table_name IN ('gold.lion_windows', 'gold.user_windows') THEN 'window_start' END;
    by_week boolean := time_column <> 'partition_date';
    midnight text := CASE WHEN by_week THEN ' 00:00:00+00' ELSE '' END;
    spare text := table_name || '_default';
    has_rows text;
    moves boolean := false;
    appeared boolean;
    -- A day is read by its key, or whole, and hardly updated: vacuuming what was only inserted, and statistics of a day
    -- that is being filled, cost more than they help.
    options text := 'WITH (autovacuum_vacuum_insert_threshold = -1'
        || CASE WHEN by_week THEN ', autovacuum_analyze_threshold = 100000)' ELSE ')' END;
    child text;
    missing daterange[];
    wanted daterange;
    inside text;
BEGIN
    IF time_column IS NULL THEN
        RAISE EXCEPTION 'table % has no day partitions', table_name;
    END IF;
    missing := ARRAY(
        SELECT DISTINCT CASE WHEN by_week AND NOT EXISTS (
                   SELECT FROM generate_series(0, 6) n
                   WHERE to_regclass(table_name || to_char(monday + n, '"_"YYYYMMDD')) IS NOT NULL
               ) THEN daterange(greatest(monday, '2000-01-01'), monday + 7) ELSE daterange(d, d + 1) END AS period
        FROM (SELECT d, date_trunc('week', d::timestamp)::date AS monday FROM unnest(days) d) each
        WHERE to_regclass(table_name || to_char(d, '"_"YYYYMMDD')) IS NULL
          AND to_regclass(table_name || to_char(greatest(monday, '2000-01-01'), '"_w"YYYYMMDD')) IS NULL
          AND (d >= '2000-01-01' OR NOT by_week)
        ORDER BY period);
    IF missing = '{}' THEN
        RETURN true;
    END IF;
    -- One caller at a time. Unlike an advisory lock, this one lets the session see what the one before it has made.
    EXECUTE format('LOCK TABLE ONLY %s IN SHARE UPDATE EXCLUSIVE MODE', table_name);
    IF by_week THEN
        has_rows := format('SELECT EXISTS (SELECT FROM %s WHERE (%I AT TIME ZONE ''UTC'')::date <@ ANY ($1))',
                           spare, time_column);
        EXECUTE has_rows INTO moves USING missing;
        IF moves THEN
            EXECUTE format('LOCK TABLE ONLY %s IN ACCESS EXCLUSIVE MODE', table_name);
        END IF;
        EXECUTE format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE', spare);
        IF NOT moves THEN
            EXECUTE has_rows INTO appeared USING missing;
            IF appeared THEN
                RETURN false; -- who has put them there uses the table, and may wait for us: the next call moves them
            END IF;
        END IF;
    END IF;
    FOREACH wanted IN ARRAY missing LOOP
        child := table_name || CASE WHEN upper(wanted) - lower(wanted) > 1 THEN '_w' ELSE '_' END
            || to_char(lower(wanted), 'YYYYMMDD');
        CONTINUE WHEN to_regclass(child) IS NOT NULL;
        EXECUTE format('CREATE TABLE %s (LIKE %s INCLUDING ALL EXCLUDING COMMENTS) %s', child, table_name, options);
        IF moves THEN
            inside := format('%I >= %L AND %I < %L', time_column, lower(wanted) || midnight, time_column,
                             upper(wanted) || midnight);
            EXECUTE format('WITH moved AS (DELETE FROM %s WHERE %s RETURNING *) INSERT INTO %s SELECT * FROM moved',
                           spare, inside, child);
        END IF;
        EXECUTE format('ALTER TABLE %s ATTACH PARTITION %s FOR VALUES FROM (%L) TO (%L)',
                       table_name, child, lower(wanted) || midnight, upper(wanted) || midnight);
    END LOOP;
    RETURN true;
EXCEPTION WHEN lock_not_available THEN
    IF NOT by_week THEN
        RAISE;
    END IF;
    RETURN false;
END
$_$;

COMMENT ON FUNCTION metadata.ensure_days(table_name text, days date[]) IS 'Makes missing day partitions of bronze, silver.positions and the windows';

CREATE FUNCTION metadata.grant_roles() RETURNS boolean
    LANGUAGE plpgsql
    SET search_path TO 'pg_catalog', 'pg_temp'
    AS $$
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

CREATE FUNCTION metadata.iso_z(moment timestamp with time zone) RETURNS text
    LANGUAGE sql STABLE PARALLEL SAFE
    RETURN (TRIM(BOTH '"'::text FROM (to_json((moment AT TIME ZONE 'UTC'::text)))::text) || 'Z'::text);

COMMENT ON FUNCTION metadata.iso_z(moment timestamp with time zone) IS 'ISO-8601 in UTC, a fraction only where there is one';

CREATE FUNCTION metadata.on_grid(degrees double precision, grid_deg double precision, limit_deg double precision) RETURNS double precision
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN GREATEST((- limit_deg), LEAST(limit_deg, (round(((round((degrees / grid_deg)) * grid_deg))::numeric, 9))::double precision));

COMMENT ON FUNCTION metadata.on_grid(degrees double precision, grid_deg double precision, limit_deg double precision) IS 'The nearest point of the grid through 0, within ±limit_deg';

CREATE FUNCTION metadata.safe_cell(cell text) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN CASE WHEN (ascii(ltrim(cell, ' '''::text)) = ANY (ARRAY[9, 10, 13, 43, 45, 61, 64, 65291, 65293, 65309, 65312])) THEN (''''::text || cell) ELSE cell END;

COMMENT ON FUNCTION metadata.safe_cell(cell text) IS 'A text cell that no spreadsheet runs as a formula';

CREATE FUNCTION silver.flag_names(flags smallint) RETURNS text[]
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN array_remove(ARRAY[CASE WHEN (((flags)::integer & 1) > 0) THEN 'zero_zero'::text ELSE NULL::text END, CASE WHEN (((flags)::integer & 2) > 0) THEN 'not_visible'::text ELSE NULL::text END, CASE WHEN (((flags)::integer & 4) > 0) THEN 'future'::text ELSE NULL::text END, CASE WHEN (((flags)::integer & 8) > 0) THEN 'spike'::text ELSE NULL::text END, CASE WHEN (((flags)::integer & 16) > 0) THEN 'deleted'::text ELSE NULL::text END], NULL::text);

CREATE FUNCTION silver.tag_of(metadata jsonb) RETURNS text
    LANGUAGE sql IMMUTABLE PARALLEL SAFE
    RETURN COALESCE((metadata ->> 'tag-local-identifier'::text), (metadata ->> 'tag_id'::text));

CREATE TABLE silver.lions (
    lion_id text NOT NULL,
    name text,
    name_time timestamp with time zone,
    position_lat double precision,
    position_lng double precision,
    last_update timestamp with time zone,
    status text DEFAULT 'inferred'::text NOT NULL,
    data_quality_score double precision,
    fixes bigint DEFAULT 0 NOT NULL,
    accepted_fixes bigint DEFAULT 0 NOT NULL,
    deleted_at timestamp with time zone,
    updated_at timestamp with time zone,
    revision bigint DEFAULT 0 NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    first_fix_time timestamp with time zone,
    last_fix_time timestamp with time zone
);

COMMENT ON TABLE silver.lions IS 'One row per lion that any record names; inferred until a fix of it is accepted';

CREATE TABLE silver.weight_history (
    weight_id text NOT NULL,
    lion_id text NOT NULL,
    user_id text,
    weight double precision NOT NULL,
    unit text DEFAULT 'kg'::text NOT NULL,
    measured_at timestamp with time zone NOT NULL,
    original_weight double precision NOT NULL,
    original_unit text NOT NULL,
    source text,
    flags smallint DEFAULT 0 NOT NULL,
    metadata jsonb,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE silver.weight_history IS 'One row per weight_id: a weighing in kg, valid when flags = 0';

CREATE MATERIALIZED VIEW analytics.lions_current_status AS
 SELECT l.lion_id,
    l.name,
    l.position_lat,
    l.position_lng,
    w.weight AS current_weight,
    w.measured_at AS last_weight_update,
    l.status,
    l.data_quality_score
   FROM (silver.lions l
     LEFT JOIN LATERAL ( SELECT h.weight,
            h.measured_at
           FROM silver.weight_history h
          WHERE ((h.lion_id = l.lion_id) AND (h.flags = 0))
          ORDER BY h.measured_at DESC, h.append_time, h.partition, h."offset"
         LIMIT 1) w ON (true))
  WHERE (l.deleted_at IS NULL)
  WITH NO DATA;

COMMENT ON MATERIALIZED VIEW analytics.lions_current_status IS 'One row per lion that is not deleted, as of the last refresh';

CREATE TABLE gold.users_activity (
    user_id text NOT NULL,
    activity_date date NOT NULL,
    challenges_completed integer NOT NULL,
    challenges_in_progress integer NOT NULL,
    challenges_total integer NOT NULL,
    activity_events integer NOT NULL,
    weight_entries integer NOT NULL,
    total_weight_entries integer GENERATED ALWAYS AS (weight_entries) STORED,
    engagement_score double precision NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);

COMMENT ON TABLE gold.users_activity IS 'One row per user and UTC day with an activity, a weight entry or a challenge event';

CREATE TABLE silver.challenges (
    challenge_id text NOT NULL,
    user_id text NOT NULL,
    title text,
    description text,
    status text NOT NULL,
    created_at timestamp with time zone NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    due_date timestamp with time zone,
    progress double precision,
    deleted_at timestamp with time zone,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE silver.challenges IS 'One row per challenge: its latest event';

CREATE TABLE silver.users (
    user_id text NOT NULL,
    username text NOT NULL,
    email text,
    roles text[] DEFAULT '{}'::text[] NOT NULL,
    created_at timestamp with time zone,
    updated_at timestamp with time zone,
    deleted_at timestamp with time zone,
    inferred boolean DEFAULT true NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE silver.users IS 'One row per user that any record names; inferred (username = user_id) until its profile is known';

CREATE MATERIALIZED VIEW analytics.user_engagement_summary AS
 SELECT u.user_id,
    u.username,
    COALESCE(c.total, (0)::bigint) AS total_challenges,
    COALESCE(c.completed, (0)::bigint) AS completed_challenges,
    COALESCE(c.active, (0)::bigint) AS active_challenges,
    COALESCE(a.weight_entries, (0)::bigint) AS weight_entries,
    GREATEST(u.updated_at, c.last_update) AS last_activity
   FROM ((silver.users u
     LEFT JOIN ( SELECT challenges.user_id,
            count(*) AS total,
            count(*) FILTER (WHERE (challenges.status = 'completed'::text)) AS completed,
            count(*) FILTER (WHERE (challenges.status = ANY (ARRAY['pending'::text, 'in_progress'::text]))) AS active,
            max(challenges.updated_at) AS last_update
           FROM silver.challenges
          WHERE (challenges.deleted_at IS NULL)
          GROUP BY challenges.user_id) c USING (user_id))
     LEFT JOIN ( SELECT users_activity.user_id,
            sum(users_activity.weight_entries) AS weight_entries
           FROM gold.users_activity
          GROUP BY users_activity.user_id) a USING (user_id))
  WHERE (u.deleted_at IS NULL)
  WITH NO DATA;

COMMENT ON MATERIALIZED VIEW analytics.user_engagement_summary IS 'One row per user who is not deleted, as of the last refresh';

CREATE TABLE bronze.challenges_raw (
    challenge_id text,
    user_id text,
    title text,
    status text,
    updated_at timestamp with time zone,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    key bytea,
    headers jsonb,
    raw bytea,
    source_system text NOT NULL,
    partition_date date NOT NULL,
    metadata jsonb,
    ingestion_timestamp timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (partition_date);

COMMENT ON TABLE bronze.challenges_raw IS 'One row per record of challenges.status.events, as it came';

CREATE TABLE bronze.lions_raw (
    lion_id text,
    name text,
    position_lat double precision,
    position_lng double precision,
    last_update timestamp with time zone,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    key bytea,
    headers jsonb,
    raw bytea,
    source_system text NOT NULL,
    partition_date date NOT NULL,
    metadata jsonb,
    ingestion_timestamp timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (partition_date);

COMMENT ON TABLE bronze.lions_raw IS 'One row per record of lions.position.events, as it came';

CREATE TABLE bronze.quality_raw (
    table_name text,
    check_name text,
    check_timestamp timestamp with time zone,
    quality_percentage double precision,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    key bytea,
    headers jsonb,
    raw bytea,
    source_system text NOT NULL,
    partition_date date NOT NULL,
    metadata jsonb,
    ingestion_timestamp timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (partition_date);

COMMENT ON TABLE bronze.quality_raw IS 'One row per record of data.quality.events, as it came';

CREATE TABLE bronze.users_raw (
    user_id text,
    username text,
    email text,
    activity_type text,
    event_time timestamp with time zone,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    key bytea,
    headers jsonb,
    raw bytea,
    source_system text NOT NULL,
    partition_date date NOT NULL,
    metadata jsonb,
    ingestion_timestamp timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (partition_date);

COMMENT ON TABLE bronze.users_raw IS 'One row per record of users.activity.events, as it came but for passwords and tokens';

CREATE TABLE bronze.weights_raw (
    weight_id text,
    lion_id text,
    weight double precision,
    unit text,
    measured_at timestamp with time zone,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    key bytea,
    headers jsonb,
    raw bytea,
    source_system text NOT NULL,
    partition_date date NOT NULL,
    metadata jsonb,
    ingestion_timestamp timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (partition_date);

COMMENT ON TABLE bronze.weights_raw IS 'One row per record of lions.weight.events, as it came';

CREATE TABLE gold.lion_windows_before_2000 (
    lion_id text CONSTRAINT lion_windows_lion_id_not_null NOT NULL,
    window_start timestamp with time zone CONSTRAINT lion_windows_window_start_not_null NOT NULL,
    fixes integer CONSTRAINT lion_windows_fixes_not_null NOT NULL,
    sum_lat_e9 bigint CONSTRAINT lion_windows_sum_lat_e9_not_null NOT NULL,
    sum_lng_e9 bigint CONSTRAINT lion_windows_sum_lng_e9_not_null NOT NULL,
    mean_lat double precision CONSTRAINT lion_windows_mean_lat_not_null NOT NULL,
    mean_lng double precision CONSTRAINT lion_windows_mean_lng_not_null NOT NULL,
    first_time timestamp with time zone CONSTRAINT lion_windows_first_time_not_null NOT NULL,
    first_lat double precision CONSTRAINT lion_windows_first_lat_not_null NOT NULL,
    first_lng double precision CONSTRAINT lion_windows_first_lng_not_null NOT NULL,
    last_time timestamp with time zone CONSTRAINT lion_windows_last_time_not_null NOT NULL,
    last_lat double precision CONSTRAINT lion_windows_last_lat_not_null NOT NULL,
    last_lng double precision CONSTRAINT lion_windows_last_lng_not_null NOT NULL,
    min_lat double precision CONSTRAINT lion_windows_min_lat_not_null NOT NULL,
    max_lat double precision CONSTRAINT lion_windows_max_lat_not_null NOT NULL,
    min_lng double precision CONSTRAINT lion_windows_min_lng_not_null NOT NULL,
    max_lng double precision CONSTRAINT lion_windows_max_lng_not_null NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);
ALTER TABLE ONLY gold.lion_windows_before_2000 ALTER COLUMN lion_id SET STORAGE PLAIN;

CREATE TABLE gold.lion_windows_default (
    lion_id text CONSTRAINT lion_windows_lion_id_not_null NOT NULL,
    window_start timestamp with time zone CONSTRAINT lion_windows_window_start_not_null NOT NULL,
    fixes integer CONSTRAINT lion_windows_fixes_not_null NOT NULL,
    sum_lat_e9 bigint CONSTRAINT lion_windows_sum_lat_e9_not_null NOT NULL,
    sum_lng_e9 bigint CONSTRAINT lion_windows_sum_lng_e9_not_null NOT NULL,
    mean_lat double precision CONSTRAINT lion_windows_mean_lat_not_null NOT NULL,
    mean_lng double precision CONSTRAINT lion_windows_mean_lng_not_null NOT NULL,
    first_time timestamp with time zone CONSTRAINT lion_windows_first_time_not_null NOT NULL,
    first_lat double precision CONSTRAINT lion_windows_first_lat_not_null NOT NULL,
    first_lng double precision CONSTRAINT lion_windows_first_lng_not_null NOT NULL,
    last_time timestamp with time zone CONSTRAINT lion_windows_last_time_not_null NOT NULL,
    last_lat double precision CONSTRAINT lion_windows_last_lat_not_null NOT NULL,
    last_lng double precision CONSTRAINT lion_windows_last_lng_not_null NOT NULL,
    min_lat double precision CONSTRAINT lion_windows_min_lat_not_null NOT NULL,
    max_lat double precision CONSTRAINT lion_windows_max_lat_not_null NOT NULL,
    min_lng double precision CONSTRAINT lion_windows_min_lng_not_null NOT NULL,
    max_lng double precision CONSTRAINT lion_windows_max_lng_not_null NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);
ALTER TABLE ONLY gold.lion_windows_default ALTER COLUMN lion_id SET STORAGE PLAIN;

CREATE TABLE gold.lions_metrics (
    lion_id text NOT NULL,
    metric_date date NOT NULL,
    avg_weight double precision,
    min_weight double precision,
    max_weight double precision,
    weight_count integer DEFAULT 0 NOT NULL,
    weight_trend text NOT NULL,
    health_score double precision,
    tracking_frequency integer DEFAULT 0 NOT NULL,
    distance_m double precision,
    max_speed_kmh double precision,
    last_fix_time timestamp with time zone,
    stationary boolean,
    status text NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);

COMMENT ON TABLE gold.lions_metrics IS 'One row per lion and UTC day that has an accepted fix or a valid weight';

COMMENT ON COLUMN gold.lions_metrics.stationary IS 'At least 5 accepted fixes in the 24 h up to the last fix, all within 50 m of it; null on a day without a fix';

CREATE TABLE silver.positions (
    lion_id text NOT NULL,
    event_time timestamp with time zone NOT NULL,
    lat double precision NOT NULL,
    lng double precision NOT NULL,
    flags smallint NOT NULL,
    step_mm bigint,
    name text,
    source text,
    confidence double precision,
    accuracy double precision,
    altitude double precision,
    dop double precision,
    temperature double precision,
    visible boolean,
    event_id text,
    metadata jsonb,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL
)
PARTITION BY RANGE (event_time);

COMMENT ON TABLE silver.positions IS 'One row per lion and event time: a fix, accepted when flags = 0';

COMMENT ON COLUMN silver.positions.flags IS 'Bits: 1 zero_zero, 2 not_visible, 4 future, 8 spike, 16 deleted; 0 = accepted';

COMMENT ON COLUMN silver.positions.step_mm IS 'Geodesic millimetres from the previous accepted fix; null over a gap of more than 4 h';

CREATE VIEW gold.lions_positions_history AS
 SELECT lion_id,
    event_time AS position_date,
    lat,
    lng,
    accuracy
   FROM silver.positions
  WHERE (flags = 0);

COMMENT ON VIEW gold.lions_positions_history IS 'One row per accepted fix; position_date is its event time';

CREATE TABLE gold.quality_daily (
    table_name text NOT NULL,
    check_date date NOT NULL,
    checks_count integer NOT NULL,
    avg_quality double precision NOT NULL,
    min_quality double precision NOT NULL,
    last_check timestamp with time zone NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);

COMMENT ON TABLE gold.quality_daily IS 'One row per checked table and UTC day';

CREATE TABLE gold.user_windows (
    user_id text NOT NULL,
    window_start timestamp with time zone NOT NULL,
    events integer NOT NULL,
    activities jsonb NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
)
PARTITION BY RANGE (window_start);

COMMENT ON TABLE gold.user_windows IS 'One row per user and 5 minutes (UTC) with an activity';

CREATE TABLE gold.user_windows_before_2000 (
    user_id text CONSTRAINT user_windows_user_id_not_null NOT NULL,
    window_start timestamp with time zone CONSTRAINT user_windows_window_start_not_null NOT NULL,
    events integer CONSTRAINT user_windows_events_not_null NOT NULL,
    activities jsonb CONSTRAINT user_windows_activities_not_null NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);

CREATE TABLE gold.user_windows_default (
    user_id text CONSTRAINT user_windows_user_id_not_null NOT NULL,
    window_start timestamp with time zone CONSTRAINT user_windows_window_start_not_null NOT NULL,
    events integer CONSTRAINT user_windows_events_not_null NOT NULL,
    activities jsonb CONSTRAINT user_windows_activities_not_null NOT NULL,
    rule_version integer DEFAULT (NULLIF(current_setting('liontrack.rule_version'::text, true), ''::text))::integer
);

CREATE TABLE metadata.data_quality_checks (
    table_name text NOT NULL,
    check_name text NOT NULL,
    check_timestamp timestamp with time zone NOT NULL,
    total_records bigint NOT NULL,
    valid_records bigint NOT NULL,
    invalid_records bigint NOT NULL,
    quality_percentage double precision NOT NULL,
    details jsonb DEFAULT '{}'::jsonb NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.data_quality_checks IS 'One row per table, check and check_timestamp';

CREATE TABLE metadata.repeats (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    identity text NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL
);

COMMENT ON TABLE metadata.repeats IS 'One row per accepted record whose identity an earlier record already holds';

CREATE TABLE silver.challenge_events (
    challenge_id text NOT NULL,
    updated_at timestamp with time zone NOT NULL,
    status text NOT NULL,
    user_id text NOT NULL,
    title text,
    description text,
    created_at timestamp with time zone,
    due_date timestamp with time zone,
    progress double precision,
    metadata jsonb,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    flags smallint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE silver.challenge_events IS 'One row per challenge, updated_at and status: a status event';

COMMENT ON COLUMN silver.challenge_events.flags IS '16 deleted; 0 = counts';

CREATE TABLE silver.user_activities (
    user_id text NOT NULL,
    activity_type text NOT NULL,
    event_time timestamp with time zone NOT NULL,
    event_id text DEFAULT ''::text NOT NULL,
    username text,
    email text,
    roles text[],
    metadata jsonb,
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamp with time zone NOT NULL,
    content_hash bigint NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() NOT NULL,
    flags smallint DEFAULT 0 NOT NULL
);

COMMENT ON TABLE silver.user_activities IS 'One row per user, event time, activity type and event_id: an activity';

COMMENT ON COLUMN silver.user_activities.flags IS '16 deleted; 0 = counts';

CREATE VIEW metadata.conflicts AS
 SELECT r.topic,
    r.partition,
    r."offset",
    r.identity,
    r.append_time,
    w.partition AS winner_partition,
    w."offset" AS winner_offset
   FROM (metadata.repeats r
     JOIN ( SELECT 'lions.position.events'::text AS topic,
            ((positions.lion_id || '|'::text) || ((EXTRACT(epoch FROM positions.event_time) * (1000000)::numeric))::bigint) AS identity,
            positions.partition,
            positions."offset",
            positions.content_hash
           FROM silver.positions
        UNION ALL
         SELECT weight_history.topic,
            weight_history.weight_id,
            weight_history.partition,
            weight_history."offset",
            weight_history.content_hash
           FROM silver.weight_history
        UNION ALL
         SELECT user_activities.topic,
            ((((((user_activities.user_id || '|'::text) || user_activities.activity_type) || '|'::text) || ((EXTRACT(epoch FROM user_activities.event_time) * (1000000)::numeric))::bigint) || '|'::text) || user_activities.event_id),
            user_activities.partition,
            user_activities."offset",
            user_activities.content_hash
           FROM silver.user_activities
        UNION ALL
         SELECT challenge_events.topic,
            ((((challenge_events.challenge_id || '|'::text) || ((EXTRACT(epoch FROM challenge_events.updated_at) * (1000000)::numeric))::bigint) || '|'::text) || challenge_events.status),
            challenge_events.partition,
            challenge_events."offset",
            challenge_events.content_hash
           FROM silver.challenge_events
        UNION ALL
         SELECT data_quality_checks.topic,
            ((((data_quality_checks.table_name || '|'::text) || data_quality_checks.check_name) || '|'::text) || ((EXTRACT(epoch FROM data_quality_checks.check_timestamp) * (1000000)::numeric))::bigint),
            data_quality_checks.partition,
            data_quality_checks."offset",
            data_quality_checks.content_hash
           FROM metadata.data_quality_checks) w USING (topic, identity))
  WHERE (r.content_hash <> w.content_hash);

COMMENT ON VIEW metadata.conflicts IS 'One row per record with the identity of an earlier record and different content; the earlier one is in silver';

CREATE TABLE metadata.consumed_offsets (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    lease_epoch bigint DEFAULT 0 NOT NULL,
    lease_owner text,
    cluster_id text,
    first_fingerprint text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT consumed_offsets_next_offset_check CHECK ((next_offset >= 0))
);

COMMENT ON TABLE metadata.consumed_offsets IS 'One row per partition: where its next batch starts; the writer with the highest lease_epoch may move it';

CREATE TABLE metadata.data_lineage (
    lineage_id bigint NOT NULL,
    source_system text NOT NULL,
    source_table text NOT NULL,
    target_table text NOT NULL,
    transformation_type text NOT NULL,
    last_run_timestamp timestamp with time zone NOT NULL,
    record_count bigint NOT NULL,
    execution_time_ms bigint NOT NULL,
    status text NOT NULL,
    error_message text,
    pipeline_run_id uuid
);

COMMENT ON TABLE metadata.data_lineage IS 'One row per run and step from a source table to a target table';

COMMENT ON COLUMN metadata.data_lineage.last_run_timestamp IS 'When the step last wrote; the run''s start where it has not';

COMMENT ON COLUMN metadata.data_lineage.record_count IS 'Rows that the run put into the target: inserted, or replaced whole';

ALTER TABLE metadata.data_lineage ALTER COLUMN lineage_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME metadata.data_lineage_lineage_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE metadata.dead_letters (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    key bytea,
    headers jsonb DEFAULT '[]'::jsonb NOT NULL,
    raw bytea,
    rule text NOT NULL,
    reason text NOT NULL,
    append_time timestamp with time zone NOT NULL,
    dead_lettered_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.dead_letters IS 'One row per record that broke a rule';

CREATE TABLE metadata.deletions (
    topic text NOT NULL,
    partition integer NOT NULL,
    "offset" bigint NOT NULL,
    entity_id text NOT NULL,
    append_time timestamp with time zone NOT NULL,
    event_id text
);

COMMENT ON TABLE metadata.deletions IS 'One row per record by which a source deleted an entity';

CREATE TABLE metadata.dropped_partitions (
    table_name text NOT NULL,
    day date NOT NULL,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    dropped_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.dropped_partitions IS 'One row per day partition of bronze that was dropped: the lake holds its rows';

CREATE SEQUENCE metadata.lake_versions
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE metadata.lake_dirty (
    layer text NOT NULL,
    table_name text NOT NULL,
    day date NOT NULL,
    version bigint DEFAULT nextval('metadata.lake_versions'::regclass) NOT NULL,
    dirty_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.lake_dirty IS 'One row per day partition of the lake that changed since it was written';

CREATE TABLE metadata.lake_files (
    path text NOT NULL,
    layer text NOT NULL,
    table_name text NOT NULL,
    day date NOT NULL,
    topic text,
    partition integer,
    first_offset bigint,
    next_offset bigint,
    row_count bigint NOT NULL,
    byte_count bigint NOT NULL,
    sha256 text NOT NULL,
    written_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT lake_files_layer_check CHECK ((layer = ANY (ARRAY['bronze'::text, 'silver'::text, 'gold'::text])))
);

COMMENT ON TABLE metadata.lake_files IS 'One row per Parquet file of the lake';

CREATE TABLE metadata.lake_watermarks (
    topic text NOT NULL,
    partition integer NOT NULL,
    next_offset bigint NOT NULL,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.lake_watermarks IS 'One row per partition: up to where its bronze files reach';

CREATE SEQUENCE metadata.lease_epochs
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1;

CREATE TABLE metadata.pipeline_logs (
    pipeline_run_id uuid NOT NULL,
    pipeline_name text NOT NULL,
    start_time timestamp with time zone NOT NULL,
    end_time timestamp with time zone,
    status text NOT NULL,
    processed_records bigint DEFAULT 0 NOT NULL,
    error_count bigint DEFAULT 0 NOT NULL,
    logs jsonb DEFAULT '{}'::jsonb NOT NULL,
    instance text,
    owner text,
    updated_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.pipeline_logs IS 'One row per run of a pipeline';

COMMENT ON COLUMN metadata.pipeline_logs.status IS 'running, success, failed, or aborted: the worker ended without a word';

COMMENT ON COLUMN metadata.pipeline_logs.error_count IS 'Dead letters, and batches tried again; logs tells them apart';

CREATE TABLE metadata.quality_outbox (
    check_id bigint NOT NULL,
    check_timestamp timestamp with time zone NOT NULL,
    event text NOT NULL
);

COMMENT ON TABLE metadata.quality_outbox IS 'One row per check that is not known to be in Kafka yet';

ALTER TABLE metadata.quality_outbox ALTER COLUMN check_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME metadata.quality_outbox_check_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE metadata.quality_tally (
    topic text NOT NULL,
    partition integer NOT NULL,
    first_offset bigint NOT NULL,
    next_offset bigint NOT NULL,
    table_name text NOT NULL,
    rule text NOT NULL,
    records bigint NOT NULL,
    samples bigint[] DEFAULT '{}'::bigint[] NOT NULL,
    CONSTRAINT quality_tally_records_check CHECK ((records >= 0))
);

COMMENT ON TABLE metadata.quality_tally IS 'One row per batch, table and rule that no check was made of yet';

COMMENT ON COLUMN metadata.quality_tally.rule IS 'the rule that records broke; empty: all records that were looked at';

COMMENT ON COLUMN metadata.quality_tally.samples IS 'offsets of records that broke the rule, ten at most';

CREATE TABLE metadata.revisions (
    revision_id bigint NOT NULL,
    table_name text NOT NULL,
    entity_id text NOT NULL,
    period_start timestamp with time zone NOT NULL,
    kind text NOT NULL,
    changes jsonb NOT NULL,
    cause text NOT NULL,
    topic text NOT NULL,
    partition integer NOT NULL,
    offsets bigint[] NOT NULL,
    record_count integer NOT NULL,
    revised_at timestamp with time zone DEFAULT now() NOT NULL,
    CONSTRAINT revisions_cause_check CHECK ((cause = ANY (ARRAY['late'::text, 'settled'::text, 'deletion'::text]))),
    CONSTRAINT revisions_kind_check CHECK ((kind = ANY (ARRAY['created'::text, 'changed'::text, 'removed'::text])))
);

COMMENT ON TABLE metadata.revisions IS 'One row per gold row that one batch changed although it had been told before';

COMMENT ON COLUMN metadata.revisions.cause IS 'late: a record of an earlier window than the newest known; settled: the next fix in order settled its neighbours; deletion';

ALTER TABLE metadata.revisions ALTER COLUMN revision_id ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME metadata.revisions_revision_id_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE TABLE metadata.rule_versions (
    rule_version integer NOT NULL,
    fingerprint text NOT NULL,
    parameters jsonb NOT NULL,
    registered_at timestamp with time zone DEFAULT now() NOT NULL
);

COMMENT ON TABLE metadata.rule_versions IS 'One row per version of gold''s rules';

ALTER TABLE metadata.rule_versions ALTER COLUMN rule_version ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME metadata.rule_versions_rule_version_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);

CREATE VIEW silver.deployed_positions AS
 SELECT p.lion_id,
    p.event_time,
    silver.tag_of(p.metadata) AS tag_id,
    d.animal_id AS deployed_lion_id,
    d.valid AS deployed,
    d.animal_sex,
    d.animal_mass_g,
    d.attributes AS deployment_attributes,
    p.lat,
    p.lng,
    p.flags,
    p.name,
    p.source,
    p.confidence,
    p.accuracy,
    p.altitude,
    p.dop,
    p.temperature,
    p.visible,
    p.event_id,
    p.metadata
   FROM (silver.positions p
     LEFT JOIN catalog.deployments d ON (((d.tag_id = silver.tag_of(p.metadata)) AND (d.valid @> p.event_time))))
  WHERE (silver.tag_of(p.metadata) IS NOT NULL);

COMMENT ON VIEW silver.deployed_positions IS 'One row per fix that names its collar: the lion told, and beside it the lion that wore the collar at that time (null: none is known)';

CREATE TABLE silver.positions_before_2000 (
    lion_id text CONSTRAINT positions_lion_id_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT positions_event_time_not_null NOT NULL,
    lat double precision CONSTRAINT positions_lat_not_null NOT NULL,
    lng double precision CONSTRAINT positions_lng_not_null NOT NULL,
    flags smallint CONSTRAINT positions_flags_not_null NOT NULL,
    step_mm bigint,
    name text,
    source text,
    confidence double precision,
    accuracy double precision,
    altitude double precision,
    dop double precision,
    temperature double precision,
    visible boolean,
    event_id text,
    metadata jsonb,
    partition integer CONSTRAINT positions_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT positions_offset_not_null NOT NULL,
    append_time timestamp with time zone CONSTRAINT positions_append_time_not_null NOT NULL,
    content_hash bigint CONSTRAINT positions_content_hash_not_null NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() CONSTRAINT positions_dw_insert_date_not_null NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() CONSTRAINT positions_dw_update_date_not_null NOT NULL
);

CREATE TABLE silver.positions_default (
    lion_id text CONSTRAINT positions_lion_id_not_null NOT NULL,
    event_time timestamp with time zone CONSTRAINT positions_event_time_not_null NOT NULL,
    lat double precision CONSTRAINT positions_lat_not_null NOT NULL,
    lng double precision CONSTRAINT positions_lng_not_null NOT NULL,
    flags smallint CONSTRAINT positions_flags_not_null NOT NULL,
    step_mm bigint,
    name text,
    source text,
    confidence double precision,
    accuracy double precision,
    altitude double precision,
    dop double precision,
    temperature double precision,
    visible boolean,
    event_id text,
    metadata jsonb,
    partition integer CONSTRAINT positions_partition_not_null NOT NULL,
    "offset" bigint CONSTRAINT positions_offset_not_null NOT NULL,
    append_time timestamp with time zone CONSTRAINT positions_append_time_not_null NOT NULL,
    content_hash bigint CONSTRAINT positions_content_hash_not_null NOT NULL,
    dw_insert_date timestamp with time zone DEFAULT now() CONSTRAINT positions_dw_insert_date_not_null NOT NULL,
    dw_update_date timestamp with time zone DEFAULT now() CONSTRAINT positions_dw_update_date_not_null NOT NULL
);

ALTER TABLE ONLY gold.lion_windows ATTACH PARTITION gold.lion_windows_before_2000 FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00:00+00');

ALTER TABLE ONLY gold.lion_windows ATTACH PARTITION gold.lion_windows_default DEFAULT;

ALTER TABLE ONLY gold.user_windows ATTACH PARTITION gold.user_windows_before_2000 FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00:00+00');

ALTER TABLE ONLY gold.user_windows ATTACH PARTITION gold.user_windows_default DEFAULT;

ALTER TABLE ONLY silver.positions ATTACH PARTITION silver.positions_before_2000 FOR VALUES FROM (MINVALUE) TO ('2000-01-01 00:00:00+00');

ALTER TABLE ONLY silver.positions ATTACH PARTITION silver.positions_default DEFAULT;

ALTER TABLE ONLY bronze.challenges_raw
    ADD CONSTRAINT challenges_raw_pkey PRIMARY KEY (partition, "offset", partition_date);

ALTER TABLE ONLY bronze.lions_raw
    ADD CONSTRAINT lions_raw_pkey PRIMARY KEY (partition, "offset", partition_date);

ALTER TABLE ONLY bronze.quality_raw
    ADD CONSTRAINT quality_raw_pkey PRIMARY KEY (partition, "offset", partition_date);

ALTER TABLE ONLY bronze.users_raw
    ADD CONSTRAINT users_raw_pkey PRIMARY KEY (partition, "offset", partition_date);

ALTER TABLE ONLY bronze.weights_raw
    ADD CONSTRAINT weights_raw_pkey PRIMARY KEY (partition, "offset", partition_date);

ALTER TABLE ONLY gold.lion_windows
    ADD CONSTRAINT lion_windows_pkey PRIMARY KEY (lion_id, window_start);

ALTER TABLE ONLY gold.lion_windows_before_2000
    ADD CONSTRAINT lion_windows_before_2000_pkey PRIMARY KEY (lion_id, window_start);

ALTER TABLE ONLY gold.lion_windows_default
    ADD CONSTRAINT lion_windows_default_pkey PRIMARY KEY (lion_id, window_start);

ALTER TABLE ONLY gold.lions_metrics
    ADD CONSTRAINT lions_metrics_pkey PRIMARY KEY (lion_id, metric_date);

ALTER TABLE ONLY gold.quality_daily
    ADD CONSTRAINT quality_daily_pkey PRIMARY KEY (table_name, check_date);

ALTER TABLE ONLY gold.user_windows
    ADD CONSTRAINT user_windows_pkey PRIMARY KEY (user_id, window_start);

ALTER TABLE ONLY gold.user_windows_before_2000
    ADD CONSTRAINT user_windows_before_2000_pkey PRIMARY KEY (user_id, window_start);

ALTER TABLE ONLY gold.user_windows_default
    ADD CONSTRAINT user_windows_default_pkey PRIMARY KEY (user_id, window_start);

ALTER TABLE ONLY gold.users_activity
    ADD CONSTRAINT users_activity_pkey PRIMARY KEY (user_id, activity_date);

ALTER TABLE ONLY metadata.consumed_offsets
    ADD CONSTRAINT consumed_offsets_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY metadata.data_lineage
    ADD CONSTRAINT data_lineage_pkey PRIMARY KEY (lineage_id);

ALTER TABLE ONLY metadata.data_quality_checks
    ADD CONSTRAINT data_quality_checks_pkey PRIMARY KEY (table_name, check_name, check_timestamp);

ALTER TABLE ONLY metadata.dead_letters
    ADD CONSTRAINT dead_letters_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY metadata.deletions
    ADD CONSTRAINT deletions_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY metadata.dropped_partitions
    ADD CONSTRAINT dropped_partitions_pkey PRIMARY KEY (table_name, day, dropped_at);

ALTER TABLE ONLY metadata.lake_dirty
    ADD CONSTRAINT lake_dirty_pkey PRIMARY KEY (layer, table_name, day);

ALTER TABLE ONLY metadata.lake_files
    ADD CONSTRAINT lake_files_pkey PRIMARY KEY (path);

ALTER TABLE ONLY metadata.lake_watermarks
    ADD CONSTRAINT lake_watermarks_pkey PRIMARY KEY (topic, partition);

ALTER TABLE ONLY metadata.pipeline_logs
    ADD CONSTRAINT pipeline_logs_pkey PRIMARY KEY (pipeline_run_id);

ALTER TABLE ONLY metadata.quality_outbox
    ADD CONSTRAINT quality_outbox_pkey PRIMARY KEY (check_id);

ALTER TABLE ONLY metadata.quality_tally
    ADD CONSTRAINT quality_tally_pkey PRIMARY KEY (topic, partition, next_offset, table_name, rule);

ALTER TABLE ONLY metadata.repeats
    ADD CONSTRAINT repeats_pkey PRIMARY KEY (topic, partition, "offset");

ALTER TABLE ONLY metadata.revisions
    ADD CONSTRAINT revisions_pkey PRIMARY KEY (revision_id);

ALTER TABLE ONLY metadata.rule_versions
    ADD CONSTRAINT rule_versions_fingerprint_key UNIQUE (fingerprint);

ALTER TABLE ONLY metadata.rule_versions
    ADD CONSTRAINT rule_versions_pkey PRIMARY KEY (rule_version);

ALTER TABLE ONLY metadata.view_refreshes
    ADD CONSTRAINT view_refreshes_pkey PRIMARY KEY (view_name);

ALTER TABLE ONLY silver.challenge_events
    ADD CONSTRAINT challenge_events_pkey PRIMARY KEY (challenge_id, updated_at, status);

ALTER TABLE ONLY silver.challenges
    ADD CONSTRAINT challenges_pkey PRIMARY KEY (challenge_id);

ALTER TABLE ONLY silver.lions
    ADD CONSTRAINT lions_pkey PRIMARY KEY (lion_id);

ALTER TABLE ONLY silver.positions
    ADD CONSTRAINT positions_pkey PRIMARY KEY (lion_id, event_time);

ALTER TABLE ONLY silver.positions_before_2000
    ADD CONSTRAINT positions_before_2000_pkey PRIMARY KEY (lion_id, event_time);

ALTER TABLE ONLY silver.positions_default
    ADD CONSTRAINT positions_default_pkey PRIMARY KEY (lion_id, event_time);

ALTER TABLE ONLY silver.user_activities
    ADD CONSTRAINT user_activities_pkey PRIMARY KEY (user_id, event_time, activity_type, event_id);

ALTER TABLE ONLY silver.users
    ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);

ALTER TABLE ONLY silver.weight_history
    ADD CONSTRAINT weight_history_pkey PRIMARY KEY (weight_id);

CREATE UNIQUE INDEX lions_current_status_pk ON analytics.lions_current_status USING btree (lion_id);

CREATE UNIQUE INDEX user_engagement_summary_pk ON analytics.user_engagement_summary USING btree (user_id);

CREATE INDEX lions_metrics_date ON gold.lions_metrics USING btree (metric_date);

CREATE INDEX users_activity_date ON gold.users_activity USING btree (activity_date);

CREATE UNIQUE INDEX data_lineage_step ON metadata.data_lineage USING btree (pipeline_run_id, source_table, target_table);

CREATE INDEX data_quality_checks_time ON metadata.data_quality_checks USING btree (table_name, check_timestamp);

CREATE INDEX deletions_entity ON metadata.deletions USING btree (topic, entity_id);

CREATE INDEX lake_files_table_day ON metadata.lake_files USING btree (layer, table_name, day);

CREATE INDEX pipeline_logs_running ON metadata.pipeline_logs USING btree (instance) WHERE (status = 'running'::text);

CREATE INDEX pipeline_logs_start ON metadata.pipeline_logs USING btree (pipeline_name, start_time);

CREATE INDEX repeats_identity ON metadata.repeats USING btree (topic, identity);

CREATE INDEX revisions_cause ON metadata.revisions USING btree (topic, partition, (offsets[1]));

CREATE INDEX revisions_cell ON metadata.revisions USING btree (table_name, entity_id, period_start);

CREATE INDEX challenge_events_time ON silver.challenge_events USING btree (updated_at);

CREATE INDEX challenge_events_user ON silver.challenge_events USING btree (user_id);

CREATE INDEX challenges_updated ON silver.challenges USING btree (updated_at);

CREATE INDEX challenges_user ON silver.challenges USING btree (user_id);

CREATE INDEX user_activities_email ON silver.user_activities USING btree (user_id, event_time) WHERE (email IS NOT NULL);

CREATE INDEX user_activities_roles ON silver.user_activities USING btree (user_id, event_time) WHERE (roles IS NOT NULL);

CREATE INDEX user_activities_time ON silver.user_activities USING btree (event_time);

CREATE INDEX user_activities_username ON silver.user_activities USING btree (user_id, event_time) WHERE (username IS NOT NULL);

CREATE INDEX weight_history_lion ON silver.weight_history USING btree (lion_id, measured_at);

CREATE INDEX weight_history_time ON silver.weight_history USING btree (measured_at);

CREATE INDEX weight_history_user ON silver.weight_history USING btree (user_id, measured_at) WHERE (user_id IS NOT NULL);

ALTER INDEX gold.lion_windows_pkey ATTACH PARTITION gold.lion_windows_before_2000_pkey;

ALTER INDEX gold.lion_windows_pkey ATTACH PARTITION gold.lion_windows_default_pkey;

ALTER INDEX gold.user_windows_pkey ATTACH PARTITION gold.user_windows_before_2000_pkey;

ALTER INDEX gold.user_windows_pkey ATTACH PARTITION gold.user_windows_default_pkey;

ALTER INDEX silver.positions_pkey ATTACH PARTITION silver.positions_before_2000_pkey;

ALTER INDEX silver.positions_pkey ATTACH PARTITION silver.positions_default_pkey;

-- Owners and privileges.
SELECT metadata.grant_roles();

-- Privileges on what is shared.
SELECT catalog.grant_roles();
SELECT catalog.grant_mongo();
