"""System Health: the machine's CPU, memory and disk, the worker's process, PostgreSQL, the bucket, certificates."""

from __future__ import annotations

from grafana_foundation_sdk.builders.dashboard import Dashboard

from deploy.grafana import limits
from deploy.grafana.panels import UP_OR_DOWN, Panel, Query, choice, dashboard, figure, fill, graph, states
from deploy.grafana.promql import growth, or_zero, per_second, ratio

NODE = 'job="node",instance=~"$node"'
WORKER = 'job="liontrack",instance=~"$instance"'
POSTGRES = 'job="postgres"'
DATABASE = f'{POSTGRES},datname!~"|template.*"'  # without a name: what all databases share
DISK = f'{NODE},fstype!~"tmpfs|ramfs|squashfs|iso9660|nsfs"'
NETWORK = f'{NODE},device!~"veth.*|br-.*|docker.*|cali.*|cni.*"'

CPU_BUSY = f'1 - avg by (instance) (rate(node_cpu_seconds_total{{{NODE},mode="idle"}}[$__rate_interval]))'
MEMORY_USED = f"1 - node_memory_MemAvailable_bytes{{{NODE}}} / node_memory_MemTotal_bytes{{{NODE}}}"
# What is mounted several times counts once.
FREE, SIZE = f"node_filesystem_avail_bytes{{{DISK}}}", f"node_filesystem_size_bytes{{{DISK}}}"
DISK_USED = f"max by (instance, device) (1 - {ratio(FREE, SIZE)})"


def build() -> Dashboard:
    """The dashboard."""
    made = dashboard(
        "System Health",
        "What the pipeline stands on: CPU, memory, disk and network of the machines, the workers' processes, "
        "PostgreSQL, the bucket.",
        "pipeline",
        choice("node", "Machine", "Machines by their node_exporter", "instance", 'up{job="node"}'),
        choice("instance", "Worker", "Workers by address", "instance", 'up{job="liontrack"}'),
    )
    return fill(
        made,
        {"Now": _now(), "Machines": _machines(), "Workers": _workers(), "PostgreSQL": _postgres(), "Around": _around()},
    )


def _now() -> list[Panel]:
    return [
        figure(
            "Alerts firing",
            "Each has a page in deploy/prometheus/runbooks by its name; Prometheus lists them at /alerts.",
            "short",
            or_zero('count(ALERTS{alertstate="firing"})'),
            limit=limits.ANY,
            width=3,
        ),
        figure(
            "Targets down",
            "What Prometheus cannot scrape; which ones stands under «Targets». A service that is down, or an exporter.",
            "short",
            or_zero("count(up == 0)"),
            limit=limits.TARGETS,
            width=3,
        ),
        figure(
            "PostgreSQL up",
            "Whether postgres_exporter can ask it. Down: workers wait and lose nothing; start it, or see its log.",
            "short",
            f"min(pg_up{{{POSTGRES}}})",
            limit=limits.POSTGRES,
            width=3,
        ).mappings([UP_OR_DOWN]),
        figure(
            "CPU, busiest",
            "Share of a machine's cores in use. Near 100 % for long: batches take longer; see which process below.",
            "percentunit",
            f"max({CPU_BUSY})",
            limit=limits.BUSY,
            width=3,
        ),
        figure(
            "Memory, fullest",
            "Share of a machine's memory that is not available. Over the limit the kernel soon ends a process: lower "
            "limits, or move a service.",
            "percentunit",
            f"max({MEMORY_USED})",
            limit=limits.BUSY,
            width=3,
        ),
        figure(
            "Disk, fullest",
            "Share of a file system in use. Full, Kafka and PostgreSQL stop: `liontrack retain` lets go of what the "
            "lake holds.",
            "percentunit",
            f"max({DISK_USED})",
            limit=limits.BUSY,
            width=3,
        ),
        figure(
            "PostgreSQL's connections",
            "Open connections of all databases. Over the limit: see by state below who leaves them open.",
            "short",
            f"sum(pg_stat_database_numbackends{{{POSTGRES}}})",
            limit=limits.CONNECTIONS,
            width=3,
        ),
        figure(
            "First certificate expires in",
            "Of those that the workers' settings name; a year without TLS. Renew it, then restart what uses it.",
            "s",
            "min(liontrack_certificate_expiry_timestamp_seconds) - time() or vector(365 * 86400)",
            limit=limits.CERTIFICATE_S,
            width=3,
        ),
    ]


def _machines() -> list[Panel]:
    return [
        graph(
            "CPU",
            "Share of a machine's cores in use. Busy while a backlog is caught up with is as it should be.",
            "percentunit",
            Query(CPU_BUSY, "{{instance}}"),
            limit=limits.BUSY,
            max_=1,
            width=8,
        ),
        graph(
            "Memory in use",
            "What is not available to new programs; caches do not count. Rising for days: a leak; see the workers' "
            "memory.",
            "percentunit",
            Query(MEMORY_USED, "{{instance}}"),
            limit=limits.BUSY,
            max_=1,
            width=8,
        ),
        graph(
            "Load",
            "Programs that run or wait for a disk, as a mean of a minute, over the number of cores. Over 1 with idle "
            "cores: the disk is slow.",
            "short",
            Query(
                f"node_load1{{{NODE}}} / on (instance) count by (instance) "
                f'(node_cpu_seconds_total{{{NODE},mode="idle"}})',
                "{{instance}}",
            ),
            width=8,
        ),
        graph(
            "Disk in use",
            "By device. At the limit, make room: `liontrack retain`, `liontrack lake compact`; or grow the volume.",
            "percentunit",
            Query(DISK_USED, "{{instance}} {{device}}"),
            limit=limits.BUSY,
            max_=1,
            width=8,
        ),
        graph(
            "Disk, read and written",
            "Bytes per second of all disks. PostgreSQL's checkpoints show as waves.",
            "Bps",
            Query(per_second("node_disk_read_bytes_total", NODE, "instance"), "{{instance}} read"),
            Query(per_second("node_disk_written_bytes_total", NODE, "instance"), "{{instance}} written"),
            width=8,
        ),
        graph(
            "Network",
            "Bytes per second of all interfaces. Much out and little in: somebody exports.",
            "Bps",
            Query(per_second("node_network_receive_bytes_total", NETWORK, "instance"), "{{instance}} in"),
            Query(per_second("node_network_transmit_bytes_total", NETWORK, "instance"), "{{instance}} out"),
            width=8,
        ),
    ]


