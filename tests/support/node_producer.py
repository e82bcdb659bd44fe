"""The package for Node.js applications, `deploy/node-producer`, for tests. ``python -m tests.support.node_producer``
checks its types, for `make lint`."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.support import node_packages
from tests.support.needs import nothing_may_skip

SOURCE = node_packages.ROOT / "deploy" / "node-producer"
NAME = "node-producer"
_TIMEOUT_S = 180


def installed_or_skip() -> Path:
    """The package with its dependencies, or a skipped test (CI: a failed one)."""
    return node_packages.install_or_skip(SOURCE, NAME)


def run(package: Path, script: str) -> subprocess.CompletedProcess[str]:
    """`npm run` one of the package's scripts."""
    return subprocess.run(
        ["npm", "run", "--silent", script],
        cwd=package, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False,
    )  # fmt: skip


def main() -> int:
    """Check the types, or say why not; the exit code."""
    try:
        done = run(node_packages.install(SOURCE, NAME), "check")
    except node_packages.NodeUnavailable as reason:
        print(f"deploy/node-producer is not checked: {reason}")
        return int(nothing_may_skip())
    print(f"{done.stdout}{done.stderr}deploy/node-producer: {'wrong types' if done.returncode else 'types are right'}")
    return done.returncode


if __name__ == "__main__":
    sys.exit(main())
