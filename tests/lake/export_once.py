"""Exports everything and exits: the process that the crash tests kill. Takes a JSON object of settings."""

from __future__ import annotations

import asyncio
import json
import sys

from liontrack_stream.lake import LakeExporter
from liontrack_stream.lake.catalog import BRONZE
from liontrack_stream.settings import Settings


async def main(values: dict) -> None:
    exporter = LakeExporter(Settings(**values))
    exporter.assigned([(topic, partition) for topic in BRONZE for partition in range(4)])
    print(await exporter.close(timeout_s=60))


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))
