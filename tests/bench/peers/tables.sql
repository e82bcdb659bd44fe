-- What other engines fill in the whole job: plainer than our own tables, without partitions, flags, days and revisions.

CREATE SCHEMA peers;

-- One row per record, as it came.
CREATE TABLE peers.events (
    "partition" integer NOT NULL,
    "offset" bigint NOT NULL,
    append_time timestamptz NOT NULL,
    raw bytea NOT NULL,
    lion_id text NOT NULL,
    name text,
    lat double precision NOT NULL,
    lng double precision NOT NULL,
    event_time timestamptz NOT NULL,
    source text,
    PRIMARY KEY ("partition", "offset")
);

-- One row per lion and event time.
CREATE TABLE peers.positions (
    lion_id text NOT NULL,
    event_time timestamptz NOT NULL,
    lat double precision NOT NULL,
    lng double precision NOT NULL,
    name text,
    source text,
    confidence double precision,
    accuracy double precision,
    altitude double precision,
    dop double precision,
    temperature double precision,
    visible boolean,
    event_id text,
    PRIMARY KEY (lion_id, event_time)
);

-- One row per lion and 5 minutes with a fix.
CREATE TABLE peers.windows (
    lion_id text NOT NULL,
    window_start timestamptz NOT NULL,
    fixes integer NOT NULL,
    sum_lat double precision NOT NULL,
    sum_lng double precision NOT NULL,
    last_time timestamptz NOT NULL,
    last_lat double precision NOT NULL,
    last_lng double precision NOT NULL,
    PRIMARY KEY (lion_id, window_start)
);
