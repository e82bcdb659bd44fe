"""Where figures turn bad. What an alert watches has the alert's own limit, read from `deploy/prometheus/rules`."""

from __future__ import annotations

import re
from math import prod
from pathlib import Path

import yaml

from deploy.grafana.panels import Limit

_RULES = Path(__file__).parents[1] / "prometheus" / "rules"
_COMPARISON = re.compile(r"([<>])=? *(\d[\d.]*(?: *\* *\d[\d.]*)*)$", re.MULTILINE)


def alerts() -> dict[str, str]:
    """Each alert's name -> its expression."""
    return {
        rule["alert"]: rule["expr"]
        for file in sorted(_RULES.glob("*.yml"))
        for group in yaml.safe_load(file.read_text())["groups"]
        for rule in group["rules"]
        if "alert" in rule
    }


def of(alert: str) -> Limit:
    """The number that an alert's expression compares with, the first at the end of a line.

    Raises
    ------
    LookupError
        When there is no such alert, or it compares with no number.
    """
    found = _COMPARISON.search(alerts()[alert].strip())
    if found is None:
        raise LookupError(f"{alert} compares with no number: {alerts()[alert]}")
    return Limit(prod(float(factor) for factor in found[2].split("*")), found[1] == "<", alert)


QUALITY = of("LionTrackDataQuality")
LAG = of("LionTrackHighConsumerLag")
LATENCY_S = of("LionTrackHighLatency")
LAKE_LAG_S = of("LionTrackLakeExportLag")
NO_PROGRESS_S = of("LionTrackNoProgress")
DEAD_LETTERS = of("LionTrackDeadLetterRate")
CONNECTIONS = of("LionTrackPostgresConnections")
CERTIFICATE_S = of("LionTrackCertificateExpiry")

# One is too many, or one is what there must be: alerts that compare with 0.
WORKER = Limit(1, below=True, alert="LionTrackWorkerDown")
KAFKA = Limit(1, below=True, alert="LionTrackKafkaDown")
POSTGRES = Limit(1, below=True, alert="LionTrackPostgresDown")
TARGETS = Limit(1, alert="LionTrackTargetDown")
SCRAPED = Limit(1, below=True, alert="LionTrackTargetDown")
BAD_RUNS = Limit(1, alert="LionTrackPipelineFailed")

# Watched by no alert.
ANY = Limit(1)
SUCCESS = Limit(0.99, below=True)
BUSY = Limit(0.9)
