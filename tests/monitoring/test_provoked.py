"""Alerts that are provoked until a real Prometheus shows them firing, and end when what provoked them does.

They are the committed rules in quick motion: a minute of a rule is a second here (`alert_rules.scaled`).
This file comes last: a worker that has started again counts from 0.
"""

from __future__ import annotations

import time

from tests.support.monitored import Monitored


def test_bad_events_raise_the_rate_of_dead_letters(monitored: Monitored) -> None:
    name = "LionTrackDeadLetterRate"
    assert name not in monitored.prometheus.firing()
    until = time.monotonic() + 60.0
    while name not in monitored.prometheus.firing():
        assert time.monotonic() < until
        monitored.send_bad_events(2)
        time.sleep(0.5)
    monitored.wait_for(f'absent(ALERTS{{alertname="{name}", alertstate="firing"}})')


def test_a_killed_worker_is_missed(monitored: Monitored) -> None:
    assert not {"LionTrackWorkerDown", "LionTrackNoProgress"} & monitored.prometheus.firing()
    monitored.worker.kill()
    monitored.wait_for_alert("LionTrackWorkerDown")
    monitored.wait_for_alert("LionTrackNoProgress")
    monitored.start_worker()
    monitored.wait_for_alert("LionTrackPipelineFailed")  # its successor has found its runs
    aborted = 'liontrack_pipeline_runs_total{pipeline_name="positions", status="aborted"} == 1'
    assert monitored.query(aborted)
    monitored.wait_for('absent(ALERTS{alertname=~"LionTrackWorkerDown|LionTrackNoProgress", alertstate="firing"})')
