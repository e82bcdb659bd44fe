-- Deployments: who wore which collar when. They are told to the warehouse by `liontrack import reference`, not by a topic,
-- so they are of no generation; each generation's view joins its own fixes with them.
CREATE TABLE catalog.deployments (
    tag_id text NOT NULL,
    valid tstzrange NOT NULL,
    animal_id text NOT NULL,
    animal_mass_g double precision,
    animal_sex text,
    attributes jsonb,
    dw_update_date timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (tag_id, valid),
    CONSTRAINT deployments_half_open CHECK (
        NOT isempty(valid) AND (lower_inf(valid) OR lower_inc(valid)) AND NOT upper_inc(valid))
);

COMMENT ON TABLE catalog.deployments IS 'One row per collar and period in which one animal wore it';
COMMENT ON COLUMN catalog.deployments.valid IS 'From deploy-on-date up to, not including, deploy-off-date; without an end: still on';
COMMENT ON COLUMN catalog.deployments.animal_mass_g IS 'Grams, when the collar was put on; told to the weights topic as an event';
COMMENT ON COLUMN catalog.deployments.attributes IS 'Further columns of the reference data, as text';

-- An exclusion constraint would need btree_gist, which not every server has. Whoever writes locks the table, so that two
-- writers cannot miss each other.
CREATE FUNCTION catalog.lock_deployments() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    LOCK TABLE catalog.deployments IN SHARE ROW EXCLUSIVE MODE;
    RETURN NULL;
END
$$;

CREATE FUNCTION catalog.refuse_overlaps() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
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

CREATE TRIGGER lock_deployments BEFORE INSERT OR UPDATE ON catalog.deployments
FOR EACH STATEMENT EXECUTE FUNCTION catalog.lock_deployments();

CREATE TRIGGER refuse_overlaps AFTER INSERT OR UPDATE ON catalog.deployments
FOR EACH STATEMENT EXECUTE FUNCTION catalog.refuse_overlaps();

-- The collar that a fix's further fields name: by Movebank's name, or as collars' services push it.
CREATE FUNCTION silver.tag_of(metadata jsonb) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN coalesce(metadata ->> 'tag-local-identifier', metadata ->> 'tag_id');

CREATE VIEW silver.deployed_positions AS
SELECT p.lion_id, p.event_time, silver.tag_of(p.metadata) AS tag_id, d.animal_id AS deployed_lion_id,
       d.valid AS deployed, d.animal_sex, d.animal_mass_g, d.attributes AS deployment_attributes,
       p.lat, p.lng, p.flags, p.name, p.source, p.confidence, p.accuracy, p.altitude, p.dop, p.temperature, p.visible,
       p.event_id, p.metadata
FROM silver.positions p
LEFT JOIN catalog.deployments d ON d.tag_id = silver.tag_of(p.metadata) AND d.valid @> p.event_time
WHERE silver.tag_of(p.metadata) IS NOT NULL;

COMMENT ON VIEW silver.deployed_positions IS 'One row per fix that names its collar: the lion told, and beside it the lion that wore the collar at that time (null: none is known)';

-- As before, and the worker's role, which imports as well, may write deployments.
CREATE OR REPLACE FUNCTION catalog.grant_roles() RETURNS void
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
    IF to_regrole('liontrack_ingest') IS NOT NULL THEN
        GRANT INSERT, UPDATE, DELETE ON catalog.deployments TO liontrack_ingest;
    END IF;
    REVOKE ALL ON FUNCTION catalog.grant_roles() FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE WARNING 'The privileges of the catalog could not be set (%). Run `liontrack migrate` as its owner.', SQLERRM;
END
$$;

DO $$ BEGIN PERFORM metadata.grant_roles(); PERFORM catalog.grant_roles(); PERFORM catalog.grant_mongo(); END $$;
