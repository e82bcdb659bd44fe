"""``liontrack import movebank | csv | geojson | gpx | reference``: files of the field into events."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from faust.cli.base import cli

from liontrack_stream.commands import importing, referencing
from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.import_options import (
    COMMON,
    chosen_columns,
    column_option,
    deployments_of,
    dry_run_option,
    file_argument,
    json_option,
    mass_unit_option,
    rejects_option,
    settings_of,
    timezone_option,
    zone_of,
)
from liontrack_stream.kafka.errors import ProduceError, TopicError
from liontrack_stream.settings import load_settings

if TYPE_CHECKING:
    from liontrack_stream.sources.files import SourceFile
    from liontrack_stream.sources.fixes import FixMaker


@cli.group("import")
def import_group() -> None:
    """Send files of the field as events: positions of four formats, and reference data.

    Files may be gzipped, and are read a row at a time. What is no usable fix is skipped and listed, with its place and
    the reason, in the rejects file. Importing a file again is safe: the worker counts the fixes as duplicates.

    \b
    Examples:
      liontrack import movebank kalahari.csv.gz
      liontrack import csv collar.csv --timezone Africa/Gaborone --lion L07
      liontrack import geojson tracks.geojson
      liontrack import gpx track.gpx --lion L07
      liontrack import reference reference-data.csv     who wore which collar when
      liontrack import movebank export.csv --reference reference-data.csv

    Exit codes: 0 imported (skipped rows included), 1 the file is damaged, no row was usable, or something failed,
    2 not a file of this format, or a setting is missing.
    """


class ImportCommand(LionTrackCommand):
    """What its commands have in common."""

    abstract: ClassVar[bool] = True
    group = import_group
    failures = (TopicError, ProduceError)


class FileCommand(ImportCommand):
    """An import of fixes. A format says how a file of it is opened."""

    abstract: ClassVar[bool] = True

    def opened(self, file: Path, layout_of: dict[str, Any], maker: Any) -> SourceFile:
        """The file, not entered yet."""
        raise NotImplementedError

    async def run(
        self,
        *,
        file: Path,
        rejects: Path | None,
        lion: str | None,
        tag: str | None,
        reference: Path | None,
        mass_unit: str,
        dry_run: bool,
        as_json: bool,
        data_dir: Path | None,
        timezone: str | None = None,
        columns: tuple[str, ...] = (),
    ) -> int:
        """Tell the reference data, then open, send with progress, report."""
        from liontrack_stream.sources.fixes import FixMaker

        layout_of = {"chosen": chosen_columns(columns), "zone": zone_of(timezone)}
        path = importing.rejects_path(file, rejects)
        maker = FixMaker(str(type(self).command_name), lion=lion, tag=tag)
        source = self.opened(file, layout_of, maker)
        settings = settings_of(data_dir, needed=not dry_run or reference is not None)
        told, deployments = None, None
        if reference is not None and settings is not None:
            told, deployments = await referencing.tell_reference(
                reference, importing.rejects_path(reference, None), settings, mass_unit, dry_run
            )
        else:
            deployments = await deployments_of(settings)
        maker.deployments = deployments or maker.deployments
        report, refused = await importing.import_fixes(source, path, None if dry_run else settings, as_json)
        if as_json:
            counted = importing.counts(report, refused)
            importing.print_json(counted | ({} if told is None else {"reference": referencing.as_json(told)}))
        else:
            if told is not None:
                referencing.print_report(told, dry_run)
            importing.print_report(report, refused, dry_run)
        if report.damage:
            raise CommandError(f"{report.damage} Fetch it again and import it; rows sent twice do no harm.")
        code = Exit.OK if told is None else told.exit_code
        return code or (Exit.OK if report.sent or not report.rows else Exit.FAILED)


class Movebank(FileCommand):
    """Send the fixes of a Movebank export (FILE.csv or FILE.csv.gz) as position events.

    Columns are found by Movebank's names, in any order; timestamp, location-long, location-lat and
    individual-local-identifier or tag-local-identifier must be there, unknown ones are kept. The lion is the one that
    wore the tag at that time (see `liontrack import reference`), else the individual; a row without either is skipped.
    Rows that repeat a lion and timestamp are duplicates: the first is sent (a visible one before a hidden one).

    \b
    Examples:
      liontrack import movebank kalahari.csv.gz
      liontrack import movebank export.csv --rejects /tmp/bad.csv
      liontrack import movebank export.csv --reference reference-data.csv
      liontrack import movebank export.csv --dry-run     only look

    Exit codes: 0 imported (skipped rows included), 1 the file is damaged, no row was usable, part of the reference data
    was refused, or Kafka failed, 2 not a Movebank export, or a setting is missing.
    """

    command_name = "movebank"
    options = COMMON

    def opened(self, file: Path, layout_of: dict[str, Any], maker: FixMaker) -> SourceFile:
        from liontrack_stream.sources.csv_file import CsvFile
        from liontrack_stream.sources.movebank import MOVEBANK

        return CsvFile(file, MOVEBANK, maker)


class Csv(FileCommand):
    """Send the fixes of any CSV (comma, semicolon or tab; also gzipped) as position events.

    Columns are found by the names that they commonly have (timestamp or time, lat, lon, lion_id or animal_id, tag_id,
    altitude, hdop …), or given by --column. Times are ISO 8601, or epoch seconds or milliseconds; one without a zone is
    refused unless --timezone says which. An hour that the clock skips or repeats is refused, too.

    \b
    Examples:
      liontrack import csv fixes.csv
      liontrack import csv collar.csv --lion L07 --timezone Africa/Gaborone
      liontrack import csv log.csv --column lat=Breite --column lng=Länge --column time=Zeit --tag 2001

    Exit codes: 0 imported (skipped rows included), 1 the file is damaged, no row was usable, part of the reference data
    was refused, or Kafka failed, 2 a column is not found, or a setting is missing.
    """

    command_name = "csv"
    options = [*COMMON, timezone_option, column_option]

    def opened(self, file: Path, layout_of: dict[str, Any], maker: FixMaker) -> SourceFile:
        from liontrack_stream.sources import common_columns
        from liontrack_stream.sources.csv_file import CsvFile

        return CsvFile(file, common_columns.COMMON.mapped(**layout_of), maker)


class GeoJson(FileCommand):
    """Send the fixes of a GeoJSON file as position events; also of newline-delimited or sequential GeoJSON, gzipped.

    Points are fixes, their time in a property (timestamp, time, position_date …); the positions of LineStrings and
    MultiLineStrings have theirs in coordTimes or times. Lion and collar are found among the properties, as by
    `liontrack import csv`; what the API gives as GeoJSON can be read. Where features stand in lines, a broken one costs
    its line; a document that breaks off is taken up to there.

    \b
    Examples:
      liontrack import geojson tracks.geojson
      liontrack import geojson points.ndjson.gz --column lion=collared_animal
      liontrack import geojson line.geojson --lion L07 --timezone UTC

    Exit codes: 0 imported (skipped rows included), 1 the file breaks off, no row was usable, part of the reference data
    was refused, or Kafka failed, 2 not GeoJSON, or a setting is missing.
    """

    command_name = "geojson"
    options = [*COMMON, timezone_option, column_option]

    def opened(self, file: Path, layout_of: dict[str, Any], maker: FixMaker) -> SourceFile:
        from liontrack_stream.sources.geojson import GEOJSON, GeoJsonFile

        placed = [name for name in ("lat", "lng", "altitude") if name in layout_of["chosen"]]
        if placed:
            raise CommandError(f"--column {placed[0]}: a GeoJSON geometry says where a fix is.", Exit.USAGE)
        return GeoJsonFile(file, GEOJSON.mapped(**layout_of), maker)


class Gpx(FileCommand):
    """Send the fixes of a GPX file (1.0 or 1.1, also gzipped) as position events.

    The points of tracks are fixes of the lion that the track's name names, or --lion. Waypoints need --lion or --tag;
    routes are plans and left out. A document that breaks off is taken up to there; one with a DTD is refused.

    \b
    Examples:
      liontrack import gpx track.gpx --lion L07
      liontrack import gpx download.gpx.gz --tag 2001
      liontrack import gpx track.gpx --dry-run

    Exit codes: 0 imported (skipped rows included), 1 the file breaks off, no row was usable, part of the reference data
    was refused, or Kafka failed, 2 not GPX, or a setting is missing.
    """

    command_name = "gpx"
    options = [*COMMON, timezone_option]

    def opened(self, file: Path, layout_of: dict[str, Any], maker: FixMaker) -> SourceFile:
        from liontrack_stream.sources.gpx import GPX, GpxFile

        return GpxFile(file, GPX.mapped(**layout_of), maker)


class ReferenceData(ImportCommand):
    """Tell who wore which collar when, from Movebank's reference data (FILE.csv), and set right what is stored.

    Columns: animal-id, tag-id, deploy-on-date, deploy-off-date (empty: still on), animal-mass, animal-sex; others are
    kept. A deployment holds from deploy-on-date up to, not including, deploy-off-date, in UTC. What the file says of a
    tag replaces all that was said of it before; of a tag with a row that is refused, nothing changes. animal-mass
    becomes a weight event, measured at deploy-on-date.

    Fixes that are stored at another lion than the one that wore their collar are moved: an event at the one and the
    deletion of the event at the other go to Kafka, and the worker revises both lions' days. A fix that cannot be moved
    (the lion has another of that time, or had this one and lost it) stays, and is named.

    \b
    Examples:
      liontrack import reference reference-data.csv
      liontrack import reference reference-data.csv --dry-run     how many fixes would move, per collar and lion
      liontrack import reference collars.csv --mass-unit kg --json

    Exit codes: 0 done, 1 a row was refused, a fix or weighing cannot follow, or Kafka or PostgreSQL failed (run it
    again: it goes on), 2 not reference data, or a setting is missing.
    """

    command_name = "reference"
    options = [file_argument, rejects_option, mass_unit_option, dry_run_option, json_option, data_dir_option]

    async def run(
        self, *, file: Path, rejects: Path | None, mass_unit: str, dry_run: bool, as_json: bool, data_dir: Path | None
    ) -> int:
        """Read, store, send, report."""
        settings = load_settings(use_data_dir(data_dir))
        path = importing.rejects_path(file, rejects)
        report, _ = await referencing.tell_reference(file, path, settings, mass_unit, dry_run)
        if as_json:
            importing.print_json(referencing.as_json(report))
        else:
            referencing.print_report(report, dry_run)
        return report.exit_code
