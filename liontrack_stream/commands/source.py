"""``liontrack source …``: what flows into the topics for as long as it runs."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import cli, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from liontrack_stream.sources.mongo.service import MongoService


@cli.group("source")
def source() -> None:
    """Let events in from where they are made; each source keeps its place across restarts.

    \b
    Examples:
      liontrack source mongo
    """


class Mongo(LionTrackCommand):
    """Watch Lions, Users, Challenges and Weights in MongoDB; what changes there becomes events.

    A collection is read whole first, then its changes are followed by a change stream (a replica set has them; where
    there are none, MongoDB is asked for newer updatedAt). The place is kept in PostgreSQL, and moves on only when Kafka
    holds what comes before it; after a crash some events come twice, and count once. One process watches a collection,
    others wait for their turn. Updates and deletions are told too. Only mapped fields leave MongoDB, passwords never.

    MONGODB_URI says where it is, with the database. MONGO_MAPPING_FILE (TOML or JSON) names other collections and
    fields than the web app's.

    \b
    Examples:
      MONGODB_URI=mongodb://127.0.0.1:27017/liontrack liontrack source mongo
      liontrack source mongo --until-caught-up --json     what there is, then end
      liontrack source mongo --status                     where each collection is
      liontrack source mongo --again                      tell every document once more, after topics were lost

    Exit codes: 0 stopped by SIGTERM, or caught up, 1 MongoDB refuses, another process watches, or the warehouse lacks
    migrations, 2 wrong usage or a setting is missing, 130 interrupted.
    """

    group = source
    options = [
        option("--until-caught-up", is_flag=True, help="End when everything that is there has been told."),
        option("--again", is_flag=True, help="Begin with a snapshot that tells all documents, told before or not."),
        option("--poll", is_flag=True, help="Ask for newer updatedAt, also where there are change streams."),
        option("--status", is_flag=True, help="Only show where each collection is."),
        option("--json", "as_json", is_flag=True, help="Print JSON at the end."),
        data_dir_option,
    ]

    async def run(
        self, *, until_caught_up: bool, again: bool, poll: bool, status: bool, as_json: bool, data_dir: Path | None
    ) -> int:
        """Watch with progress, until stopped."""
        import asyncpg

        from liontrack_stream.sources.mongo.service import MongoSourceError

        settings = load_settings(use_data_dir(data_dir))
        try:
            if status:
                await _print_status(settings, as_json)
            else:
                await _watch(settings, until_caught_up, again, poll, as_json)
        except MongoSourceError as error:
            raise CommandError(str(error)) from None
        except asyncpg.PostgresError as error:
            raise CommandError(
                f"PostgreSQL refuses ({error}): run `liontrack migrate`, or check PG_USER, PG_PASSWORD, PG_DATABASE "
                "and PG_INGEST_ROLE."
            ) from None
        except OSError as error:
            place = f"{settings.pg_host}:{settings.pg_port}"
            raise CommandError(f"PostgreSQL at {place} cannot be reached: {error}.") from None
        return Exit.OK


async def _watch(settings: Settings, until_caught_up: bool, again: bool, poll: bool, as_json: bool) -> None:
    from liontrack_stream.commands.progress import progress
    from liontrack_stream.kafka.errors import quiet_kafka_client
    from liontrack_stream.kafka.infrastructure_errors import RETRIED, backoff_s
    from liontrack_stream.sources.mongo.mapping import MappingError, load_mapping
    from liontrack_stream.sources.mongo.server import Source, connect
    from liontrack_stream.sources.mongo.service import Manner, MongoService
    from liontrack_stream.warehouse.mongo_places import MongoPlaces

    try:
        mapping = load_mapping(settings.mongo_mapping_file)
    except MappingError as error:
        raise SettingsError(str(error)) from None
    quiet_kafka_client()
    logging.getLogger("pymongo").setLevel(logging.CRITICAL)  # its debug log quotes commands
    client, database = connect(settings)
    manner = Manner(RETRIED, backoff_s, until_caught_up, again, poll)
    sources = [Source(client, database, one) for one in mapping.values()]
    with progress() as report:
        service = MongoService(settings, sources, MongoPlaces(settings, database), manner, report)
        try:
            await _until_sigterm(service.run())
        finally:
            _print_changes(service, as_json)
            with suppress(Exception):
                await client.close()


async def _until_sigterm(work: Coroutine[Any, Any, None]) -> None:
    """Await, or cancel cleanly when a supervisor asks to stop."""
    task = asyncio.ensure_future(work)
    stopped: list[bool] = []

    def stop() -> None:
        stopped.append(True)
        task.cancel()

    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop)
    try:
        await task
    except asyncio.CancelledError:
        if not stopped:
            raise


def _print_changes(service: MongoService, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps({"changes": service.changes}))
        return
    for name, changes in sorted(service.changes.items()):
        click.echo(f"{changes:>10,}  {name}: changes told since it was first watched")


async def _print_status(settings: Settings, as_json: bool) -> None:
    from liontrack_stream.warehouse.mongo_places import places

    rows = await places(settings)
    if as_json:
        click.echo(json.dumps(rows))
        return
    if not rows:
        click.echo("Nothing has been watched yet: start it with `liontrack source mongo`.")
    for row in rows:
        name = f"{row['source']}.{row['collection']}"
        click.echo(
            f"{name:<30} {row['mode']:<9} {row['documents']:>9,} documents {row['changes']:>9,} changes  "
            f"newest {row['changed_at'] or '-'}  saved {row['saved_at']}  by {row['holder']}"
        )
