"""The bucket answers with errors, late, not at all; its answers are lost, its objects damaged."""

from __future__ import annotations

import time
from random import Random

from pyarrow import fs

from tests.support.worker_process import wait_until

from ..fault import fault
from ..scene import Scene


@fault("the bucket answers with 503", "lake")
def unavailable(scene: Scene, random: Random) -> None:
    scene.servers.bucket.unavailable()
    time.sleep(random.uniform(3.0, 10.0))
    scene.servers.bucket.heal()


@fault("the bucket is slow", "lake")
def slow(scene: Scene, random: Random) -> None:
    scene.servers.bucket.slow(random.uniform(0.2, 0.8))
    time.sleep(random.uniform(5.0, 10.0))
    scene.servers.bucket.heal()


@fault("the bucket is away", "lake")
def away(scene: Scene, random: Random) -> None:
    scene.servers.bucket.refuse()
    time.sleep(random.uniform(10.0, 30.0))
    scene.servers.bucket.heal()


@fault("the bucket does not answer", "lake")
def timeouts(scene: Scene, random: Random) -> None:
    scene.servers.bucket.hold()
    time.sleep(random.uniform(10.0, 25.0))
    scene.servers.bucket.cut()
    scene.servers.bucket.heal()


@fault("the answer to a PUT is lost", "lake")
def lost_put(scene: Scene, random: Random) -> None:
    proxy = scene.servers.bucket
    for attempt in range(4):
        lost = proxy.lost
        proxy.lose(b"PUT /", before=attempt % 2 == 1)
        wait_until(lambda lost=lost: proxy.lost > lost, 60.0, "a PUT")  # type: ignore[misc]
    proxy.heal()


@fault("objects are damaged, cut short, lost; repair makes them good", "lake", quiet=True)
def damaged(scene: Scene, random: Random) -> None:
    store, root = scene.servers.minio.filesystem(), scene.kit.settings.lake_root.removeprefix("s3://")
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
