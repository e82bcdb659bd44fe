"""The live tables' folder deleted, damaged, rolled back: no result depends on it."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from random import Random

from ..fault import fault
from ..scene import Scene


def _folder(scene: Scene) -> Path:
    return scene.kit.settings.liontrack_data_dir / "worker-1"


@fault("RocksDB's folder is deleted", "state")
def deleted(scene: Scene, random: Random) -> None:
    with scene.worker.down():
        shutil.rmtree(_folder(scene), ignore_errors=True)


@fault("RocksDB's files are damaged", "state")
def damaged(scene: Scene, random: Random) -> None:
    with scene.worker.down():
        for file in _folder(scene).rglob("*"):
            if file.is_file() and random.random() < 0.7:
                file.write_bytes(random.randbytes(random.randrange(200)))


@fault("RocksDB's folder is an older copy", "state")
def older(scene: Scene, random: Random) -> None:
    copy = scene.folder / "older-state"
    with scene.worker.down():
        shutil.rmtree(copy, ignore_errors=True)
        if _folder(scene).exists():
            shutil.copytree(_folder(scene), copy)
    scene.recover()
    time.sleep(random.uniform(2.0, 5.0))
    with scene.worker.down():
        shutil.rmtree(_folder(scene), ignore_errors=True)
        if copy.exists():
            shutil.copytree(copy, _folder(scene))
