"""Runs the commands as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.support.stack import OWN_VARIABLES


def liontrack(
    *arguments: str, cwd: Path, environment: dict[str, str] | None = None, through_faust: bool = False
) -> subprocess.CompletedProcess[str]:
    """Run ``liontrack …`` (or ``faust -A liontrack_stream …``) where no setting comes from our own environment."""
    clean = {name: value for name, value in os.environ.items() if name not in OWN_VARIABLES}
    program = ["-m", "faust", "-A", "liontrack_stream"] if through_faust else ["-m", "liontrack_stream"]
    return subprocess.run(
        [sys.executable, *program, *arguments],
        cwd=cwd,
        env={**clean, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
