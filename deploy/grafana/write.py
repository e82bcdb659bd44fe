"""Writes `deploy/grafana/dashboards/*.json`. Run by ``make dashboards``; needs the extra `dev`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from deploy.grafana import data_quality, kafka_metrics, pipeline_health, system_health

FOLDER = Path(__file__).parent / "dashboards"
DASHBOARDS = {
    "pipeline-health": pipeline_health.build,
    "data-quality": data_quality.build,
    "system-health": system_health.build,
    "kafka-metrics": kafka_metrics.build,
}
# Fields of Prometheus's annotations that the SDK does not know.
MARKS: dict[str, dict[str, Any]] = {
    "Worker started": {"titleFormat": "Worker started", "textFormat": "{{instance}}", "useValueForTime": True},
    "Replay": {"titleFormat": "A replay runs", "textFormat": "generation {{generation}}", "step": "15s"},
    "Alert": {"titleFormat": "{{alertname}}", "textFormat": "{{severity}}", "step": "15s"},
}


def documents() -> dict[str, dict[str, Any]]:
    """File name without ending -> the dashboard as Grafana reads it. The same at each call."""
    made: dict[str, dict[str, Any]] = {}
    for name, build in DASHBOARDS.items():
        document = json.loads(json.dumps(build().build(), cls=JSONEncoder))
        for annotation in document["annotations"]["list"]:
            annotation.update(MARKS[annotation["name"]])
        made[name] = document
    return made


def text(document: dict[str, Any]) -> str:
    """What a file holds."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write the files that are not current, delete those of no dashboard."""
    made = {FOLDER / f"{name}.json": text(document) for name, document in documents().items()}
    for path, content in made.items():
        if not path.exists() or path.read_text() != content:
            path.write_text(content)
            print(f"wrote {path}")
    for path in set(FOLDER.glob("*.json")) - set(made):
        path.unlink()
        print(f"deleted {path}")


if __name__ == "__main__":
    main()
