"""``python -m tests.bench.api``: is the API quick while the stream runs, and the stream while the API is asked?"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.api.bench import ApiBench
from tests.bench.api.found import Sizes, lines, summary
from tests.bench.api.wrk import MISSING, found
from tests.bench.own_stack import on_own_stack, say
from tests.support.stack import environment_of


def main() -> int:
    """0 when all bars are reached and nothing was lost, 1 otherwise."""
    options = _options()
    if found() is None:
        print(MISSING, file=sys.stderr)
        return 1

    def measure(settings: Settings, folder: Path) -> bool:
        result = ApiBench(settings, environment_of(settings), folder, say).run(_sizes(options))
        print(json.dumps(summary(result)) if options.json else "\n".join(lines(result)))
        return result.enough

    return on_own_stack("bench-api", measure, options.keep)


def _sizes(options: argparse.Namespace) -> Sizes:
    return Sizes(
        options.lions, options.fixes, options.events_per_s, options.requests_per_s, options.seconds, options.backlog,
        options.slice, options.pairs,
    )  # fmt: skip


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench.api",
        description="Measures the API while the stream runs, and the stream while the API is asked.",
        epilog="Exit codes: 0 all bars reached, 1 a bar missed, something lost, or not to be measured (and why).",
    )
    size = Sizes()
    add = parser.add_argument
    add("--lions", type=int, default=size.lions, help="default: %(default)s")
    add("--fixes", type=int, default=size.fixes, help="in the warehouse before (default: %(default)s)")
    add("--events-per-s", type=float, default=size.events_per_s, help="default: %(default)s")
    add("--requests-per-s", type=float, default=size.requests_per_s, help="default: %(default)s")
    add("--seconds", type=float, default=size.seconds, help="of events and requests (default: %(default)s)")
    add("--backlog", type=int, default=size.backlog, help="events (default: %(default)s)")
    add("--slice", type=float, default=size.slice_s, help="seconds with or without wrk (default: %(default)s)")
    add("--pairs", type=int, default=size.pairs, help="of slices (default: %(default)s)")
    add("--json", action="store_true", help="print one JSON object instead of tables")
    add("--keep", action="store_true", help="keep logs and data; the path is printed")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
