"""A monitored pipeline: a worker with events of all five topics, exporters, and a real Prometheus that scrapes them.

Prometheus runs with `deploy/prometheus/prometheus.yml` and its rules, changed by two functions and nothing else:
`retargeted` (services of compose become addresses of this machine) and `alert_rules.scaled` (durations are shorter).
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.generations import catalog_connection, create
from tests.support.alert_rules import FOLDER, RULE_FILES, SCALE, scaled
from tests.support.go_programs import KAFKA_EXPORTER
from tests.support.minio import Minio
from tests.support.needs import needs_command
from tests.support.oracle import ACTIVITIES, CHALLENGES, POSITIONS, WEIGHTS
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import WorkerProcess, wait_until

SCRAPE_INTERVAL_S = 1
_READY_WITHIN_S = 90.0
_TRICKLE_PER_S = 20
_BAD = {topic: [b"no json", b"{}", b'{"timestamp": 1}'] for topic in (POSITIONS, WEIGHTS, ACTIVITIES, CHALLENGES)}


class Prometheus:
    """The API of a running one."""

    def __init__(self, port: int) -> None:
        self.address = f"127.0.0.1:{port}"

    def get(self, path: str, **parameters: Any) -> Any:
        """``data`` of an answer; an error that Prometheus tells fails the test with its words."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(parameters)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return json.load(answer)["data"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{parameters}: {error.read().decode()}") from None

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query: ``[{metric: labels, value: [time, text]}]``."""
        data = self.get("query", query=expression)
        if data["resultType"] == "scalar":
            return [{"metric": {}, "value": data["result"]}]
        return list(data["result"])

    def query_range(self, expression: str, seconds: float = 60.0, step_s: float = 1.0) -> list[dict[str, Any]]:
        """The series of the last seconds: ``[{metric: labels, values: [[time, text], …]}]``."""
        now = time.time()
        return list(self.get("query_range", query=expression, start=now - seconds, end=now, step=step_s)["result"])

    def values(self, expression: str) -> list[float]:
        """The figures alone."""
        return [float(series["value"][1]) for series in self.query(expression)]

    def is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{self.address}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False

    def firing(self) -> set[str]:
        """Names of the alerts that fire now."""
        return {alert["labels"]["alertname"] for alert in self.get("alerts")["alerts"] if alert["state"] == "firing"}


class Monitored:
    """The pipeline (``kit``, ``worker``), its ``prometheus``, and where each job's target is (``targets``)."""

    def __init__(self, kit: PipelineKit, prometheus: Prometheus, targets: Mapping[str, str]) -> None:
        self.kit, self.prometheus, self.targets = kit, prometheus, targets
        self.query, self.query_range, self.values = prometheus.query, prometheus.query_range, prometheus.values
        self.worker = self.start_worker()

    def start_worker(self) -> WorkerProcess:
        """Start the worker, or its successor."""
        self.worker = self.kit.worker()
        return self.worker

    def send_bad_events(self, each: int = 1) -> int:
        """Records that break the contract, of four topics."""
        return self.kit.send(
            Outgoing(topic, b"key", value) for _ in range(each) for topic, values in _BAD.items() for value in values
        )

    def wait_for(self, expression: str, timeout_s: float = 30.0) -> float:
        """Wait until a query returns something; the seconds that it took."""
        return wait_until(lambda: bool(self.query(expression)), timeout_s, expression)

    def wait_for_alert(self, name: str, timeout_s: float = 60.0) -> float:
        """Wait until an alert fires; the seconds that it took."""
        return wait_until(lambda: name in self.prometheus.firing(), timeout_s, name)


def retargeted(config: Mapping[str, Any], targets: Mapping[str, str], interval_s: int) -> dict[str, Any]:
    """The committed configuration with another target for each job, no Alertmanager. KeyError: a job without one."""
    changed = deepcopy(dict(config))
    changed["global"] |= dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), f"{interval_s}s")
    changed.pop("alerting", None)
    for job in changed["scrape_configs"]:
        job["static_configs"] = [{"targets": [targets[job["job_name"]]]}]
    return changed


