"""A Kafka and a PostgreSQL with TLS and users, and certificates made on the spot; one of each for the tests of a file.

``certificates.ca`` signs what is right. Beside it there are: a certificate that has expired, one of another host, and
one that an authority has signed whom nobody knows.
"""

from __future__ import annotations

import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import trustme
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from pydantic import SecretStr

from liontrack_stream.local import kafka, postgres, processes
from liontrack_stream.local.postgres import Passwords
from liontrack_stream.local.unprivileged import ServerUser
from liontrack_stream.settings import Settings
from tests.support import postgres_tls

_CACHE = Path(__file__).resolve().parents[2] / ".cache"
HERE = "127.0.0.1"
USER = "lion"
KINDS = ("right", "expired", "other_host", "stranger")
SASL = "org.apache.kafka.common.security"


@dataclass(frozen=True)
class Certificates:
    """PEM files: ``ca`` of the authority; for each of `KINDS`, and for a client, certificate, key, and both in one."""

    folder: Path

    @property
    def ca(self) -> Path:
        return self.folder / "ca.pem"

    def certificate(self, kind: str = "right") -> Path:
        return self.folder / f"{kind}.crt"

    def key(self, kind: str = "right") -> Path:
        return self.folder / f"{kind}.key"

    def both(self, kind: str = "right") -> Path:
        return self.folder / f"{kind}.pem"

    @staticmethod
    def make(folder: Path) -> Certificates:
        folder.mkdir(parents=True, exist_ok=True)
        made, ca, stranger = Certificates(folder), trustme.CA(), trustme.CA()
        ca.cert_pem.write_to_path(str(made.ca))
        names = (HERE, "localhost")
        old = {"not_before": datetime.now(UTC) - timedelta(days=9), "not_after": datetime.now(UTC) - timedelta(days=1)}
        made.write("right", ca.issue_cert(*names))
        made.write("expired", ca.issue_cert(*names, **old))
        made.write("other_host", ca.issue_cert("kafka.example.org", "10.9.8.7"))
        made.write("stranger", stranger.issue_cert(*names))
        made.write("client", ca.issue_cert("worker@example.org", common_name=USER))
        return made

    def write(self, kind: str, cert: trustme.LeafCert) -> None:
        """Kafka and libpq want PKCS #8 and a key that only its owner reads."""
        key = load_pem_private_key(cert.private_key_pem.bytes(), None)
        pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        chain = b"".join(part.bytes() for part in cert.cert_chain_pems)
        for path, text in ((self.certificate(kind), chain), (self.key(kind), pem), (self.both(kind), pem + chain)):
            path.touch(mode=0o600)
            path.write_bytes(text)


@dataclass(frozen=True)
class SecureKafka:
    """Ports by listener: ``plain`` of nobody's business but the tests', ``tls``, ``mutual`` (wants our certificate),
    ``scram`` and ``users`` (SASL without TLS), and `KINDS` but right: SASL_SSL with that certificate."""

    ports: dict[str, int]
    password: str

    def at(self, listener: str) -> str:
        return f"{HERE}:{self.ports[listener]}"


@dataclass(frozen=True)
class SecurePostgres:
    """A server that takes TLS only. `serve` has it show another certificate from now on."""

    port: int
    passwords: Passwords
    certificates: Certificates
    shown: Certificates

    def serve(self, kind: str) -> None:
        """Exchange the certificate, as a renewal does."""
        for path, to in ((self.certificates.certificate(kind), self.shown.certificate()),
                         (self.certificates.key(kind), self.shown.key())):  # fmt: skip
            to.write_bytes(path.read_bytes())
        self.admin("SELECT pg_reload_conf()")

    def admin(self, statement: str) -> Any:
        with psycopg.connect(host=HERE, port=self.port, user="postgres", password=self.passwords.superuser,
                             dbname="postgres", sslmode="require", autocommit=True) as connection:  # fmt: skip
            return connection.execute(statement)


@pytest.fixture(scope="module")
def server_folder() -> Iterator[Path]:
    """Short-lived, on the disk of the checkout."""
    folder = _CACHE / f"secure-{os.getpid()}-{secrets.token_hex(3)}"
    folder.mkdir(parents=True)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def certificates(server_folder: Path) -> Certificates:
    return Certificates.make(server_folder / "certificates")


