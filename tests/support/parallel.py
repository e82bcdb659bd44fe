"""How `make test PROCESSES=…` deals the tests out to processes that run at the same time.

A process gets one unit after the other: the tests of a file, or of a folder whose tests share what is dear to start.
Each process has servers of its own (`stack.py`, `minio.py`).
"""

from __future__ import annotations

import pytest
from xdist.scheduler import LoadScopeScheduling
from xdist.workermanage import NodeManager

NodeManager.EXIT_TIMEOUT = 30  # seconds that the processes have after Ctrl-C to end their servers

TOGETHER = ("tests/dashboard/", "tests/doctor/", "tests/exports/", "tests/monitoring/", "tests/views/analytics/")
# Units that take long: with one begun last, all others would wait for it.
LONGEST_FIRST = (
    "tests/integration/test_kalahari.py",
    "tests/spark/test_spark.py",
    "tests/bench/test_bench_smoke.py",
    "tests/views/test_schemathesis.py",
    "tests/dashboard/",
    "tests/bench/test_aims_smoke.py",
    "tests/deploy/test_airflow.py",
    "tests/replay/test_kills.py",
    "tests/replay/test_swap.py",
    "tests/soak/test_short.py",
    "tests/monitoring/",
    "tests/integration/test_mongo_kills.py",
    "tests/integration/test_crashes.py",
    "tests/integration/test_worker_faults.py",
    "tests/integration/test_secure_links.py",
    "tests/deploy/test_image.py",
    "tests/exports/",
    "tests/sources/test_reference.py",
    "tests/sources/test_memory.py",
)


def unit_of(nodeid: str) -> str:
    """The unit that a test belongs to."""
    file = nodeid.split("::", 1)[0]
    return next((folder for folder in TOGETHER if file.startswith(folder)), file)


class ByUnit(LoadScopeScheduling):
    """Deals out units, in the order in which the tests stand."""

    def _split_scope(self, nodeid: str) -> str:
        return unit_of(nodeid)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> ByUnit:
    config.option.loadscopereorder = False
    return ByUnit(config, log)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    if hasattr(config, "workerinput"):  # one of several processes
        place = {unit: n for n, unit in enumerate(LONGEST_FIRST)}
        items.sort(key=lambda item: place.get(unit_of(item.nodeid), len(place)))
