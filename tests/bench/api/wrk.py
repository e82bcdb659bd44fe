"""wrk, Debian's HTTP load generator, asking several routes as fast as it is answered."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType

from tests.bench.running import ContenderFailed

CONNECTIONS = 32
MISSING = "bench-api needs wrk, which is not installed: `apt-get install wrk` (Debian and Ubuntu) installs it."
_SCRIPT = """local paths = {{ {paths} }}
local n = 0
request = function()
  n = n % #paths + 1
  return wrk.format("GET", paths[n])
end
"""


@dataclass(frozen=True, slots=True)
class Load:
    """What a run of wrk says: answers of any status, those that were no 2xx or 3xx, and for how long it asked."""

    answers: int
    refused: int
    seconds: float


def found() -> str | None:
    """Where wrk is."""
    return shutil.which("wrk")


class Wrk:
    """Asks while the block runs; `load` is there afterwards."""

    def __init__(self, url: str, paths: Sequence[str], headers: Sequence[str], seconds: float, folder: Path) -> None:
        script = folder / "paths.lua"
        script.write_text(_SCRIPT.format(paths=", ".join(f'"{path}"' for path in paths)))
        named = [part for header in headers for part in ("-H", header)]
        # wrk counts whole seconds, and is ended when the block is.
        self._command = [
            found() or "wrk", "-t1", f"-c{CONNECTIONS}", f"-d{max(1, round(seconds))}s", "-s", str(script), *named, url,
        ]  # fmt: skip
        self.load = Load(0, 0, 0.0)

    def __enter__(self) -> Wrk:
        self._process = subprocess.Popen(self._command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._process.kill()
        text, _ = self._process.communicate(timeout=60)
        if kind is None:
            self.load = read(text)


def read(text: str) -> Load:
    """What wrk printed.

    Raises
    ------
    ContenderFailed
        When it is no report.
    """
    total = re.search(r"(\d+) requests in ([\d.]+)([smh])", text)
    if total is None:
        raise ContenderFailed(f"wrk says: {text.strip()}")
    refused = re.search(r"Non-2xx or 3xx responses: (\d+)", text)
    seconds = float(total[2]) * {"s": 1, "m": 60, "h": 3600}[total[3]]
    return Load(int(total[1]), int(refused[1]) if refused else 0, seconds)
