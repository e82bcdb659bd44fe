"""Programs of other projects that tests run, built once with Go into the user's cache folder.

``python -m tests.support.go_programs`` builds them beforehand: that takes longer than a test may.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from liontrack_stream.local.cache import cache_dir, locked
from tests.support.needs import missing

_BUILD_TIMEOUT_S = 1200


@dataclass(frozen=True, slots=True)
class GoProgram:
    """What is built of which module; Go's checksum database holds the hash of a version's source."""

    name: str
    module: str
    version: str
    what: str
    package: str = ""  # below the module

    def path(self) -> Path:
        """The program; built on first use (some two minutes). Skips where that cannot be (CI: fails)."""
        folder = cache_dir() / f"{self.name}-{self.version}"
        binary = folder / self.name
        with locked(cache_dir() / f"{self.name}.lock"):
            if not binary.exists():
                self._build(binary)
        return binary

    def _build(self, binary: Path) -> None:
        go = shutil.which("go")
        if go is None:
            missing(f"Go is not installed (https://go.dev/dl): {self.what} cannot be built.")
        binary.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=binary.parent) as folder:
            # A module that asks for exactly this version: Go looks for no newer one.
            told = subprocess.run([go, "env", "GOVERSION"], capture_output=True, text=True, check=True).stdout
            lines = ("module tools", f"go {told.strip().removeprefix('go')}", f"require {self.module} {self.version}")
            (Path(folder) / "go.mod").write_text("\n".join(lines))
            done = subprocess.run(
                ["nice", go, "build", "-mod=mod", "-o", self.name, self.module + self.package],
                cwd=folder, env={**os.environ, "CGO_ENABLED": "0"}, capture_output=True, text=True,
                timeout=_BUILD_TIMEOUT_S, check=False,
            )  # fmt: skip
            if done.returncode != 0:
                missing(f"{self.what} could not be built: {done.stderr.strip().splitlines()[-1:]}")
            (Path(folder) / self.name).rename(binary)


MINIO = GoProgram(
    "minio", "github.com/minio/minio", "v0.0.0-20260212201848-7aac2a2c5b7c", "MinIO, the S3 of these tests,"
)
KAFKA_EXPORTER = GoProgram(
    "kafka_exporter",
    "github.com/grafana/kafka_exporter",
    "v0.0.0-20240409084445-5e3488ad9f9a",
    "kafka_exporter, which tells Prometheus of Kafka,",
)

if __name__ == "__main__":
    for program in (MINIO, KAFKA_EXPORTER):
        try:
            program.path()
        except pytest.skip.Exception as reason:
            print(reason)
