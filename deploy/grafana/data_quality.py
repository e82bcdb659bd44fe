"""Data Quality: the score of each table and where it goes, dead letters, how tables grow."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana import limits
from deploy.grafana.panels import Panel, Query, bars, choice, dashboard, figure, fill, graph, liontrack_page, rows
from deploy.grafana.promql import growth, or_zero, per_second, ratio

# Every worker tells the warehouse's figures: the same for all, so `max`, never `sum`.
SCORE, YESTERDAY = (
    f'max by (table_name) (liontrack_data_quality_score{{table_name=~"$table"}}{offset})'
    for offset in ("", " offset 1d")
)
DEAD_LETTERS, RECORDS = "liontrack_dead_letters_total", "liontrack_batch_records_sum"
PIPELINE = 'pipeline_name=~"$pipeline"'


def build() -> Dashboard:
    """The dashboard."""
    made = dashboard(
        "Data Quality",
        "How much of what arrives is as it should be: scores per table and their trend, dead letters, sizes of tables.",
        "quality",
        choice("table", "Table", "Tables that are checked", "table_name", "liontrack_data_quality_score"),
        choice("pipeline", "Pipeline", "A topic's path into the warehouse", "pipeline_name", DEAD_LETTERS),
        choice("layer", "Layer", "Of the warehouse", "layer", "liontrack_table_records"),
    )
    return fill(made, {"Now": _now(), "Scores": _scores(), "What is rejected": _dead_letters(), "Tables": _tables()})


def _now() -> list[Panel]:
    return [
        figure(
            "Lowest score",
            "The worst table's mean of its latest day of checks. Low: see which one below, then its checks on "
            "LionTrack's quality page.",
            "percent",
            f"min({SCORE})",
            limit=limits.QUALITY,
            width=6,
            decimals=1,
        ),
        figure(
            "Tables with a low score",
            "Tables under the limit of the alert. Their checks name the rule that fails and sample records.",
            "short",
            or_zero(f"count({SCORE} < {limits.QUALITY.value:g})"),
            limit=limits.ANY,
            width=6,
        ),
        figure(
            "Dead letters",
            "Records that broke the contract, in the chosen time. LionTrack's quality page shows each with its rule "
            "and bytes.",
            "short",
            growth(DEAD_LETTERS, PIPELINE),
            width=6,
            decimals=0,
        ),
        figure(
            "Share of dead letters",
            "Of all records in the chosen time. A jump is usually one producer that changed: see by pipeline below.",
            "percentunit",
            or_zero(ratio(growth(DEAD_LETTERS, PIPELINE), growth(RECORDS, PIPELINE))),
            limit=limits.DEAD_LETTERS,
            width=6,
            decimals=2,
        ),
    ]


def _scores() -> list[Panel]:
    return [
        bars(
            "Score by table",
            "Mean of the latest day's checks, in percent of records. Red: under the alert's limit; LionTrack's "
            "quality page has each check with samples.",
            "percent",
            Query(f"sort({SCORE})", "{{table_name}}"),
            limit=limits.QUALITY,
            max_=100,
            width=8,
        ).links([liontrack_page("Checks in LionTrack", "quality")]),
        graph(
            "Scores over time",
            "The trend of each table. A step down is a new fault, a slope is drift of a source: compare the time with "
            "the producers' releases.",
            "percent",
            Query(SCORE, "{{table_name}}"),
            limit=limits.QUALITY,
            max_=100,
            width=16,
            height=10,
        ),
        graph(
            "Change within a day",
            "Percentage points since this time yesterday (0 while there is no yesterday). Far below 0: what became "
            "worse is in the checks of today.",
            "percent",
            Query(f"{SCORE} - {YESTERDAY} or {SCORE} * 0", "{{table_name}}"),
            width=24,
        ),
    ]


def _dead_letters() -> list[Panel]:
    return [
        graph(
            "Dead letters by pipeline",
            "Records that broke the contract. They harm no neighbour and are kept with their bytes: mend the "
            "producer, then send again.",
            "recps",
            Query(per_second(DEAD_LETTERS, PIPELINE, "pipeline_name"), "{{pipeline_name}}"),
            stacked=True,
        ).links([liontrack_page("Dead letters in LionTrack", "quality")]),
        graph(
            "Share of dead letters by pipeline",
            "Of the records of a pipeline. All of them: the wrong topic, or a producer that writes something else "
            "than JSON.",
            "percentunit",
            Query(
                ratio(
                    per_second(DEAD_LETTERS, PIPELINE, "pipeline_name"), per_second(RECORDS, PIPELINE, "pipeline_name")
                ),
                "{{pipeline_name}}",
            ),
            limit=limits.DEAD_LETTERS,
        ),
    ]


def _tables() -> list[Panel]:
    size = 'max by (table_name, layer) (liontrack_table_records{layer=~"$layer"})'
    return [
        graph(
            "Rows by layer",
            "As PostgreSQL estimates. Bronze that grows without silver: records are refused or flagged; see the dead "
            "letters.",
            "short",
            Query(f"sum by (layer) ({size})", "{{layer}}"),
            stacked=True,
            height=10,
        ),
        rows(
            "Rows by table",
            "As PostgreSQL estimates; `ANALYZE` brings it up to date. A table that should have rows and has none: "
            "`liontrack doctor`.",
            "short",
            Query(size),
            {"layer": "Layer", "table_name": "Table"},
            value="Rows",
        ),
    ]
