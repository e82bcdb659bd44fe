"""``python -m tests.bench.aims [kalahari] [latency] [workers] [sizes] [lions] [memory] [growth]``: all by default.

Each prints a table, its aims, and whether they are met. Replay is in ``tests.bench``.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims import growth, kalahari, latency, lions, memory, sizes, workers
from tests.bench.aims.aim import Finding, lines
from tests.bench.own_stack import on_own_stack, say


def main() -> int:
    """0 when every aim is met and nothing was lost, 1 otherwise."""
    options = _options()

    def measure(settings: Settings, folder: Path) -> bool:
        enough = True
        for name in options.what or _MEASURES:
            finding = _MEASURES[name](options, settings, folder)
            print("\n".join(lines(finding)), flush=True)
            enough = enough and finding.enough
        return enough

    return on_own_stack("bench-aims", measure, options.keep)


def _latency(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return latency.measure(settings, folder, say, options.lions, options.events_per_s, options.seconds)


def _memory(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return memory.measure(settings, folder, say, options.backlogs, options.lions)


def _lions(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return lions.measure(settings, folder, say, options.by_lions, options.events, options.rounds)


def _workers(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return workers.measure(settings, folder, say, options.lions, options.events)


def _growth(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return growth.measure(settings, folder, say, options.lions, options.rows)


def _kalahari(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return kalahari.measure(settings, folder, say, options.file)


def _sizes(options: argparse.Namespace, settings: Settings, folder: Path) -> Finding:
    return sizes.measure(settings, folder, say, settings.liontrack_data_dir / "kafka", options.lions, options.events)


_MEASURES: dict[str, Callable[[argparse.Namespace, Settings, Path], Finding]] = {
    "kalahari": _kalahari,
    "latency": _latency,
    "workers": _workers,
    "sizes": _sizes,
    "lions": _lions,
    "memory": _memory,
    "growth": _growth,
}


def _numbers(text: str) -> list[int]:
    return [int(part) for part in text.split(",")]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.aims", description=(__doc__ or "").splitlines()[0])
    add = parser.add_argument
    add("what", nargs="*", metavar="WHAT", help=f"of {', '.join(_MEASURES)} (default: all, two hours)")
    add("--lions", type=int, default=1_000, help="of all but kalahari and lions (default: %(default)s)")
    add("--events", type=int, default=1_000_000, help="of workers, sizes and each of lions (default: %(default)s)")
    add("--events-per-s", type=float, default=5_000.0, help="of latency (default: %(default)s)")
    add("--seconds", type=float, default=60.0, help="of latency (default: %(default)s)")
    add("--backlogs", type=_numbers, default="100000,1000000,10000000", help="of memory (default: %(default)s)")
    add("--rows", type=int, default=20_000_000, help="of growth (default: %(default)s)")
    add("--by-lions", type=_numbers, default="10,100,1000,10000,100000", help="of lions (default: %(default)s)")
    add("--rounds", type=int, default=2, help="of lions: of each backlog the cheapest counts (default: %(default)s)")
    add("--file", type=Path, default=kalahari.FILE, help="of kalahari (default: the one of ../shared/data)")
    add("--keep", action="store_true", help="keep logs and data; the path is printed")
    options = parser.parse_args()
    if unknown := set(options.what) - _MEASURES.keys():
        parser.error(f"{', '.join(sorted(unknown))}: there are {', '.join(_MEASURES)}.")
    return options


if __name__ == "__main__":
    sys.exit(main())
