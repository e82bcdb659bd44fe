"""``make soak``: SOAK_SECONDS (600), SEED (of the clock), SOAK_FAULTS (parts of names, comma-separated; all)."""

from __future__ import annotations

import logging
import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

from .results import Results
from .run import FAULTS, Soak

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
_RESULTS = _CACHE / "soak-results"


def main() -> int:
    """0: nothing lost, doubled or wrong. 1: something was; its evidence is kept. 2: wrong usage."""
    seconds, seed = float(os.environ.get("SOAK_SECONDS", "600")), int(os.environ.get("SEED") or time.time())
    names = [part.strip() for part in os.environ.get("SOAK_FAULTS", "").split(",") if part.strip()]
    chosen = [one for one in FAULTS if not names or any(name in f"{one.family}: {one.name}" for name in names)]
    if not chosen:
        print("SOAK_FAULTS names no fault. There are:", *(f"{one.family}: {one.name}" for one in FAULTS), sep="\n  ")
        return 2
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)  # faults are wanted here
    for number in (signal.SIGINT, signal.SIGTERM):  # a shell's background job ignores the former
        signal.signal(number, signal.default_int_handler)
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"{timedelta(seconds=int(time.monotonic() - began))}  {line}", flush=True)

    say(f"SEED={seed} SOAK_SECONDS={seconds:g}, {len(chosen)} faults")
    soak = Soak(_CACHE / f"soak-{seed}", seed, chosen, say)
    try:
        soak.run(seconds)
    except KeyboardInterrupt:
        print(f"Interrupted; what it had found is in {soak.folder}.", file=sys.stderr)
        return 130
    finally:
        soak.results.save(_RESULTS)
    print(f"\n{soak.results.text(chosen)}")
    if soak.failures:
        print(*soak.failures, f"Its logs, servers' data and lake are kept in {soak.folder}.", sep="\n", file=sys.stderr)
        return 1
    print("Nothing lost, nothing doubled, nothing wrong.")
    return 0


def together() -> int:
    """``make soak-table``: all runs of this checkout as one table."""
    results = Results()
    for file in sorted(_RESULTS.glob("*.json"), key=lambda file: int(file.stem)):
        results.add(Results.load(file))
    print(results.text(FAULTS))
    return 0


if __name__ == "__main__":
    sys.exit(together() if sys.argv[1:] == ["--together"] else main())
