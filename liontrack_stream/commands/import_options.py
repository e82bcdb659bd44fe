"""What the commands of ``liontrack import`` take, and what it means."""

from __future__ import annotations

from collections.abc import Callable
from datetime import tzinfo
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, data_dir_option, use_data_dir
from liontrack_stream.settings import Settings, SettingsError, load_settings

if TYPE_CHECKING:
    from liontrack_stream.sources.deployments import Deployments


file_argument = argument("file", type=click.Path(path_type=Path))
rejects_option = option(
    "--rejects",
    type=click.Path(dir_okay=False, path_type=Path),
    default=None,
    help="Where rows go that are not sent.  [default: FILE.rejects.csv in the current folder]",
)
dry_run_option = option("--dry-run", is_flag=True, help="Read and check everything, send nothing.")
json_option = option("--json", "as_json", is_flag=True, help="Print the counts as one JSON line.")
mass_unit_option = option(
    "--mass-unit",
    type=click.Choice(["g", "kg", "lb"]),
    default="g",
    show_default=True,
    help="What animal-mass is in; Movebank's is grams.",
)
lion_option = option("--lion", default=None, help="Whose fixes they are; a deployment of their collar says more.")
tag_option = option("--tag", default=None, help="Which collar they are of: its deployments say whose they are.")
timezone_option = option(
    "--timezone", default=None, metavar="ZONE", help="Of times without one, e.g. UTC, Africa/Gaborone."
)
reference_option = option(
    "--reference",
    type=click.Path(path_type=Path),
    default=None,
    help="Reference data to tell first, as `liontrack import reference` does.",
)
column_option = option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=COLUMN",
    help="Where a field is: time, lat, lng, lion, tag, name, accuracy, altitude, dop, temperature, visible, event_id.",
)
COMMON: list[Callable[[Any], Any]] = [
    file_argument,
    rejects_option,
    lion_option,
    tag_option,
    reference_option,
    mass_unit_option,
    dry_run_option,
    json_option,
    data_dir_option,
]


def settings_of(data_dir: Path | None, needed: bool) -> Settings | None:
    try:
        return load_settings(use_data_dir(data_dir))
    except SettingsError:
        if needed:
            raise
        return None


async def deployments_of(settings: Settings | None) -> Deployments | None:
    """The deployments that were told before; without a warehouse, none."""
    from liontrack_stream.warehouse.deployments import DeploymentsError, deployments_connection, stored

    if settings is None:
        return None
    try:
        async with deployments_connection(settings) as connection:
            return await stored(connection)
    except DeploymentsError as error:
        click.echo(f"warning: {error} Rows go by the lion that they name, not by their collar's deployment.", err=True)
        return None


def chosen_columns(columns: tuple[str, ...]) -> dict[str, str]:
    from liontrack_stream.sources.columns import FIELDS

    chosen: dict[str, str] = {}
    for told in columns:
        name, parted, column = told.partition("=")
        if not parted or name not in FIELDS or not column.strip():
            raise CommandError(
                f"--column takes FIELD=COLUMN, FIELD one of {', '.join(FIELDS)}; not {told!r}.", Exit.USAGE
            )
        chosen[name] = column
    return chosen


def zone_of(name: str | None) -> tzinfo | None:
    from datetime import UTC
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

    if name is None or name.upper() == "UTC":
        return None if name is None else UTC
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise CommandError(
            f"--timezone knows no {name!r}: use a name such as UTC or Africa/Gaborone.", Exit.USAGE
        ) from None
