-- Gold: metrics per entity and day, and the 5-minute windows they are made of.

-- One row per lion and UTC day that has an accepted fix or a valid weight.
CREATE TABLE gold.lions_metrics (
    lion_id            text        NOT NULL,
    metric_date        date        NOT NULL,
    avg_weight         double precision,
    min_weight         double precision,
    max_weight         double precision,
    weight_count       integer     NOT NULL DEFAULT 0,
    weight_trend       text        NOT NULL,
    health_score       double precision,
    tracking_frequency integer     NOT NULL DEFAULT 0,
    distance_m         double precision,
    max_speed_kmh      double precision,
    last_fix_time      timestamptz,
    stationary         boolean,
    status             text        NOT NULL,
    dw_insert_date     timestamptz NOT NULL DEFAULT now(),
    dw_update_date     timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lion_id, metric_date)
);
CREATE INDEX lions_metrics_date ON gold.lions_metrics (metric_date);
COMMENT ON COLUMN gold.lions_metrics.stationary IS 'At least 5 accepted fixes in the 24 h up to the last fix, all within 50 m of it; null on a day without a fix';

-- One row per lion and 5 minutes with an accepted fix. Sums are degrees times 1e9, so windows add up exactly.
CREATE TABLE gold.lion_windows (
    lion_id      text        NOT NULL,
    window_start timestamptz NOT NULL,
    fixes        integer     NOT NULL,
    sum_lat_e9   bigint      NOT NULL,
    sum_lng_e9   bigint      NOT NULL,
    mean_lat     double precision NOT NULL,
    mean_lng     double precision NOT NULL,
    first_time   timestamptz NOT NULL,
    first_lat    double precision NOT NULL,
    first_lng    double precision NOT NULL,
    last_time    timestamptz NOT NULL,
    last_lat     double precision NOT NULL,
    last_lng     double precision NOT NULL,
    min_lat      double precision NOT NULL,
    max_lat      double precision NOT NULL,
    min_lng      double precision NOT NULL,
    max_lng      double precision NOT NULL,
    PRIMARY KEY (lion_id, window_start)
);
CREATE INDEX lion_windows_start ON gold.lion_windows USING brin (window_start);

-- One row per user and UTC day with an activity, a weight entry or a challenge event.
CREATE TABLE gold.users_activity (
    user_id                text        NOT NULL,
    activity_date          date        NOT NULL,
    challenges_completed   integer     NOT NULL,
    challenges_in_progress integer     NOT NULL,
    challenges_total       integer     NOT NULL,
    activity_events        integer     NOT NULL,
    weight_entries         integer     NOT NULL,
    total_weight_entries   integer     GENERATED ALWAYS AS (weight_entries) STORED,
    engagement_score       double precision NOT NULL,
    dw_insert_date         timestamptz NOT NULL DEFAULT now(),
    dw_update_date         timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, activity_date)
);
CREATE INDEX users_activity_date ON gold.users_activity (activity_date);

-- One row per user and 5 minutes with an activity; `activities` counts by activity_type.
CREATE TABLE gold.user_windows (
    user_id      text        NOT NULL,
    window_start timestamptz NOT NULL,
    events       integer     NOT NULL,
    activities   jsonb       NOT NULL,
    PRIMARY KEY (user_id, window_start)
);
CREATE INDEX user_windows_start ON gold.user_windows (window_start);

-- One row per checked table and UTC day.
CREATE TABLE gold.quality_daily (
    table_name   text        NOT NULL,
    check_date   date        NOT NULL,
    checks_count integer     NOT NULL,
    avg_quality  double precision NOT NULL,
    min_quality  double precision NOT NULL,
    last_check   timestamptz NOT NULL,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (table_name, check_date)
);

-- One row per accepted fix; position_date is its event time.
CREATE VIEW gold.lions_positions_history AS
SELECT lion_id, event_time AS position_date, lat, lng, accuracy
FROM silver.positions
WHERE flags = 0;
