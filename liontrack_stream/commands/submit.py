"""``liontrack submit``: the same computation on Spark, into a generation beside the live one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from faust.cli.base import argument, option

from liontrack_stream.commands.base import CommandError, Exit, LionTrackCommand, data_dir_option, use_data_dir
from liontrack_stream.commands.generations import failing, json_option, print_diff
from liontrack_stream.commands.replay import outcome_as_json, outcome_summary
from liontrack_stream.settings import Settings, load_settings

if TYPE_CHECKING:
    from liontrack_stream.replay.run import Outcome
    from liontrack_stream.spark.jobs import Filled, Spark


class Submit(LionTrackCommand):
    """Compute history on Spark, into a generation beside the live one, and compare the two.

    \b
    JOB is one of
      bronze-to-silver  reads the lake's bronze files; fills a generation's bronze and silver
      silver-to-gold    reads that generation's silver files; fills its gold, then compares it with the live one
      stream            follows Kafka into a generation until Ctrl-C, and tells which 5-minute windows its watermark
                        closes; with --until-caught-up to what Kafka holds now, then compares

    All give the rows that the worker gives: the executors call the same rules. Nothing is dropped for being late. The
    last records, which the lake does not hold yet, come as in `liontrack replay`; afterwards `liontrack generations
    diff`, `swap` and `drop` apply. A job that was cut off goes on when it is submitted again. Spark runs in an
    environment of its own, which `make spark` creates; all its machines need it and the lake's folder under the same
    path, and reach PostgreSQL.

    \b
    Examples:
      liontrack submit --master 'local[2]' bronze-to-silver
      liontrack submit --master 'local[2]' silver-to-gold
      liontrack submit --master 'local[2]' --until-caught-up stream
      deploy/spark/start                                              a master and two workers here
      liontrack submit --master spark://127.0.0.1:7077 bronze-to-silver
      liontrack submit --conf spark.executor.memory=4g --master spark://spark.example.org:7077 silver-to-gold

    Exit codes: 0 done, 1 Spark, Kafka, PostgreSQL or the lake cannot be used, or the job failed (its log is named), 2
    wrong usage or a setting is missing, 130 interrupted: the Spark application has ended.
    """

    options = [
        argument("job", type=click.Choice(["bronze-to-silver", "silver-to-gold", "stream"])),
        option("--engine", type=click.Choice(["spark"]), default="spark", show_default=True, help="What computes."),
        option("--master", default=None, help="local[N] or spark://HOST:PORT.  [default: SPARK_MASTER, else local[2]]"),
        option("--conf", "conf", multiple=True, metavar="NAME=VALUE", help="A setting of Spark; may be given again."),
        option("--new", "anew", is_flag=True, help="Begin anew, where a generation could be gone on with."),
        option("--until-caught-up", is_flag=True, help="Of a stream: end with what Kafka holds now, and compare."),
        option(
            "--watermark",
            "lateness_min",
            type=click.IntRange(min=0),
            default=60,
            show_default=True,
            help="Of a stream: minutes that its windows stay open for late events.",
        ),
        json_option,
        data_dir_option,
    ]

    async def run(
        self, *, job: str, until_caught_up: bool, lateness_min: int, as_json: bool, data_dir: Path | None, **asked: Any
    ) -> None:
        """Submit, wait, report."""
        from liontrack_stream.commands.progress import progress
        from liontrack_stream.spark import jobs
        from liontrack_stream.spark.process import SparkError

        settings = load_settings(use_data_dir(data_dir))
        spark = _spark(settings, **asked)
        as_json = as_json or bool(self.json)
        try:
            with progress(quiet=self.quiet) as report, failing():
                if job == "stream":
                    done: Filled | Outcome = await jobs.stream(settings, spark, lateness_min, report, until_caught_up)
                elif job == "bronze-to-silver":
                    done = await jobs.bronze_to_silver(settings, spark, report)
                else:
                    done = await jobs.silver_to_gold(settings, spark, report)
        except SparkError as error:
            raise CommandError(str(error)) from error
        if as_json:
            click.echo(self.dumps(_as_json(done)))
        elif not self.quiet:
            _print(done, spark)


def _spark(settings: Settings, *, engine: str, master: str | None, conf: tuple[str, ...], anew: bool) -> Spark:
    from liontrack_stream.spark.jobs import Spark

    del engine  # there is one
    pairs = [one.partition("=") for one in conf]
    wrong = [name for name, equals, _ in pairs if not (name and equals)]
    if wrong:
        raise CommandError(f"--conf takes NAME=VALUE, and {wrong[0]!r} is not.", Exit.USAGE)
    return Spark(master or settings.spark_master or "local[2]", {name: value for name, _, value in pairs}, anew)


def _print(done: Filled | Outcome, spark: Spark) -> None:
    from liontrack_stream.spark.jobs import Filled

    if isinstance(done, Filled):
        click.echo(
            f"Generation {done.number} holds bronze and silver of {done.records:,} records more. Its gold comes by "
            f"`liontrack submit --master '{spark.master}' silver-to-gold`."
        )
        return
    click.echo(outcome_summary(done))
    print_diff(done.diff)


def _as_json(done: Filled | Outcome) -> dict[str, Any]:
    from liontrack_stream.spark.jobs import Filled

    if isinstance(done, Filled):
        return {"generation": done.number, "records": done.records, "seconds": round(done.seconds, 3)}
    return outcome_as_json(done)
