"""The bucket answers with errors, late, not at all; its answers are lost, its objects damaged."""

from __future__ import annotations

import time
from random import Random

from pyarrow import fs

from tests.support.worker_process import wait_until

from ..fault import fault
from ..scene import Scene

_LONG_S, _KILLS = 180.0, 30


@fault("the bucket answers with 503", "lake", lake="bucket")
def unavailable(scene: Scene, random: Random) -> None:
    with scene.servers.bucket.unavailable():
        time.sleep(random.uniform(3.0, 10.0))


@fault("the bucket is slow", "lake", lake="bucket")
def slow(scene: Scene, random: Random) -> None:
    with scene.servers.bucket.slow(random.uniform(0.2, 0.8)):
        time.sleep(random.uniform(5.0, 10.0))


@fault("the bucket is away", "lake", lake="bucket")
def away(scene: Scene, random: Random) -> None:
    with scene.servers.bucket.refusing():
        time.sleep(random.uniform(10.0, 30.0))


@fault("the bucket is away for three minutes, workers are killed meanwhile", "lake", lake="bucket", kills=_KILLS)
def long_away(scene: Scene, random: Random) -> None:
    """Files are due ten times as often as in production: as half an hour there."""
    with scene.servers.bucket.refusing():
        until = time.monotonic() + _LONG_S
        for left in range(_KILLS, 0, -1):
            time.sleep((until - time.monotonic()) / left * random.uniform(0.5, 1.0))
            scene.worker.kill()
        time.sleep(max(until - time.monotonic(), 0.0))


@fault("the bucket does not answer", "lake", lake="bucket")
def timeouts(scene: Scene, random: Random) -> None:
    with scene.servers.bucket.silent():
        time.sleep(random.uniform(10.0, 25.0))


@fault("the answer to a PUT is lost", "lake", lake="bucket")
def lost_put(scene: Scene, random: Random) -> None:
    proxy = scene.servers.bucket
    for attempt in range(4):
        lost = proxy.lost
        proxy.lose(b"PUT /", before=attempt % 2 == 1)
        wait_until(lambda lost=lost: proxy.lost > lost, 60.0, "a PUT")  # type: ignore[misc]
    proxy.heal()


@fault("objects are damaged, cut short, lost; repair makes them good", "lake", quiet=True)
def damaged(scene: Scene, random: Random) -> None:
    store, root = scene.lake()
    files = [
        file
        for file in store.get_file_info(fs.FileSelector(root, recursive=True))
        if file.path.endswith(".parquet") and "/generations/" not in file.path
    ]
    for file in random.sample(files, min(6, len(files))):
        with store.open_input_stream(file.path) as stream:
            content = bytearray(stream.read())
        how = random.randrange(3)
        if how == 0:
            store.delete_file(file.path)
            continue
        if how == 1:
            del content[len(content) // 2 :]
        else:
            content[random.randrange(len(content))] ^= 0xFF
        with store.open_output_stream(file.path) as out:
            out.write(bytes(content))
    scene.kit.command("lake", "repair", timeout_s=240.0)


@fault("the disk under the lake is full", "lake", lake="folder", kills=1)
def full(scene: Scene, random: Random) -> None:
    """A worker is killed meanwhile: what it had half written is in nobody's way."""
    with scene.servers.lake_disk.full():
        time.sleep(random.uniform(3.0, 8.0))
        scene.worker.kill()
        time.sleep(random.uniform(3.0, 8.0))
