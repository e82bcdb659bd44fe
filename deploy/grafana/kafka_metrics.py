"""Kafka Metrics: what is produced, what waits, whether the brokers have all partitions; Faust's own figures."""

from __future__ import annotations

import re

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana import limits
from deploy.grafana.panels import Panel, Query, choice, dashboard, figure, fill, graph, rows
from deploy.grafana.promql import growth, or_zero, per_second, ratio
from liontrack_stream.contract.topics import TOPICS

# Kafka's names may have a prefix, the worker's have none.
EVENTS = "|".join(re.escape(topic.name) for topic in TOPICS)
TOPIC = 'topic=~"$topic"'
KAFKA = 'job="kafka",topic=~".*$topic"'
WORKER = 'instance=~"$instance"'
IN = per_second("kafka_topic_partition_current_offset", KAFKA, "topic")
WAITING = f"liontrack_consumer_lag_records{{{WORKER},{TOPIC}}}"


def build() -> Dashboard:
    """The dashboard."""
    made = dashboard(
        "Kafka Metrics",
        "The five topics: records in and out per second, consumer lag by topic and partition, the brokers, the group.",
        "pipeline",
        choice("topic", "Topic", "Events' topics", "topic", "kafka_topic_partitions", part=f"({EVENTS})$"),
        choice("instance", "Worker", "Workers by address", "instance", 'up{job="liontrack"}'),
        choice("group", "Group", "Consumer groups", "consumergroup", "kafka_consumergroup_current_offset"),
    )
    return fill(
        made,
        {
            "Now": _now(),
            "Throughput": _throughput(),
            "Lag": _lag(),
            "Partitions and copies": _brokers(),
            "Faust": _faust(),
        },
    )


def _now() -> list[Panel]:
    return [
        figure(
            "Brokers",
            "That kafka_exporter reaches. Fewer than you run: start the missing one. None: nothing comes in or out.",
            "short",
            "max(kafka_brokers)",
            limit=limits.KAFKA,
        ),
        figure(
            "Partitions without leader",
            "Nobody can write or read them. Their broker is down: start it again.",
            "short",
            or_zero(f"count(kafka_topic_partition_leader{{{KAFKA}}} < 0)"),
            limit=limits.ANY,
        ),
        figure(
            "Under-replicated",
            "Partitions that lack a copy. They work, but the next broker that goes takes them along.",
            "short",
            or_zero(f"sum(kafka_topic_partition_under_replicated_partition{{{KAFKA}}})"),
            limit=limits.ANY,
        ),
        figure(
            "Records in",
            "Appended to the chosen topics. 0 when it should not be: look at the producers.",
            "recps",
            f"sum({IN})",
        ),
        figure(
            "Records stored",
            "Committed to the warehouse by all chosen workers. Below «Records in» for long: lag grows.",
            "recps",
            or_zero(per_second("liontrack_batch_records_sum", WORKER)),
        ),
        figure(
            "Consumer lag",
            "Records in Kafka that the warehouse does not hold. Over the limit: see by topic below, then add a worker.",
            "short",
            or_zero(f"sum({WAITING})"),
            limit=limits.LAG,
        ),
    ]


def _throughput() -> list[Panel]:
    return [
        graph(
            "Records in by topic",
            "Appended per second. A topic that falls silent: its producer is away. `data.quality.events` is the "
            "worker's own.",
            "recps",
            Query(IN, "{{topic}}"),
            stacked=True,
        ),
        graph(
            "Records stored by pipeline",
            "Committed to the warehouse per second. It should follow what comes in; after an outage it is above.",
            "recps",
            Query(per_second("liontrack_batch_records_sum", WORKER, "pipeline_name"), "{{pipeline_name}}"),
            stacked=True,
        ),
    ]


