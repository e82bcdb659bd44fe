"""``python -m tests.bench``: ours, its floor and other engines on one backlog, in one run."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.bench.bench import FLOOR, OURS, SUBMIT, Bench
from tests.bench.engines import ENGINES
from tests.bench.machine import describe
from tests.bench.own_stack import on_own_stack, say
from tests.bench.plot import svg
from tests.bench.profile import profile_lines
from tests.bench.ratios import aims
from tests.bench.result import Result
from tests.bench.table import lines
from tests.support.stack import environment_of

EVENTS = 1_000_000
WHOLE_BENCH = (FLOOR, OURS, *ENGINES)
RESULTS = Path(__file__).with_name("results")
EXAMPLES = """\
examples:
  python -m tests.bench                                         the whole bench; writes tests/bench/results
  python -m tests.bench --events 200000 --only ours bytewax     two contenders, a fifth of the backlog; writes nothing
  python -m tests.bench --only ours --once --profile            where our worker's time goes
  python -m tests.bench --only floor ours submit                ours on Spark, too: `make bench-spark`
  python -m tests.bench --aims                                  a missed aim is an error

exit codes: 0 all contenders ran and all counts match, 1 otherwise; with --aims also where one is missed
"""


def main() -> int:
    """See EXAMPLES."""
    options = _options()

    def measure(settings: Settings, folder: Path) -> bool:
        settings = settings.model_copy(update={"web_port": free_ports(1)[0]})
        profile = folder / "profile.json" if options.profile else None
        bench = Bench(settings, environment_of(settings), folder, say, profile)
        result = bench.run(options.events, options.sample, options.only, twice=not options.once)
        result.machine = describe(settings, result)
        _report(result, profile, options)
        return not result.problems and (not options.aims or all(aim.is_met for aim in aims(result)))

    return on_own_stack("bench", measure, options.keep)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=(__doc__ or "").partition(": ")[2], epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--events", type=int, default=EVENTS, help="size of the backlog (default: a million)")
    parser.add_argument(
        "--sample", type=int, default=60_000, help="how many of them stock Faust is measured on (default: 60,000)"
    )
    parser.add_argument(
        "--only", nargs="+", choices=(*WHOLE_BENCH, SUBMIT), default=WHOLE_BENCH, metavar="NAME",
        help=f"contenders: {', '.join(WHOLE_BENCH)} (default: these), {SUBMIT} (our jobs on Spark)",
    )  # fmt: skip
    parser.add_argument("--once", action="store_true", help="do not run the floor's read and Faust again at the end")
    parser.add_argument("--aims", action="store_true", help="exit with 1 where an aim is missed")
    parser.add_argument(
        "--results", type=Path, help="folder for table and plot (of the whole bench: tests/bench/results)"
    )
    parser.add_argument("--profile", action="store_true", help="show where our worker's time goes (slows it by 5 %%)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep logs and data; the path is printed")
    options = parser.parse_args()
    options.sample = min(options.sample, options.events)
    if options.sample < 2:
        parser.error("stock Faust needs at least 2 events")
    if OURS not in options.only and {FLOOR, SUBMIT} & set(options.only):
        parser.error("floor and submit do again what ours has done: name ours, too")
    if options.results is None and options.events >= EVENTS and set(options.only) >= set(WHOLE_BENCH):
        options.results = RESULTS
    return options


def _report(result: Result, profile: Path | None, options: argparse.Namespace) -> None:
    text = "\n".join(lines(result))
    print(json.dumps(result.as_json()) if options.json else text)
    if profile is not None and not options.json:
        print("\n".join(profile_lines(profile)))
    if options.results is not None and result.problems:
        say("No table and plot are written: some counts do not match")
    elif options.results is not None:
        options.results.mkdir(parents=True, exist_ok=True)
        (options.results / "bench.md").write_text(f"{text}\n")
        (options.results / "bench.svg").write_bytes(svg(result))
        say(f"Table and plot: {options.results}")


if __name__ == "__main__":
    sys.exit(main())
