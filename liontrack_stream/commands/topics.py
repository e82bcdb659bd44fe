"""``liontrack topics``: create the five topics, and look at the ones that are there."""

from __future__ import annotations

from pathlib import Path

import click
from faust.cli.base import option

from liontrack_stream.commands.base import Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.kafka.errors import TopicError, quiet_kafka_client
from liontrack_stream.settings import load_settings

EXIT_WARNINGS = 3


class Topics(LionTrackCommand):
    """Create the five topics with unlimited retention, where they are missing.

    Topics that exist are left as they are. A finite retention, compaction or producers' timestamps (CreateTime) are
    warned about on stderr: each of them can lose events that a rebuild needs. The number of partitions is
    TOPIC_PARTITIONS.

    \b
    Examples:
      liontrack topics
      TOPIC_PARTITIONS=12 KAFKA_BROKERS=kafka:9092 liontrack topics
      liontrack topics --strict     in a deployment's checks

    Exit codes: 0 all five are there, 1 Kafka could not be reached or refused, 2 a setting is missing,
    3 there were warnings (with --strict).
    """

    failures = (TopicError,)
    options = [
        data_dir_option,
        option("--strict", is_flag=True, help="Exit with 3 when there is a warning."),
    ]

    async def run(self, data_dir: Path | None, strict: bool) -> int:
        """Create, print one line a topic, warn."""
        from liontrack_stream.kafka.topics import create_topics

        quiet_kafka_client()
        report = await create_topics(load_settings(use_data_dir(data_dir)))
        for topic in report.topics:
            click.echo(f"{'created' if topic.created else 'exists '}  {topic.partitions:>3} partitions  {topic.name}")
        for warning in report.warnings:
            click.echo(f"warning: {warning}", err=True)
        return EXIT_WARNINGS if strict and report.warnings else Exit.OK