def _workers() -> list[Panel]:
    return [
        graph(
            "Workers' CPU",
            "Cores that a worker uses. At 1 with records waiting: it cannot do more; start another one.",
            "short",
            Query(per_second("process_cpu_seconds_total", WORKER, "instance"), "{{instance}}"),
            width=8,
        ),
        graph(
            "Workers' memory",
            "Resident memory. It stays level however long a worker runs; a line that rises for days is worth a report.",
            "bytes",
            Query(f"process_resident_memory_bytes{{{WORKER}}}", "{{instance}}"),
            width=8,
        ),
        graph(
            "Workers' open files",
            "Share of the files and connections that the system lets a process have. Rising: listeners of the stream "
            "that stay.",
            "percentunit",
            Query(f"process_open_fds{{{WORKER}}} / process_max_fds{{{WORKER}}}", "{{instance}}"),
            limit=limits.BUSY,
            width=8,
        ),
    ]


def _postgres() -> list[Panel]:
    from_memory = per_second("pg_stat_database_blks_hit", DATABASE, "datname")
    from_disk = per_second("pg_stat_database_blks_read", DATABASE, "datname")
    return [
        graph(
            "Connections by state",
            "Idle in transaction for long: a client that forgot its transaction keeps old rows alive; end it with "
            "pg_terminate_backend.",
            "short",
            Query(f"sum by (state) (pg_stat_activity_count{{{POSTGRES}}})", "{{state}}"),
            limit=limits.CONNECTIONS,
            stacked=True,
            width=8,
        ),
        graph(
            "Transactions",
            "Committed and rolled back, of all databases. Many rollbacks: batches are retried; see Pipeline Health.",
            "ops",
            Query(per_second("pg_stat_database_xact_commit", POSTGRES), "committed"),
            Query(per_second("pg_stat_database_xact_rollback", POSTGRES), "rolled back"),
            width=8,
        ),
        graph(
            "Longest transaction",
            "By database. Minutes while nothing is exported: somebody's session hangs, and PostgreSQL cannot clean up "
            "behind it.",
            "s",
            Query(f"max by (datname) (pg_stat_activity_max_tx_duration{{{DATABASE}}})", "{{datname}}"),
            width=8,
        ),
        graph(
            "Size of databases",
            "Bytes on disk. Bronze grows with what arrives; `liontrack retain` lets go of days that the lake holds.",
            "bytes",
            Query(f"max by (datname) (pg_database_size_bytes{{{DATABASE}}})", "{{datname}}"),
            width=8,
        ),
        graph(
            "Read from memory",
            "Share of pages that were in PostgreSQL's own cache. Low for long: give it more shared_buffers.",
            "percentunit",
            Query(ratio(from_memory, f"{from_memory} + {from_disk}"), "{{datname}}"),
            max_=1,
            width=8,
        ),
        graph(
            "Deadlocks",
            "In an hour, by database. LionTrack locks keys in one order; another program that writes here does not.",
            "short",
            Query(growth("pg_stat_database_deadlocks", DATABASE, "datname", "1h"), "{{datname}}"),
            limit=limits.ANY,
            width=8,
        ),
    ]


def _around() -> list[Panel]:
    return [
        states(
            "Targets",
            "Whether Prometheus can scrape them. Red: the service or its exporter is down; start it, or see its log.",
            Query("min by (job, instance) (up)", "{{job}} {{instance}}"),
            limit=limits.SCRAPED,
            width=6,
        ),
        graph(
            "The bucket's space",
            "Free and used bytes of MinIO. No room: the lake falls behind, ingestion goes on.",
            "bytes",
            Query("sum(minio_cluster_capacity_usable_total_bytes)", "in all"),
            Query("sum(minio_cluster_capacity_usable_free_bytes)", "free"),
            width=6,
        ),
        graph(
            "The bucket's requests",
            "Requests to MinIO and those that failed. Failures with a lake that falls behind: see MinIO's log.",
            "reqps",
            Query(per_second("minio_s3_requests_total"), "all"),
            Query(or_zero(per_second("minio_s3_requests_errors_total")), "failed"),
            width=6,
        ),
        graph(
            "Certificates are valid for",
            "Time until a certificate that the settings name expires; none without TLS. At the limit: renew it, then "
            "restart what uses it.",
            "s",
            Query(
                "min by (certificate) (liontrack_certificate_expiry_timestamp_seconds) - time()",
                "{{certificate}}",
            ),
            limit=limits.CERTIFICATE_S,
            width=6,
        ),
    ]
