-- Analytics leaves out what was deleted and is refreshed by one function; every table and view states its grain.

DROP MATERIALIZED VIEW analytics.lions_current_status;
CREATE MATERIALIZED VIEW analytics.lions_current_status AS
SELECT l.lion_id, l.name, l.position_lat, l.position_lng,
       w.weight AS current_weight, w.measured_at AS last_weight_update,
       l.status, l.data_quality_score
FROM silver.lions l
LEFT JOIN LATERAL (
    SELECT weight, measured_at FROM silver.weight_history h
    WHERE h.lion_id = l.lion_id AND h.flags = 0
    ORDER BY measured_at DESC, append_time, partition, "offset" LIMIT 1
) w ON true
WHERE l.deleted_at IS NULL;
CREATE UNIQUE INDEX lions_current_status_pk ON analytics.lions_current_status (lion_id);

DROP MATERIALIZED VIEW analytics.user_engagement_summary;
CREATE MATERIALIZED VIEW analytics.user_engagement_summary AS
SELECT u.user_id, u.username,
       coalesce(c.total, 0) AS total_challenges,
       coalesce(c.completed, 0) AS completed_challenges,
       coalesce(c.active, 0) AS active_challenges,
       coalesce(a.weight_entries, 0) AS weight_entries,
       greatest(u.updated_at, c.last_update) AS last_activity
FROM silver.users u
LEFT JOIN (
    SELECT user_id, count(*) AS total,
           count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE status IN ('pending', 'in_progress')) AS active,
           max(updated_at) AS last_update
    FROM silver.challenges WHERE deleted_at IS NULL GROUP BY user_id
) c USING (user_id)
LEFT JOIN (SELECT user_id, sum(weight_entries) AS weight_entries FROM gold.users_activity GROUP BY user_id) a USING (user_id)
WHERE u.deleted_at IS NULL;
CREATE UNIQUE INDEX user_engagement_summary_pk ON analytics.user_engagement_summary (user_id);

-- One row per materialized view: its last refresh. `consumed` is the sum of all partitions' next offsets just before.
CREATE TABLE metadata.view_refreshes (
    view_name    text        PRIMARY KEY,
    refreshed_at timestamptz NOT NULL,
    duration_ms  double precision NOT NULL,
    row_count    bigint      NOT NULL,
    consumed     numeric     NOT NULL
);

-- Refreshes the materialized views of analytics while they are read. One row per view that was refreshed.
-- `only_view` names one of them (null: all). `if_stale`: only those behind the offsets, and none while another session
-- refreshes; otherwise it waits its turn. Runs as its owner: whoever may call it need not own the views.
CREATE FUNCTION analytics.refresh_views(only_view text DEFAULT NULL, if_stale boolean DEFAULT false)
RETURNS SETOF metadata.view_refreshes
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
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
REVOKE EXECUTE ON FUNCTION analytics.refresh_views(text, boolean) FROM PUBLIC;

-- The grain of every table and view, where \d+ and any catalog shows it.
COMMENT ON TABLE bronze.lions_raw IS 'One row per record of lions.position.events, as it came';
COMMENT ON TABLE bronze.weights_raw IS 'One row per record of lions.weight.events, as it came';
COMMENT ON TABLE bronze.users_raw IS 'One row per record of users.activity.events, as it came but for passwords and tokens';
COMMENT ON TABLE bronze.challenges_raw IS 'One row per record of challenges.status.events, as it came';
COMMENT ON TABLE bronze.quality_raw IS 'One row per record of data.quality.events, as it came';

COMMENT ON TABLE silver.positions IS 'One row per lion and event time: a fix, accepted when flags = 0';
COMMENT ON TABLE silver.lions IS 'One row per lion that any record names; inferred until a fix of it is accepted';
COMMENT ON TABLE silver.weight_history IS 'One row per weight_id: a weighing in kg, valid when flags = 0';
COMMENT ON TABLE silver.users IS 'One row per user that any record names; inferred (username = user_id) until its profile is known';
COMMENT ON TABLE silver.user_activities IS 'One row per user, event time, activity type and event_id: an activity';
COMMENT ON TABLE silver.challenge_events IS 'One row per challenge, updated_at and status: a status event';
COMMENT ON TABLE silver.challenges IS 'One row per challenge: its latest event';

COMMENT ON TABLE gold.lions_metrics IS 'One row per lion and UTC day that has an accepted fix or a valid weight';
COMMENT ON TABLE gold.lion_windows IS 'One row per lion and 5 minutes (UTC) with an accepted fix';
COMMENT ON TABLE gold.users_activity IS 'One row per user and UTC day with an activity, a weight entry or a challenge event';
COMMENT ON TABLE gold.user_windows IS 'One row per user and 5 minutes (UTC) with an activity';
COMMENT ON TABLE gold.quality_daily IS 'One row per checked table and UTC day';
COMMENT ON VIEW gold.lions_positions_history IS 'One row per accepted fix; position_date is its event time';

COMMENT ON TABLE metadata.consumed_offsets IS
    'One row per partition: where its next batch starts; the writer with the highest lease_epoch may move it';
COMMENT ON TABLE metadata.repeats IS 'One row per accepted record whose identity an earlier record already holds';
COMMENT ON TABLE metadata.dead_letters IS 'One row per record that broke a rule';
COMMENT ON TABLE metadata.deletions IS 'One row per record by which a source deleted an entity';
COMMENT ON TABLE metadata.revisions IS 'One row per gold row that one batch changed although it had been told before';
COMMENT ON TABLE metadata.data_quality_checks IS 'One row per table, check and check_timestamp';
COMMENT ON TABLE metadata.quality_tally IS 'One row per batch, table and rule that no check was made of yet';
COMMENT ON TABLE metadata.quality_outbox IS 'One row per check that is not known to be in Kafka yet';
COMMENT ON TABLE metadata.data_lineage IS 'One row per run and step from a source table to a target table';
COMMENT ON TABLE metadata.pipeline_logs IS 'One row per run of a pipeline';
COMMENT ON TABLE metadata.lake_files IS 'One row per Parquet file of the lake';
COMMENT ON TABLE metadata.lake_watermarks IS 'One row per partition: up to where its bronze files reach';
COMMENT ON TABLE metadata.lake_dirty IS 'One row per day partition of the lake that changed since it was written';
COMMENT ON TABLE metadata.view_refreshes IS 'One row per materialized view: its last refresh';
COMMENT ON VIEW metadata.conflicts IS
    'One row per record with the identity of an earlier record and different content; the earlier one is in silver';

COMMENT ON MATERIALIZED VIEW analytics.lions_current_status IS 'One row per lion that is not deleted, as of the last refresh';
COMMENT ON MATERIALIZED VIEW analytics.user_engagement_summary IS
    'One row per user who is not deleted, as of the last refresh';
