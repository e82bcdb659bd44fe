"""``liontrack doctor``: every connection and setting, one line each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from faust.cli.base import option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.settings import SettingsError, load_settings

if TYPE_CHECKING:
    from liontrack_stream.doctor.probes import Line, Probe

COLOURS = {"ok": "green", "warn": "yellow", "FAIL": "red"}


class Doctor(LionTrackCommand):
    """Check every connection and setting, and say in one line each what is wrong and what to do.

    Settings, Kafka and its topics, PostgreSQL with its schema, roles, rules and clock, the offsets of both, the lake,
    the web port, MongoDB, OpenLineage, Spark, the embedded stack, disk and open files. A check that fails does not
    keep the others from being made. The topics and tables stay as they are; in the lake one small file is written
    below .doctor and removed again.

    \b
    Examples:
      liontrack doctor
      liontrack doctor --data-dir /srv/lions --timeout 15
      liontrack doctor --json | jq '.checks[] | select(.state == "FAIL")'
      liontrack --quiet doctor || liontrack doctor      in a deployment's checks
      liontrack doctor --only Kafka --only PostgreSQL   these alone, and what they need

    Exit codes: 0 nothing fails (there may be warnings), 1 something does, 2 wrong usage.
    """

    options = [
        option(
            "--timeout",
            "timeout_s",
            type=click.FloatRange(0.5, 300),
            default=8.0,
            show_default=True,
            help="Seconds that each check may take.",
        ),
        option("--only", multiple=True, metavar="CHECK", help="Make this check alone; may be given again."),
        option("--json", "as_json", is_flag=True, help="Print one JSON object."),
        data_dir_option,
    ]

    async def run(self, *, timeout_s: float, only: tuple[str, ...], as_json: bool, data_dir: Path | None) -> int:
        """Examine, tell, judge."""
        from liontrack_stream.doctor.probes import Patient, examine
        from liontrack_stream.kafka.errors import quiet_kafka_client

        quiet_kafka_client()
        patient = Patient(use_data_dir(data_dir), timeout_s)
        try:
            patient.loaded = load_settings(patient.folder)
        except SettingsError as error:
            patient.trouble = str(error)
        lines = await examine(patient, _probes(only))
        self._tell(lines, as_json or bool(self.json))
        return Exit.FAILED if _count(lines, "FAIL") else Exit.OK

    def _tell(self, lines: list[Line], as_json: bool) -> None:
        if as_json:
            checks = [{"what": x.what, "state": x.state, "detail": x.detail, "todo": x.todo} for x in lines]
            click.echo(self.dumps({"failed": _count(lines, "FAIL"), "warned": _count(lines, "warn"), "checks": checks}))
        elif not self.quiet:
            for line in lines:
                text = str(line)
                click.echo(click.style(text[:4], fg=COLOURS[line.state]) + text[4:])


def _probes(only: tuple[str, ...]) -> list[Probe]:
    """All, or those that are named and those that they need, in their order."""
    from liontrack_stream.doctor.all import PROBES

    known = {probe.name: probe for probe in PROBES}
    unknown = [name for name in only if name not in known]
    if unknown:
        raise CommandError(f"--only: there is no check {unknown[0]!r}; there are {', '.join(known)}.", Exit.USAGE)
    wanted = list(only)
    for name in wanted:
        wanted += known[name].needs  # grows while it is walked
    return [probe for probe in PROBES if probe.name in wanted or not only]


def _count(lines: list[Line], state: str) -> int:
    return sum(line.state == state for line in lines)
