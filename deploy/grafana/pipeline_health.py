"""Pipeline Health: do batches get stored, how long does it take, how far behind is everything."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana import limits
from deploy.grafana.panels import Panel, Query, choice, dashboard, figure, fill, graph, heat, liontrack_page
from deploy.grafana.promql import growth, or_zero, per_second, quantile, ratio

PIPELINE = 'instance=~"$instance",pipeline_name=~"$pipeline"'
WORKER = 'instance=~"$instance"'
STORED, TRIED = f'{PIPELINE},status="success"', f'{PIPELINE},status=~"success|retried"'
RUNS = "liontrack_pipeline_runs_total"
DURATION, LATENCY = "liontrack_pipeline_duration_seconds", "liontrack_end_to_end_latency_seconds"


def build() -> Dashboard:
    """The dashboard."""
    made = dashboard(
        "Pipeline Health",
        "Batches on their way from Kafka into the warehouse and the lake: success, durations, latency, what waits.",
        "pipeline",
        choice("instance", "Worker", "Workers by address", "instance", 'up{job="liontrack"}'),
        choice("pipeline", "Pipeline", "A topic's path into the warehouse", "pipeline_name", RUNS),
    )
    return fill(
        made,
        {
            "Now": _now(),
            "Runs": _runs(),
            "Throughput and latency": _latency(),
            "What waits": _behind(),
            "Trouble": _trouble(),
        },
    )


def _now() -> list[Panel]:
    return [
        figure(
            "Workers up",
            "Workers that answer Prometheus. None: nothing is stored; look at the worker's log, then run `liontrack "
            "doctor`.",
            "short",
            f'sum(up{{job="liontrack",{WORKER}}})',
            limit=limits.WORKER,
        ),
        figure(
            "Success rate",
            "Attempts to store a batch that succeeded, in the chosen time. The others are tried again, nothing is "
            "lost: see whether PostgreSQL is away.",
            "percentunit",
            f"{ratio(growth(RUNS, STORED), growth(RUNS, TRIED))} or vector(1)",
            limit=limits.SUCCESS,
            decimals=2,
        ),
        figure(
            "Records stored",
            "Records that were committed to the warehouse. 0 while records wait: see «Without progress».",
            "recps",
            or_zero(per_second("liontrack_batch_records_sum", PIPELINE)),
        ),
        figure(
            "Records waiting",
            "Records in Kafka that the warehouse does not hold yet. Growing: the worker is slower than the producers; "
            "start a second one, or see what slows PostgreSQL.",
            "short",
            or_zero(f"sum(liontrack_consumer_lag_records{{{WORKER}}})"),
            limit=limits.LAG,
        ),
        figure(
            "Latency, p95",
            "From the append in Kafka to the commit of the warehouse, of all but the slowest twentieth of batches. "
            "Catching up with a backlog raises it; it falls by itself.",
            "s",
            quantile(0.95, LATENCY, PIPELINE),
            limit=limits.LATENCY_S,
        ),
        figure(
            "Lake behind",
            "Age of the oldest record that the lake's bronze files lack. Growing: the bucket or the folder is away or "
            "full; ingestion goes on meanwhile.",
            "s",
            f"max(liontrack_lake_export_lag_seconds{{{WORKER}}})",
            limit=limits.LAKE_LAG_S,
        ),
    ]


def _runs() -> list[Panel]:
    return [
        graph(
            "Success rate by pipeline",
            "Attempts to store a batch that succeeded. Below 100 % for all pipelines: PostgreSQL was away. For one "
            "alone: its log names the error.",
            "percentunit",
            Query(
                ratio(per_second(RUNS, STORED, "pipeline_name"), per_second(RUNS, TRIED, "pipeline_name")),
                "{{pipeline_name}}",
            ),
            limit=limits.SUCCESS,
            max_=1,
        ),
        graph(
            "Batches",
            "Batches stored, or tried in vain. Retried ones that do not end: PostgreSQL is away, or refuses; see the "
            "log.",
            "ops",
            Query(per_second(RUNS, TRIED, "status"), "{{status}}"),
            stacked=True,
        ),
        graph(
            "Duration of a batch",
            "Storing one batch, its transaction included. Rising with equal batches: PostgreSQL is slower; see System "
            "Health.",
            "s",
            *_quantiles(DURATION),
        ),
        heat(
            "Durations",
            "How many batches took how long. A second band far above the first is waiting: for locks, or for the disk.",
            "s",
            growth(f"{DURATION}_bucket", PIPELINE, "le", "$__rate_interval"),
        ),
    ]


def _latency() -> list[Panel]:
    return [
        graph(
            "Records stored by pipeline",
            "Records committed to the warehouse. A pipeline at 0 while its topic grows (Kafka Metrics) stands still.",
            "recps",
            Query(per_second("liontrack_batch_records_sum", PIPELINE, "pipeline_name"), "{{pipeline_name}}"),
            stacked=True,
        ),
        graph(
            "Records of a batch",
            "Mean size of batches. Large ones are a backlog being caught up with; that is as it should be.",
            "short",
            Query(
                ratio(
                    per_second("liontrack_batch_records_sum", PIPELINE, "pipeline_name"),
                    per_second("liontrack_batch_records_count", PIPELINE, "pipeline_name"),
                ),
                "{{pipeline_name}}",
            ),
        ),
        graph(
            "Latency from Kafka to the warehouse",
            "From the append in Kafka to the commit. High together with «Records waiting»: a backlog. High alone: "
            "clocks of broker and worker differ.",
            "s",
            *_quantiles(LATENCY),
            limit=limits.LATENCY_S,
        ),
        graph(
            "Latency by pipeline, p95",
            "As beside, for each pipeline. One high alone: its topic has a backlog, or few partitions.",
            "s",
            Query(quantile(0.95, LATENCY, PIPELINE, "pipeline_name"), "{{pipeline_name}}"),
            limit=limits.LATENCY_S,
        ),
    ]


def _behind() -> list[Panel]:
    return [
        graph(
            "Records waiting by topic",
            "Records in Kafka that are not in the warehouse yet. A line that only rises: see «Without progress», then "
            "add a worker.",
            "short",
            Query(f"sum by (topic) (liontrack_consumer_lag_records{{{WORKER}}})", "{{topic}}"),
            limit=limits.LAG,
            width=8,
        ),
        graph(
            "Without progress",
            "How long records have waited without one being stored. The watchdog ends a worker that hangs; if it "
            "comes back and hangs again, run `liontrack doctor`.",
            "s",
            Query(f"max by (instance) (liontrack_seconds_since_progress{{{WORKER}}})", "{{instance}}"),
            limit=limits.NO_PROGRESS_S,
            width=8,
        ),
        graph(
            "Lake behind the warehouse",
            "Records whose bronze file is not written. Rising: `liontrack doctor` says what is wrong with the bucket "
            "or the folder.",
            "short",
            Query(f"sum by (instance) (liontrack_lake_export_lag_records{{{WORKER}}})", "{{instance}}"),
            width=8,
        ),
    ]


def _trouble() -> list[Panel]:
    return [
        graph(
            "Dead letters",
            "Records that broke the contract, per second. LionTrack's quality page shows each with its rule and "
            "bytes; tell its producer.",
            "recps",
            Query(per_second("liontrack_dead_letters_total", PIPELINE, "pipeline_name"), "{{pipeline_name}}"),
            stacked=True,
            width=6,
        ).links([liontrack_page("Dead letters in LionTrack", "quality")]),
        graph(
            "Runs that ended badly",
            "A worker's runs that ended by an error (failed) or without a word (aborted), in an hour. LionTrack's "
            "pipeline page has the error of each.",
            "short",
            Query(
                'max by (pipeline_name, status) (increase(liontrack_pipeline_runs_total{pipeline_name=~"$pipeline",'
                'status=~"failed|aborted"}[1h]))',
                "{{pipeline_name}} {{status}}",
            ),
            limit=limits.BAD_RUNS,
            width=6,
        ).links([liontrack_page("Runs in LionTrack", "pipeline")]),
        graph(
            "Pushed over HTTP",
            "Items of pushes, by what became of them. Not acknowledged: Kafka was away, whoever pushed tries again. "
            "Refused: the answer names the rule.",
            "recps",
            Query(
                f"{per_second('liontrack_pushed_items_total', PIPELINE, 'result')} or "
                'label_replace(vector(0), "result", "acknowledged", "", "")',
                "{{result}}",
            ),
            width=6,
        ),
        graph(
            "Replays",
            "Rows that a running replay writes, per second. Running and 0 for long: it is stuck; its log says on what.",
            "wps",
            Query(
                "max by (generation) (rate(liontrack_replay_rows_written[$__rate_interval])) or "
                'label_replace(vector(0), "generation", "none", "", "")',
                "generation {{generation}}",
            ),
            alert="LionTrackReplayStuck",
            width=6,
        ),
    ]


def _quantiles(histogram: str) -> list[Query]:
    """The median, 95th and 99th percentile over all chosen pipelines."""
    return [Query(quantile(share, histogram, PIPELINE), f"p{share * 100:.0f}") for share in (0.5, 0.95, 0.99)]
