"""A folder on a small disk of its own, which a fault may fill."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from .fault import NotHere

_PIECE = b"\0" * 65536


class SmallDisk:
    """``folder`` is there in any case; without root it lies on the disk of all, and filling it is refused."""

    def __init__(self, folder: Path, megabytes: int) -> None:
        self._folder = folder
        folder.mkdir(parents=True)
        mount = ["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", folder]
        self._mounted = os.geteuid() == 0 and subprocess.run(mount, check=False).returncode == 0

    @contextmanager
    def full(self) -> Iterator[None]:
        """Nothing more can be written meanwhile."""
        if not self._mounted:
            raise NotHere("it needs root, who may mount a small disk")
        ballast = self._folder / "ballast"
        try:
            with suppress(OSError), ballast.open("wb", buffering=0) as file:
                while True:
                    file.write(_PIECE)
            yield
        finally:
            ballast.unlink()

    def close(self, keep: bool) -> None:
        """The disk is gone; ``keep``: what it held lies in the folder."""
        if not self._mounted:
            return
        kept = self._folder.with_name(f"{self._folder.name}-kept")
        if keep:
            shutil.copytree(self._folder, kept, symlinks=True)
        subprocess.run(["umount", self._folder], check=True)
        if keep:
            self._folder.rmdir()
            kept.rename(self._folder)
