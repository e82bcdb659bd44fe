"""``python -m tests.support.fake_worker [worker options]``: the real worker on a warehouse of `fake_warehouse`."""

from __future__ import annotations

import os
import sys
from functools import partial

from liontrack_stream.app import PARTS, create_app
from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.settings import load_settings
from tests.support.fake_warehouse import FakeWarehouse, NullWarehouse, open_fake_warehouse


async def _state(pool: object, partition: int) -> dict[str, object]:
    return {}


def main() -> None:
    kind = NullWarehouse if os.environ.get("FAKE_NULL") else FakeWarehouse
    parts = [part for part in PARTS if part.startswith("agents.")]
    app = create_app(load_settings(), partial(open_fake_warehouse, kind=kind), None, parts)
    if not os.environ.get("FAKE_NO_TABLES"):
        for topic in TOPICS:
            app.live_table(topic, _state, help=topic.noun)
    from liontrack_stream.commands.worker import run_worker

    run_worker(app, sys.argv[1:])


if __name__ == "__main__":
    main()