@contextmanager
def _running(command: list[str | Path], log: Path, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    with log.open("ab") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env={"PATH": "/usr/bin:/bin", **environment})
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def _exporters(settings: Settings, folder: Path) -> Iterator[dict[str, str]]:
    """kafka_exporter, postgres_exporter and node_exporter as compose starts them: job -> address."""
    addresses = dict(zip(("kafka", "postgres", "node"), (f"127.0.0.1:{port}" for port in free_ports(3)), strict=True))
    listen = {job: f"--web.listen-address={address}" for job, address in addresses.items()}
    group, topics = settings.liontrack_app_id, f"{settings.liontrack_app_id}|{settings.topic_prefix}"
    password = urllib.parse.quote(settings.pg_password.get_secret_value())
    server = f"{settings.pg_host}:{settings.pg_port}/{settings.pg_database}?sslmode=disable"
    source = {"DATA_SOURCE_NAME": f"postgresql://{settings.pg_user}:{password}@{server}"}
    with ExitStack() as running:
        kafka: list[str | Path] = [KAFKA_EXPORTER.path(), f"--kafka.server={settings.kafka_brokers}", listen["kafka"]]
        kafka += [f"--group.filter=^{group}$", f"--topic.filter=^({topics})"]
        running.enter_context(_running(kafka, folder / "kafka_exporter.log"))
        postgres = needs_command("prometheus-postgres-exporter")
        running.enter_context(_running([postgres, listen["postgres"]], folder / "postgres_exporter.log", **source))
        node = needs_command("prometheus-node-exporter")
        running.enter_context(_running([node, listen["node"]], folder / "node_exporter.log"))
        yield addresses


@contextmanager
def _prometheus(targets: Mapping[str, str], port: int, folder: Path) -> Iterator[Prometheus]:
    """Prometheus with the committed configuration and rules, at this port."""
    program = needs_command("prometheus")
    config = retargeted(yaml.safe_load((FOLDER / "prometheus.yml").read_text()), targets, SCRAPE_INTERVAL_S)
    (folder / "rules").mkdir(parents=True)
    (folder / "prometheus.yml").write_text(yaml.safe_dump(config))
    for file in RULE_FILES:
        rules = scaled(yaml.safe_load(file.read_text()), SCALE)
        (folder / "rules" / file.name).write_text(yaml.safe_dump(rules))
    command: list[str | Path] = [
        program, f"--config.file={folder / 'prometheus.yml'}", f"--storage.tsdb.path={folder / 'tsdb'}",
        f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn",
    ]  # fmt: skip
    with _running(command, folder / "prometheus.log") as process:
        prometheus = Prometheus(port)

        def ready() -> bool:
            assert process.poll() is None, (folder / "prometheus.log").read_text()[-2000:]
            return prometheus.is_ready()

        wait_until(ready, 30.0, "Prometheus")
        yield prometheus


@contextmanager
def monitored_pipeline(settings: Settings, minio: Minio, folder: Path) -> Iterator[Monitored]:
    """All of it, scraped at least once, with a trickle of events that goes on."""
    web, prometheus_port = settings.web_port, free_ports(1)[0]
    kit = PipelineKit(settings, folder)
    with ExitStack() as running:
        running.callback(kit.end)
        targets = running.enter_context(_exporters(settings, folder))
        targets |= {"liontrack": f"127.0.0.1:{web}", "minio": minio.endpoint.removeprefix("http://")}
        targets["prometheus"] = f"127.0.0.1:{prometheus_port}"
        asyncio.run(_begin_generation(settings))
        monitored = Monitored(kit, Prometheus(prometheus_port), targets)
        kit.command("simulate", "--lions", "4", "--days", "3", "--json")
        monitored.send_bad_events()
        trickle = kit.start("simulate", "--start", "2026-01-01", "--days", "365", "--rate", str(_TRICKLE_PER_S))
        running.callback(trickle.wait, 20.0)
        running.callback(trickle.kill)
        wait_until(_has_quality(kit), _READY_WITHIN_S, "the worker's first quality checks")
        running.enter_context(_prometheus(targets, prometheus_port, folder / "prometheus"))
        jobs = len(targets)
        monitored.wait_for(f"count(up == 1) == {jobs}")
        monitored.wait_for("liontrack_data_quality_score")
        yield monitored


async def _begin_generation(settings: Settings) -> None:
    """A generation as a replay leaves it that was killed."""
    async with catalog_connection(settings) as connection:
        await create(connection, {}, None)


def certificate(folder: Path, expires_at: datetime) -> Path:
    """A certificate that nobody trusts, valid until then."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "of a test")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(expires_at - timedelta(days=365))
        .not_valid_after(expires_at)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{made.serial_number}.pem"
    file.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    return file


def _has_quality(kit: PipelineKit) -> Callable[[], bool]:
    def look() -> bool:
        assert kit.workers[-1].running, kit.workers[-1].log_text()[-5000:]
        return bool(kit.fetch("SELECT 1 FROM gold.quality_daily LIMIT 1"))

    return look
