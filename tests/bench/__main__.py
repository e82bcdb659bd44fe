"""``python -m tests.bench``: raw reader, stock Faust and LionTrack on one backlog, in one run."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path

from liontrack_stream.local import Stack, StackError
from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import load_settings
from tests.bench.bench import Bench, Result
from tests.bench.profile import profile_lines
from tests.bench.running import ContenderFailed
from tests.bench.table import lines
from tests.support.stack import environment_of


def main() -> int:
    """0 when every contender got to its end and the counts match, 1 otherwise."""
    options = _options()
    folder = Path(tempfile.mkdtemp(prefix="liontrack-bench-"))
    stack = Stack(folder / "stack", report=lambda part, message: None)
    failed = True
    try:
        _say("Starting Kafka and PostgreSQL")
        stack.up()
        settings = load_settings(stack.data_dir).model_copy(update={"web_port": free_ports(1)[0]})
        profile = folder / "profile.json" if options.profile else None
        bench = Bench(settings, environment_of(settings), folder, _say, profile)
        result = bench.run(options.events, options.stock_events, twice=not options.once)
        _report(result, profile, options.json)
        failed = bool(result.problems)
    except (ContenderFailed, StackError) as error:
        print(f"bench: {error}", file=sys.stderr)
    finally:
        stack.down()
        if failed or options.keep:
            print(f"Logs and data: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


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
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of the table")
    parser.add_argument("--keep", action="store_true", help="keep logs and data; the path is printed")
    options = parser.parse_args()
    options.stock_events = min(options.stock_events, options.events)
    if options.stock_events < 2:
        parser.error("stock Faust needs at least 2 events")
    return options


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _report(result: Result, profile: Path | None, as_json: bool) -> None:
    if as_json:
        print(json.dumps(asdict(result)))
        return
    print("\n".join(lines(result)))
    if profile is not None:
        print("\n".join(profile_lines(profile)))


if __name__ == "__main__":
    sys.exit(main())
