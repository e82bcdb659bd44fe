"""``python -m tests.bench``: raw reader, stock Faust, LionTrack and its replay on one backlog, in one run."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.bench.bench import Bench, Result
from tests.bench.own_stack import on_own_stack, say
from tests.bench.profile import profile_lines
from tests.bench.table import lines
from tests.support.stack import environment_of


def main() -> int:
    """0 when every contender got to its end and the counts match, 1 otherwise."""
    options = _options()

    def measure(settings: Settings, folder: Path) -> bool:
        settings = settings.model_copy(update={"web_port": free_ports(1)[0]})
        profile = folder / "profile.json" if options.profile else None
        bench = Bench(settings, environment_of(settings), folder, say, profile)
        result = bench.run(options.events, options.stock_events, twice=not options.once, with_spark=options.spark)
        _report(result, profile, options.json)
        return not result.problems

    return on_own_stack("bench", measure, options.keep)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__)
    parser.add_argument("--events", type=int, default=1_000_000, help="size of the backlog (default: a million)")
    parser.add_argument(
        "--stock-events", type=int, default=60_000, help="how many of them stock Faust is measured on (default: 60,000)"
    )
    parser.add_argument("--once", action="store_true", help="raw and stock only before ours, not after it again")
    parser.add_argument(
        "--profile", action="store_true", help="show where our worker's time goes (slows it by some 5 %%)"
    )
    parser.add_argument("--spark", action="store_true", help="the same on Spark, too (`make spark` first)")
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep logs and data; the path is printed")
    options = parser.parse_args()
    options.stock_events = min(options.stock_events, options.events)
    if options.stock_events < 2:
        parser.error("stock Faust needs at least 2 events")
    return options


def _report(result: Result, profile: Path | None, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(result)))
        return
    print("\n".join(lines(result)))
    if profile is not None:
        print("\n".join(profile_lines(profile)))


if __name__ == "__main__":
    sys.exit(main())
