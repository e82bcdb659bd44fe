"""``liontrack env``: the settings that any client of the stack needs."""

from __future__ import annotations

from pathlib import Path

import click

from liontrack_stream.commands.base import LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, load_settings

CLIENT_SETTINGS: tuple[str, ...] = (
    "kafka_brokers",
    "pg_host",
    "pg_port",
    "pg_database",
    "pg_user",
    "pg_password",
    "mongodb_uri",
    "jwt_secret",
    "spark_master",
    "lake_root",
    "s3_endpoint_url",
    "s3_access_key_id",
    "s3_secret_access_key",
    "s3_region",
    "topic_prefix",
    "topic_partitions",
    "web_host",
    "web_port",
    "liontrack_app_id",
    "liontrack_data_dir",
)


class Env(LionTrackCommand):
    """Print the settings, one NAME=value a line, secrets included.

    They come from the environment, else from what `liontrack up` wrote in the data folder.

    \b
    Examples:
      liontrack env
      liontrack env --data-dir /srv/lions | grep PG_
      export $(liontrack env); psql "host=$PG_HOST port=$PG_PORT dbname=$PG_DATABASE user=$PG_USER"

    Exit codes: 0 printed, 2 a setting is missing.
    """

    options = [data_dir_option]

    def run(self, data_dir: Path | None) -> None:
        """Print every client setting that has a value."""
        for name, value in client_environment(load_settings(use_data_dir(data_dir))).items():
            click.echo(f"{name}={value}")


def client_environment(settings: Settings) -> dict[str, str]:
    """Environment variable -> value of the settings that have one; secrets in clear."""
    found = {}
    for name in CLIENT_SETTINGS:
        value = getattr(settings, name)
        if value is None:
            continue
        text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
        found[name.upper()] = text
    return found
