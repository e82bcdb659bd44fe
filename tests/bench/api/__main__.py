"""``python -m tests.bench.api``: is the API quick while the stream runs, and the stream while the API is asked?"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path

from liontrack_stream.local import Stack, StackError
from liontrack_stream.settings import load_settings
from tests.bench.api.bench import ApiBench
from tests.bench.api.found import Sizes, lines, summary
from tests.bench.api.wrk import MISSING, found
from tests.bench.running import ContenderFailed
from tests.support.stack import environment_of


def main() -> int:
    """0 when all bars are reached and nothing was lost, 1 otherwise."""
    options = _options()
    if found() is None:
        print(MISSING, file=sys.stderr)
        return 1
    folder = Path(tempfile.mkdtemp(prefix="liontrack-api-"))
    stack = Stack(folder / "stack", report=lambda part, message: None)
    failed = True
    try:
        _say("Starting Kafka and PostgreSQL")
        stack.up()
        settings = load_settings(stack.data_dir)
        result = ApiBench(settings, environment_of(settings), folder, _say).run(_sizes(options))
        print(json.dumps(summary(result)) if options.json else "\n".join(lines(result)))
        failed = not result.enough
    except (ContenderFailed, StackError, AssertionError) as error:
        print(f"bench-api: {error}", file=sys.stderr)
    finally:
        stack.down()
        if failed or options.keep:
            print(f"Logs and data: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


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


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