def _lag() -> list[Panel]:
    return [
        graph(
            "Consumer lag by topic",
            "By the offsets that PostgreSQL holds, which are the ones that count. One topic alone: its partitions' "
            "keys may be uneven; see by partition.",
            "short",
            Query(f"sum by (topic) ({WAITING})", "{{topic}}"),
            limit=limits.LAG,
            width=8,
        ),
        graph(
            "Consumer lag by group",
            "By the offsets that groups commit to Kafka, as lag tools see it; LionTrack commits them late. A group "
            "that grows while the one beside does not is somebody else's.",
            "short",
            Query(
                f'sum by (consumergroup, topic) (kafka_consumergroup_lag{{{KAFKA},consumergroup=~"$group"}})',
                "{{consumergroup}} {{topic}}",
            ),
            limit=limits.LAG,
            width=8,
        ),
        graph(
            "Time to catch up",
            "Lag over the pace of the last minutes. Longer and longer: the workers do not keep up. None while nothing "
            "is stored.",
            "s",
            Query(or_zero(ratio(f"sum({WAITING})", per_second("liontrack_batch_records_sum", WORKER))), "all topics"),
            width=8,
        ),
        rows(
            "Lag by partition",
            "The partitions with most records waiting. A single one: a key that is far busier than the others, or a "
            "record that takes long.",
            "short",
            Query(f"topk(20, sum by (topic, partition) ({WAITING}))"),
            {"topic": "Topic", "partition": "Partition"},
            value="Records",
        ),
        rows(
            "Records kept by partition",
            "From the oldest to the newest that Kafka has. Oldest above 0: something deletes; topics here are to keep "
            "all (`liontrack doctor`).",
            "short",
            Query(
                f"sum by (topic, partition) (kafka_topic_partition_current_offset{{{KAFKA}}}) - "
                f"sum by (topic, partition) (kafka_topic_partition_oldest_offset{{{KAFKA}}})"
            ),
            {"topic": "Topic", "partition": "Partition"},
            value="Records",
        ),
    ]


def _brokers() -> list[Panel]:
    return [
        graph(
            "In-sync copies",
            "The fewest copies that a partition of the topic has in step. Below the replication factor: a broker is "
            "down or slow.",
            "short",
            Query(f"min by (topic) (kafka_topic_partition_in_sync_replica{{{KAFKA}}})", "{{topic}}"),
            width=8,
        ),
        graph(
            "Partitions",
            "Of each topic. They bound how many workers can share it; more of them change which partition a key is in.",
            "short",
            Query(f"sum by (topic) (kafka_topic_partitions{{{KAFKA}}})", "{{topic}}"),
            width=8,
        ),
        graph(
            "Oldest record's offset",
            "It should stay at 0 (a Kappa log keeps everything). Rising: retention deletes; set retention.ms=-1 with "
            "`liontrack topics`.",
            "short",
            Query(f"sum by (topic) (kafka_topic_partition_oldest_offset{{{KAFKA}}})", "{{topic}}"),
            width=8,
        ),
    ]


def _faust() -> list[Panel]:
    return [
        graph(
            "Runs of records taken",
            "By agent, per second. One at 0 while its topic has lag: that agent stands still.",
            "ops",
            Query(per_second("faust_events_total", WORKER, "agent"), "{{agent}}"),
            width=8,
        ),
        graph(
            "Rebalances",
            "Of the consumer group, in an hour. Some at a release; again and again: workers die or lose their "
            "sessions.",
            "short",
            Query(growth("faust_rebalances_total", WORKER, "instance", "1h"), "{{instance}}"),
            width=8,
        ),
        graph(
            "Assignments that failed, records not sent",
            "In an hour. Above 0: the broker refused or was away; the worker's log has the reason.",
            "short",
            Query(
                or_zero(growth("faust_assignments_total", f'{WORKER},result="failed"', over="1h")),
                "assignments failed",
            ),
            Query(or_zero(growth("faust_send_errors_total", WORKER, over="1h")), "records not sent"),
            limit=limits.ANY,
            width=8,
        ),
    ]
