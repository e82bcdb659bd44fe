"""MinIO, its bucket and keys, PostgreSQL's logins, the notebook: as docker-compose.yml has them, on real servers."""

from __future__ import annotations

import json
import shutil
import subprocess
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
import pytest
import yaml
from pyarrow import fs
from pydantic import SecretStr

from liontrack_stream.local import Stack
from liontrack_stream.local.postgres import binaries
from liontrack_stream.local.processes import free_ports
from liontrack_stream.settings import Settings
from tests.support.deploy_programs import MC
from tests.support.go_programs import MINIO
from tests.support.pipeline_kit import PipelineKit
from tests.support.stack import copied_database, new_topic_prefix, settings_of_its_own
from tests.support.worker_process import REPOSITORY, wait_until

DEPLOY = REPOSITORY / "deploy"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "docker-compose.yml").read_text())["services"]
NOTEBOOK = DEPLOY / "jupyter" / "lions.ipynb"


@dataclass
class Stores:
    """What the services read: a folder of secrets, MinIO's address, a pipeline whose lake is in the bucket."""

    secrets: Path
    minio_url: str
    kit: PipelineKit

    def secret(self, name: str) -> str:
        return (self.secrets / name).read_text()

    def bucket(self, id_file: str, key_file: str) -> fs.S3FileSystem:
        """The store as this key sees it."""
        return fs.S3FileSystem(
            access_key=self.secret(id_file), secret_key=self.secret(key_file), endpoint_override=self.minio_url,
            region="us-east-1", allow_bucket_creation=True,
        )  # fmt: skip

    def once(self, service: str, **places: str) -> subprocess.CompletedProcess[str]:
        """Run a one-shot service: its script and its environment, at the addresses of these tests."""
        script = SERVICES[service]["entrypoint"][1].replace("/etc/liontrack/", "")
        folder = SERVICES[service]["volumes"][0].split(":")[0]
        environment = SERVICES[service]["environment"] | {"SECRETS": str(self.secrets), **places}
        tools = self.secrets.parent / "bin"  # what the services' images have, and no more
        tools.mkdir(exist_ok=True)
        for tool in ("cat", "dirname", "sh"):
            if not (tools / tool).exists():
                (tools / tool).symlink_to(shutil.which(tool) or tool)
        path = f"{MC.path().parent}:{binaries()}:{tools}"
        return subprocess.run(
            ["/bin/sh", DEPLOY / folder / script], env={"PATH": path, "HOME": str(self.secrets.parent), **environment},
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def make_bucket(self) -> subprocess.CompletedProcess[str]:
        return self.once("bucket", MINIO_URL=self.minio_url, MC_CONFIG_DIR=str(self.secrets.parent / "mc"))

    def make_roles(self) -> subprocess.CompletedProcess[str]:
        settings = self.kit.settings
        return self.once(
            "roles", PGHOST=settings.pg_host, PGPORT=str(settings.pg_port), PGUSER="postgres",
            PGDATABASE=settings.pg_database,
        )  # fmt: skip

    def connect(self, user: str, password: str) -> psycopg.Connection[Any]:
        settings = self.kit.settings
        return psycopg.connect(host=settings.pg_host, port=settings.pg_port, dbname=settings.pg_database, user=user,
                               password=password, autocommit=True)  # fmt: skip


@pytest.fixture(scope="module")
def stores(
    stack: Stack, stack_settings: Settings, template_database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Stores]:
    """Servers as the services start them, and a worker's rows and files of some simulated lions."""
    folder = tmp_path_factory.mktemp("stores")
    secrets = folder / "secrets"
    subprocess.run([DEPLOY / "make-secrets", secrets], check=True, stdout=subprocess.DEVNULL)
    (secrets / "pg_password").chmod(0o600)
    (secrets / "pg_password").write_text(
        json.loads((stack.data_dir / "stack.json").read_text())["passwords"]["superuser"]
    )
    port = free_ports(1)[0]
    command = [str(folder / "minio") if word == "/data" else word for word in SERVICES["minio"]["command"]]
    command[command.index(":9001")] = f"127.0.0.1:{free_ports(1)[0]}"
    environment = {
        name: text.replace("/run/secrets", str(secrets)) for name, text in SERVICES["minio"]["environment"].items()
    }
    (folder / "minio").mkdir()
    with (folder / "minio.log").open("wb") as log:
        server = subprocess.Popen(
            [MINIO.path(), *command, "--address", f"127.0.0.1:{port}"], env={**environment, "HOME": str(folder)},
            stdout=log, stderr=log,
        )  # fmt: skip
    try:
        url = f"http://127.0.0.1:{port}"
        wait_until(lambda: _is_alive(url), 30, "MinIO")
        with copied_database(stack_settings, template_database) as database:
            settings = settings_of_its_own(stack_settings, database, new_topic_prefix(), folder)
            found = Stores(secrets, url, PipelineKit(settings, folder))
            for done in (found.make_bucket(), found.make_roles()):
                assert done.returncode == 0, done.stderr
            found.kit.settings = settings.model_copy(update={
                "lake_root": "s3://lake/liontrack",
                "s3_endpoint_url": url,
                "s3_access_key_id": found.secret("s3_access_key_id"),
                "s3_secret_access_key": SecretStr(found.secret("s3_secret_access_key")),
            })  # fmt: skip
            found.kit.command("simulate", "--lions", "3", "--days", "3", "--seed", "8")
            found.kit.catch_up()
            yield found
            with found.connect("postgres", found.secret("pg_password")) as connection:
                for role in ("liontrack_monitor", "liontrack_reader"):
                    connection.execute(f"DROP OWNED BY {role}; DROP ROLE {role}")
    finally:
        server.kill()
        server.wait()


def test_the_worker_has_a_key_of_its_bucket_alone(stores: Stores) -> None:
    again = stores.make_bucket()
    assert again.returncode == 0, again.stderr
    assert not [file.name for file in stores.secrets.iterdir() if file.read_text() in again.stdout + again.stderr]
    writer = stores.bucket("s3_access_key_id", "s3_secret_access_key")
    assert any(
        file.extension == "parquet" for file in writer.get_file_info(fs.FileSelector("lake/liontrack", recursive=True))
    )
    with writer.open_output_stream("lake/other") as stream:
        stream.write(b"1")
    writer.delete_file("lake/other")
    root = stores.bucket("minio_root_user", "minio_root_password")
    root.create_dir("others")
    for forbidden in (
        lambda: writer.create_dir("new"),
        lambda: _write(writer, "others/file"),
        lambda: writer.get_file_info(fs.FileSelector("others")),
        lambda: writer.delete_dir("others"),
    ):
        _is_refused(forbidden)
    assert stores.kit.command("lake", "verify").stdout.strip().endswith("All well.")


def test_who_reads_the_lake_cannot_write_it(stores: Stores) -> None:
    reader = stores.bucket("s3_reader_key_id", "s3_reader_key")
    files = [one.path for one in reader.get_file_info(fs.FileSelector("lake/liontrack", recursive=True)) if one.is_file]
    assert files
    with reader.open_input_file(files[0]) as file:
        assert file.read(4) == b"PAR1"
    _is_refused(lambda: _write(reader, "lake/liontrack/other"))
    _is_refused(lambda: _write(reader, files[0]))
    _is_refused(lambda: stores.bucket("s3_reader_key_id", "s3_reader_key").delete_file(files[0]))
    assert reader.get_file_info(files[0]).is_file


def test_the_exporters_login_sees_the_server_and_no_lion(stores: Stores) -> None:
    again = stores.make_roles()
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")
    with stores.connect("liontrack_monitor", stores.secret("pg_monitor_password")) as connection:
        assert connection.execute("SELECT count(*) FROM pg_stat_activity WHERE query IS NOT NULL").fetchone() > (0,)
        assert connection.execute("SELECT setting FROM pg_settings WHERE name = 'data_directory'").fetchone()
        for forbidden in (
            "SELECT * FROM silver.positions",
            "SELECT * FROM bronze.lions_raw",
            "CREATE TABLE public.a (b int)",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        stores.connect("liontrack_monitor", "guessed")


def test_the_notebooks_login_reads_what_the_api_reads(stores: Stores) -> None:
    with stores.connect("liontrack_reader", stores.secret("pg_reader_password")) as connection:
        assert connection.execute("SELECT count(*) FROM silver.positions").fetchone() > (0,)
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("SELECT raw FROM bronze.lions_raw")
        connection.execute("SET default_transaction_read_only = off")
        for forbidden in ("DELETE FROM silver.positions", "INSERT INTO metadata.dead_letters DEFAULT VALUES"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(forbidden)


def test_the_notebook_runs(stores: Stores, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its cells in order, with the service's variables; the one that draws needs the image's matplotlib."""
    service, settings = SERVICES["jupyter"], stores.kit.settings
    places = {
        "LIONTRACK_SECRETS_DIR": str(stores.secrets), "PG_HOST": settings.pg_host, "PG_PORT": str(settings.pg_port),
        "PG_DATABASE": settings.pg_database, "LAKE_ROOT": settings.lake_root, "S3_ENDPOINT_URL": stores.minio_url,
    }  # fmt: skip
    for name, text in {**service["environment"], **places}.items():
        monkeypatch.setenv(name, text)
    names: dict[str, Any] = {}
    for cell in json.loads(NOTEBOOK.read_text())["cells"]:
        assert cell.get("outputs", []) == [], "committed without outputs"
        if cell["cell_type"] == "code":
            code = compile("".join(cell["source"]), cell["id"], "exec")
            if "chart" not in cell["metadata"].get("tags", []):
                exec(code, names)
    names["warehouse"].close()
    fixes = stores.kit.fetch("SELECT lion_id, count(*) FROM silver.positions WHERE flags = 0 GROUP BY 1 ORDER BY 1")
    assert [(lion, count) for lion, count, *_ in names["fixes"]] == [tuple(row) for row in fixes]
    assert len(names["status"][1]) == 3
    assert len(names["days"][1]) >= 3
    assert {hour for hour, _ in names["hours"]} <= set(range(24)) and len(names["hours"]) > 12


def _is_alive(url: str) -> bool:
    try:
        with urllib.request.urlopen(f"{url}/minio/health/ready", timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        time.sleep(0.1)
        return False


def _write(store: fs.S3FileSystem, path: str) -> None:
    with store.open_output_stream(path) as stream:
        stream.write(b"1")


def _is_refused(act: Callable[[], object]) -> None:
    with pytest.raises(OSError, match=r"(?i)access.?denied|forbidden"):
        act()
