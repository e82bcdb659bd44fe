-- Silver: one row per natural identity, settled; a function of the set of accepted events.

-- One row per fix. Flags: 1 zero_zero, 2 not_visible, 4 future, 8 spike, 16 deleted; a fix is accepted when flags = 0.
CREATE TABLE silver.positions (
    lion_id        text        NOT NULL,
    event_time     timestamptz NOT NULL,
    lat            double precision NOT NULL,
    lng            double precision NOT NULL,
    flags          smallint    NOT NULL,
    step_mm        bigint,
    name           text,
    source         text,
    confidence     double precision,
    accuracy       double precision,
    altitude       double precision,
    dop            double precision,
    temperature    double precision,
    visible        boolean,
    event_id       text,
    metadata       jsonb,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    append_time    timestamptz NOT NULL,
    content_hash   bigint      NOT NULL,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (lion_id, event_time)
);
COMMENT ON COLUMN silver.positions.step_mm IS 'Geodesic millimetres from the previous accepted fix; null over a gap of more than 4 h';
COMMENT ON COLUMN silver.positions.flags IS 'Bits: 1 zero_zero, 2 not_visible, 4 future, 8 spike, 16 deleted; 0 = accepted';
CREATE INDEX positions_event_time ON silver.positions USING brin (event_time);

CREATE FUNCTION silver.flag_names(flags smallint) RETURNS text[]
LANGUAGE sql IMMUTABLE PARALLEL SAFE
RETURN array_remove(ARRAY[
    CASE WHEN flags & 1 > 0 THEN 'zero_zero' END, CASE WHEN flags & 2 > 0 THEN 'not_visible' END,
    CASE WHEN flags & 4 > 0 THEN 'future' END, CASE WHEN flags & 8 > 0 THEN 'spike' END,
    CASE WHEN flags & 16 > 0 THEN 'deleted' END], NULL);

-- One row per lion. Inferred until an accepted fix arrives. `revision` grows with each transaction that touches the lion.
CREATE TABLE silver.lions (
    lion_id            text PRIMARY KEY,
    name               text,
    name_time          timestamptz,
    position_lat       double precision,
    position_lng       double precision,
    last_update        timestamptz,
    status             text        NOT NULL DEFAULT 'inferred',
    data_quality_score double precision,
    fixes              bigint      NOT NULL DEFAULT 0,
    accepted_fixes     bigint      NOT NULL DEFAULT 0,
    deleted_at         timestamptz,
    updated_at         timestamptz,
    revision           bigint      NOT NULL DEFAULT 0,
    dw_insert_date     timestamptz NOT NULL DEFAULT now(),
    dw_update_date     timestamptz NOT NULL DEFAULT now()
);

-- One row per weighing. Flags: 1 implausible, 16 deleted.
CREATE TABLE silver.weight_history (
    weight_id       text PRIMARY KEY,
    lion_id         text        NOT NULL,
    user_id         text,
    weight          double precision NOT NULL,
    unit            text        NOT NULL DEFAULT 'kg',
    measured_at     timestamptz NOT NULL,
    original_weight double precision NOT NULL,
    original_unit   text        NOT NULL,
    source          text,
    flags           smallint    NOT NULL DEFAULT 0,
    metadata        jsonb,
    topic           text        NOT NULL,
    partition       integer     NOT NULL,
    "offset"        bigint      NOT NULL,
    append_time     timestamptz NOT NULL,
    content_hash    bigint      NOT NULL,
    dw_insert_date  timestamptz NOT NULL DEFAULT now(),
    dw_update_date  timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX weight_history_lion ON silver.weight_history (lion_id, measured_at);
CREATE INDEX weight_history_user ON silver.weight_history (user_id, measured_at) WHERE user_id IS NOT NULL;
CREATE INDEX weight_history_time ON silver.weight_history (measured_at);

-- One row per user. Inferred (username = user_id) until an activity carries the profile.
CREATE TABLE silver.users (
    user_id        text PRIMARY KEY,
    username       text        NOT NULL,
    email          text,
    roles          text[]      NOT NULL DEFAULT '{}',
    created_at     timestamptz,
    updated_at     timestamptz,
    deleted_at     timestamptz,
    inferred       boolean     NOT NULL DEFAULT true,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now()
);

-- One row per activity event.
CREATE TABLE silver.user_activities (
    user_id        text        NOT NULL,
    activity_type  text        NOT NULL,
    event_time     timestamptz NOT NULL,
    event_id       text        NOT NULL DEFAULT '',
    username       text,
    email          text,
    roles          text[],
    metadata       jsonb,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    append_time    timestamptz NOT NULL,
    content_hash   bigint      NOT NULL,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (user_id, event_time, activity_type, event_id)
);
CREATE INDEX user_activities_username ON silver.user_activities (user_id, event_time) WHERE username IS NOT NULL;
CREATE INDEX user_activities_email ON silver.user_activities (user_id, event_time) WHERE email IS NOT NULL;
CREATE INDEX user_activities_roles ON silver.user_activities (user_id, event_time) WHERE roles IS NOT NULL;
CREATE INDEX user_activities_time ON silver.user_activities (event_time);

-- One row per status event of a challenge.
CREATE TABLE silver.challenge_events (
    challenge_id   text        NOT NULL,
    updated_at     timestamptz NOT NULL,
    status         text        NOT NULL,
    user_id        text        NOT NULL,
    title          text,
    description    text,
    created_at     timestamptz,
    due_date       timestamptz,
    progress       double precision,
    metadata       jsonb,
    topic          text        NOT NULL,
    partition      integer     NOT NULL,
    "offset"       bigint      NOT NULL,
    append_time    timestamptz NOT NULL,
    content_hash   bigint      NOT NULL,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (challenge_id, updated_at, status)
);
CREATE INDEX challenge_events_user ON silver.challenge_events (user_id);
CREATE INDEX challenge_events_time ON silver.challenge_events (updated_at);

-- One row per challenge: its latest event.
CREATE TABLE silver.challenges (
    challenge_id   text PRIMARY KEY,
    user_id        text        NOT NULL,
    title          text,
    description    text,
    status         text        NOT NULL,
    created_at     timestamptz NOT NULL,
    updated_at     timestamptz NOT NULL,
    due_date       timestamptz,
    progress       double precision,
    deleted_at     timestamptz,
    dw_insert_date timestamptz NOT NULL DEFAULT now(),
    dw_update_date timestamptz NOT NULL DEFAULT now()
);
CREATE INDEX challenges_user ON silver.challenges (user_id);
CREATE INDEX challenges_updated ON silver.challenges (updated_at);
