-- Generations: whole warehouses beside the live one, which `liontrack replay` computes anew. Their schemas are bronze_gN,
-- silver_gN, … of the number N. The catalog is of no generation, so that it stays where it is when one becomes live.
CREATE SCHEMA catalog;

CREATE TABLE catalog.generations (
    generation integer PRIMARY KEY,
    state text NOT NULL CHECK (state IN ('building', 'ready', 'live', 'retired')),
    options jsonb NOT NULL DEFAULT '{}',
    rule_version integer,
    created_at timestamptz NOT NULL DEFAULT now(),
    compared_at timestamptz,
    compared_offsets jsonb,
    swapped_at timestamptz
);

COMMENT ON TABLE catalog.generations IS 'One row per generation of the warehouse that there is';
COMMENT ON COLUMN catalog.generations.state IS 'building: by a replay that may go on; ready: it has been compared with the live one; live; retired: it was live';
COMMENT ON COLUMN catalog.generations.options IS 'What its replay was bounded to; empty: nothing';
COMMENT ON COLUMN catalog.generations.rule_version IS 'The rules that it was computed with, by their number in metadata.rule_versions';
COMMENT ON COLUMN catalog.generations.compared_offsets IS 'The moment of its diff: [topic, partition, next offset] of both sides';

CREATE UNIQUE INDEX generations_live ON catalog.generations (state) WHERE state = 'live';

CREATE TABLE catalog.generation_diffs (
    generation integer REFERENCES catalog.generations ON DELETE CASCADE,
    table_name text,
    rows_live bigint NOT NULL,
    added bigint NOT NULL,
    removed bigint NOT NULL,
    changed bigint NOT NULL,
    PRIMARY KEY (generation, table_name)
);

COMMENT ON TABLE catalog.generation_diffs IS 'One row per compared generation and table: rows that it adds, removes and changes against the live one';

CREATE TABLE catalog.generation_lions (
    generation integer REFERENCES catalog.generations ON DELETE CASCADE,
    lion_id text,
    fixes_before bigint,
    fixes_after bigint,
    km_before double precision,
    km_after double precision,
    health_before double precision,
    health_after double precision,
    PRIMARY KEY (generation, lion_id)
);

COMMENT ON TABLE catalog.generation_lions IS 'One row per compared generation and lion whose accepted fixes, kilometres or latest health differ from the live one';

INSERT INTO catalog.generations (generation, state) VALUES (0, 'live');

-- Whoever migrates may write; the others read which generation is live.
CREATE FUNCTION catalog.grant_roles() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp
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
    REVOKE ALL ON FUNCTION catalog.grant_roles() FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The privileges of the catalog could not be set (%). Run `liontrack migrate` as its owner.', SQLERRM;
END
$$;

DO $$ BEGIN PERFORM catalog.grant_roles(); END $$;

-- As before, but for the name of the schema: a generation's functions are this text with other schemas before the dots.
CREATE OR REPLACE FUNCTION metadata.ensure_bronze_day(table_name text, day date) RETURNS void
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
    PERFORM metadata.ensure_days(format('bronze.%s', table_name), ARRAY[day]);
END
$$;
