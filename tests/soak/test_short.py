"""The soak's short form: one round with a fixed seed. ``make soak`` takes as long as it is told."""

from __future__ import annotations

from pathlib import Path

import pytest

from .results import table
from .run import FAULTS, Soak

CHOSEN = (
    "a partition is added to each topic",
    "kill -9 at a random moment",
    "the answer to a COMMIT is lost",
    "the answer to a PUT is lost",
)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_nothing_is_lost_doubled_or_wrong(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    chosen = [one for one in FAULTS if one.name in CHOSEN]
    assert len(chosen) == len(CHOSEN)
    said: list[str] = []
    soak = Soak(tmp_path / "soak", 20261129, chosen, said.append)
    soak.run(1.0)
    with capsys.disabled():
        print(f"\n{table(chosen, soak.results.tallies)}")
    assert soak.failures == [], "\n".join([*said, *soak.failures])
    assert soak.results.rounds == 1
    assert all(len(tally.recovery_s) == 1 for tally in soak.results.tallies.values())
