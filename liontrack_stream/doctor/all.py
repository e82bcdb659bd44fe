"""The checks, in the order of their lines."""

from __future__ import annotations

from liontrack_stream.doctor import configuration, kafka, lake, postgres, surroundings
from liontrack_stream.doctor.probes import Probe

SETTINGS = ("settings",)
PROBES: tuple[Probe, ...] = (
    Probe("settings", configuration.settings),
    Probe("JWT_SECRET", configuration.jwt_secret, SETTINGS),
    Probe("web settings", configuration.web_settings, SETTINGS),
    Probe("links", configuration.links, SETTINGS),
    Probe("lake settings", configuration.lake_settings, SETTINGS),
    Probe("embedded stack", surroundings.stack),
    Probe("Kafka", kafka.kafka, SETTINGS),
    Probe("topics", kafka.topics, ("Kafka",)),
    Probe("PostgreSQL", postgres.postgres, SETTINGS),
    Probe("clocks", postgres.clock, ("PostgreSQL",)),
    Probe("schema", postgres.migrations, ("PostgreSQL",)),
    Probe("roles", postgres.roles, ("schema",)),
    Probe("generation", postgres.generation, ("schema",)),
    Probe("offsets", kafka.offsets, ("topics", "schema")),
    Probe("lake", lake.lake, ("lake settings",)),
    Probe("lake export", lake.export, ("schema",)),
    Probe("web port", surroundings.web_port, SETTINGS),
    Probe("MongoDB", surroundings.mongodb, SETTINGS),
    Probe("OpenLineage", surroundings.openlineage, SETTINGS),
    Probe("Spark", surroundings.spark, SETTINGS),
    Probe("disk", surroundings.disk),
    Probe("open files", surroundings.open_files),
)
