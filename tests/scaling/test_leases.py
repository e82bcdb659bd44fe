"""A hundred workers, killed, paused, restarted, cut at COMMIT: every offset once, in order, by the lease's holder."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse import offsets
from liontrack_stream.warehouse.queries import query
from tests.support.stack import run_apart

from .server import many_connections
from .simulation import Plan, Simulation
from .watch import Note, watched, wrong

PLAN = Plan(workers=100, partitions_per_topic=200, records=40, faults=30)
FEW = Plan(workers=10, partitions_per_topic=20, records=600, faults=60)
PLACE = ("lions.position.events", 0)


@pytest.fixture(scope="module")
def warehouse(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    with many_connections(tmp_path_factory.mktemp("scaling")) as settings:
        run_apart(watched(settings))
        yield settings


@pytest.fixture(autouse=True)
def little_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(offsets, "CLAIM_PATIENCE_S", 0.5)


@pytest.mark.parametrize("plan", [PLAN, FEW], ids=["a hundred workers", "ten"])
async def test_every_offset_is_stored_once_in_order_by_its_holder(warehouse: Settings, plan: Plan) -> None:
    found = await Simulation(warehouse, plan).run()
    assert found.problems == []
    assert found.deadlocks == 0
    counts = found.tally.counts
    assert all(counts[name] for name in ("killed", "paused", "restarted", "cut at COMMIT", "lease lost")), counts


@pytest.mark.parametrize(
    ("comparison", "kinds", "says"),
    [
        (" AND o.lease_epoch = moved.lease_epoch", FEW.kinds, "wrote while"),
        (" AND o.next_offset = moved.first_offset", ("cut at COMMIT",), "stored at"),
    ],
    ids=["epoch", "offset"],
)
async def test_without_a_comparison_it_is_seen(
    warehouse: Settings, comparison: str, kinds: tuple[str, ...], says: str
) -> None:
    """A batch without the one lets zombies write, without the other it is stored again after a lost answer."""
    sql = " ".join(line for line in query("metadata/advance_offset").splitlines() if not line.startswith("--"))
    broken = re.sub(r"\s+", " ", sql).replace(comparison, "")
    assert comparison in re.sub(r"\s+", " ", sql)
    found = await Simulation(warehouse, replace(FEW, kinds=kinds), move=broken).run()
    assert [text for text in found.problems if says in text], found.problems


def test_what_is_wrong_is_said() -> None:
    """
    ::

        claim a (1) ── 0 to 9 by a ── claim b (2) ── 10 to 19 by a, a zombie ── 30 to 39 by b, a hole ── end 50
    """
    notes = [
        Note(1, "a", 1), Note(2, "a", 1, 0, 10), Note(3, "b", 2), Note(4, "a", 1, 10, 20), Note(5, "b", 2, 30, 40),
    ]  # fmt: skip
    assert wrong({PLACE: notes}, {PLACE: 50}) == [
        "lions.position.events/0: a of epoch 1 wrote while b held it with 2",
        "lions.position.events/0: a batch of 30 to 39 was stored at 20",
        "lions.position.events/0: stored up to 40, not 50",
    ]
    assert wrong({PLACE: notes[:2]}, {PLACE: 10}) == []
    assert wrong({}, {PLACE: 1}) == ["lions.position.events/0: stored up to 0, not 1"]
