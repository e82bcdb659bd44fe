"""The jars by which Spark reads Kafka, from Maven Central; what else they need is Spark's own."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.local.cache import Report
from liontrack_stream.local.jars import ensure_jars, maven, read_hashes

SPARK_VERSION = "4.1.1"  # as in deploy/spark/requirements.in
_COORDINATES = (
    f"org.apache.spark:spark-sql-kafka-0-10_2.13:{SPARK_VERSION}",
    f"org.apache.spark:spark-token-provider-kafka-0-10_2.13:{SPARK_VERSION}",
    "org.apache.kafka:kafka-clients:3.9.1",
    "org.apache.commons:commons-pool2:2.12.1",
)


def spark_kafka_jars(report: Report) -> list[Path]:
    """The jars, downloaded (10 MB) where they are missing or damaged. Raises `StackError` where that cannot be done."""

    def resolve(work: Path) -> dict[str, Path]:
        report("spark", "downloading what it reads Kafka with, 10 MB, once")
        context, found = maven(work), {}
        for coordinate in _COORDINATES:
            group, artifact, version = coordinate.split(":")
            jar = Path(context.project(group, artifact).at_version(version).artifact().resolve())
            found[jar.name] = jar
        return found

    hashes = read_hashes(Path(__file__).with_name("kafka.sha256"))
    return ensure_jars(f"spark-kafka-{SPARK_VERSION}", "Spark", hashes, resolve, report)