@pytest.fixture(scope="module")
def secure_kafka(server_folder: Path, certificates: Certificates) -> Iterator[SecureKafka]:
    protocols = {
        "plain": "PLAINTEXT",
        "controller": "PLAINTEXT",
        "tls": "SSL",
        "mutual": "SSL",
        "users": "SASL_PLAINTEXT",
        "right": "SASL_SSL",
        **dict.fromkeys(KINDS[1:], "SASL_SSL"),
    }
    ports = dict(zip(protocols, processes.free_ports(len(protocols)), strict=True))
    password = secrets.token_hex(12)
    open_ = {name: f"{name.upper()}://{HERE}:{port}" for name, port in ports.items()}
    more = {
        "listeners": ",".join(open_.values()),
        "advertised.listeners": ",".join(open_[name] for name in open_ if name != "controller"),
        "listener.security.protocol.map": ",".join(f"{name.upper()}:{value}" for name, value in protocols.items()),
        "inter.broker.listener.name": "PLAIN",
        "sasl.enabled.mechanisms": "SCRAM-SHA-512,SCRAM-SHA-256,PLAIN",
        "ssl.keystore.type": "PEM",
        "ssl.truststore.type": "PEM",
        "listener.name.mutual.ssl.client.auth": "required",
        "listener.name.mutual.ssl.truststore.location": str(certificates.ca),
    }
    for name, protocol in protocols.items():
        listener = f"listener.name.{name}"
        if protocol.endswith("SSL"):
            kind = name if name in KINDS else "right"
            more[f"{listener}.ssl.keystore.location"] = str(certificates.both(kind))
        if protocol.startswith("SASL"):
            for mechanism in ("scram-sha-512", "scram-sha-256"):
                more[f"{listener}.{mechanism}.sasl.jaas.config"] = f"{SASL}.scram.ScramLoginModule required;"
            plain = f'{SASL}.plain.PlainLoginModule required user_{USER}="{password}";'
            more[f"{listener}.plain.sasl.jaas.config"] = plain
    users = [f"{kind}=[name={USER},password={password}]" for kind in ("SCRAM-SHA-512", "SCRAM-SHA-256")]
    recorded = kafka.start(
        server_folder / "kafka",
        server_folder / "kafka.log",
        ports["plain"],
        ports["controller"],
        lambda part, message: None,
        more,
        [part for user in users for part in ("--add-scram", user)],
    )
    try:
        yield SecureKafka(ports, password)
    finally:
        processes.stop(recorded, signal.SIGTERM, signal.SIGKILL, 20.0)


@pytest.fixture(scope="module")
def secure_postgres(server_folder: Path, certificates: Certificates) -> Iterator[SecurePostgres]:
    shown = Certificates(server_folder / "shown")
    shown.folder.mkdir()
    for path, to in ((certificates.certificate(), shown.certificate()), (certificates.key(), shown.key())):
        shutil.copy(path, to)
        ServerUser.choose().own(to)
    port, passwords = processes.free_ports(1)[0], Passwords.random()
    folder = server_folder / "postgres"
    folder.mkdir()
    recorded = postgres.start(
        folder,
        server_folder / "postgres.log",
        port,
        passwords,
        lambda part, message: None,
        {
            "ssl": "on",
            "ssl_cert_file": str(shown.certificate()),
            "ssl_key_file": str(shown.key()),
            "ssl_ca_file": str(certificates.ca),
        },
        postgres_tls.binaries(),
    )
    running = SecurePostgres(port, passwords, certificates, shown)
    try:
        (folder / "cluster" / "pg_hba.conf").write_text(
            f"hostssl all {USER} {HERE}/32 cert clientcert=verify-full\nhostssl all all {HERE}/32 scram-sha-256\n"
        )
        running.admin("SELECT pg_reload_conf()")
        running.admin(f"CREATE ROLE {USER} LOGIN")  # known by its certificate
        yield running
    finally:
        processes.stop(recorded, signal.SIGINT, signal.SIGQUIT, 20.0)


@pytest.fixture(scope="module")
def secure_settings(
    secure_kafka: SecureKafka, secure_postgres: SecurePostgres, certificates: Certificates, server_folder: Path
) -> Settings:
    """Everything secured: SASL_SSL, verify-full, HTTPS."""
    return Settings(
        kafka_brokers=secure_kafka.at("right"),
        kafka_security_protocol="SASL_SSL",
        kafka_sasl_username=USER,
        kafka_sasl_password=SecretStr(secure_kafka.password),
        kafka_tls_ca_file=certificates.ca,
        pg_host=HERE,
        pg_port=secure_postgres.port,
        pg_database=postgres.DATABASE,
        pg_user=postgres.USER,
        pg_password=SecretStr(secure_postgres.passwords.client),
        pg_sslmode="verify-full",
        pg_tls_ca_file=certificates.ca,
        web_tls_cert_file=certificates.certificate(),
        web_tls_key_file=certificates.key(),
        web_port=processes.free_ports(1)[0],
        jwt_secret=SecretStr(secrets.token_hex(32)),
        topic_partitions=2,
        lake_root=str(server_folder / "lake"),
        liontrack_data_dir=server_folder / "data",
    )
