"""What a bench ran on: the machine, and versions of everything that ran."""

from __future__ import annotations

import os
import platform
from importlib.metadata import version
from pathlib import Path

import psutil

import liontrack_stream
from liontrack_stream.local.kafka_jars import KAFKA_VERSION
from liontrack_stream.settings import Settings
from tests.bench.result import Result
from tests.bench.scratch import connect

OURS = ("faust-streaming", "aiokafka", "asyncpg", "msgspec", "numpy", "pyarrow", "rocksdict", "uvloop")


def describe(settings: Settings, result: Result) -> dict[str, str]:
    """By name: the machine's parts, the servers, our packages, those that each engine told of."""
    with connect(settings, settings.pg_database) as connection:
        row = connection.execute("SHOW server_version").fetchone()
    described = {
        "machine": f"{os.cpu_count()} cores ({_processor()}), {psutil.virtual_memory().total / 2**30:.0f} GiB, "
        f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "Kafka": KAFKA_VERSION,
        "PostgreSQL": str(row[0]) if row else "unknown",
        "LionTrack": f"{liontrack_stream.__version__}, {', '.join(f'{name} {version(name)}' for name in OURS)}",
    }
    for contender in result.contenders.values():
        versions = dict(contender.runs[0].report.get("versions", {}))
        if java := contender.runs[0].report.get("java"):
            versions["Java"] = java
        if versions:
            engine = contender.name.partition(",")[0]
            told = dict(part.rsplit(" ", 1) for part in described.get(engine, "").split(", ") if part)
            described[engine] = ", ".join(f"{name} {number}" for name, number in {**told, **versions}.items())
    return described


def _processor() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())
