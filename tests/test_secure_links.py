"""Every connection is made with what `secure_links` says; and settings that do not fit together are sentences."""

from __future__ import annotations

import ast
import ssl
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

from liontrack_stream.kafka.transport import broker_credentials
from liontrack_stream.lake import reader
from liontrack_stream.secure_links import LinkError, kafka_context, renew_web_context, web_context
from liontrack_stream.settings import Settings, SettingsError, load_settings
from liontrack_stream.spark.kafka_links import kafka_options
from liontrack_stream.warehouse import migrations
from tests.support.secure_servers import Certificates
from tests.support.stack import OWN_VARIABLES
from tests.support.worker_process import REPOSITORY

KAFKA = {"AIOKafkaConsumer", "AIOKafkaProducer", "AIOKafkaAdminClient", "AIOKafkaClient", "create_conn"}
POSTGRES = {"asyncpg.connect", "asyncpg.create_pool", "psycopg.connect", "adbc.connect"}
# Where a call names neither `kafka_client` nor `pg_dsn`, and why that is right.
ELSEWHERE = {
    ("local/kafka.py", "AIOKafkaClient"): "the embedded broker",
    ("local/postgres.py", "asyncpg.connect"): "the embedded server",
    ("kafka/producer.py", "AIOKafkaProducer"): "its options hold kafka_client",
    ("kafka/trouble.py", "create_conn"): "the options that kafka_client has; and a look without any secret",
    ("lake/reader.py", "adbc.connect"): "an address that holds what pg_dsn has",
    ("warehouse/migrations.py", "psycopg.connect"): "gets a pg_dsn",
    ("warehouse/trouble.py", "asyncpg.connect"): "gets a pg_dsn",
}
WORD = "a-word-that-shows-nowhere"


def _calls() -> Iterator[tuple[str, str, str]]:
    """File, what is called, and the call's text."""
    package = REPOSITORY / "liontrack_stream"
    files = [*package.rglob("*.py"), *(REPOSITORY / "agents").glob("*.py"), *(REPOSITORY / "tables").glob("*.py")]
    for file in files:
        if "web_app" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in KAFKA | POSTGRES:
                name = str(file.relative_to(package)) if file.is_relative_to(package) else file.name
                yield name, ast.unparse(node.func), ast.unparse(node)


def test_every_connection_is_made_with_the_one_security() -> None:
    found, elsewhere = 0, set()
    for file, called, text in _calls():
        found += 1
        source = "kafka_client" if called in KAFKA else "pg_dsn"
        if f".{source}" not in text:
            assert (file, called) in ELSEWHERE, f"{file}: {text} takes no {source}"
            elsewhere.add((file, called))
    assert found > 30
    assert elsewhere == set(ELSEWHERE), "an entry is no longer needed"


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[..., Settings]:
    """Settings of these variables, beside the ones that are always needed."""
    for name in OWN_VARIABLES:
        monkeypatch.delenv(name, raising=False)

    def of(**variables: Any) -> Settings:
        for name, value in {"KAFKA_BROKERS": "kafka:9093", "PG_HOST": "db", "PG_USER": "u", **variables}.items():
            monkeypatch.setenv(name, str(value))
        monkeypatch.setenv("PG_PASSWORD", WORD)
        return load_settings(tmp_path)

    return of


SASL = {"KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "KAFKA_SASL_USERNAME": "lion"}
TOGETHER = [
    (SASL, "set KAFKA_SASL_PASSWORD, for KAFKA_SECURITY_PROTOCOL is SASL_SSL"),
    ({"KAFKA_SASL_USERNAME": "lion", "KAFKA_SASL_PASSWORD": WORD}, "set KAFKA_SECURITY_PROTOCOL=SASL_SSL"),
    ({**SASL, "KAFKA_SECURITY_PROTOCOL": "SASL_PLAINTEXT", "KAFKA_SASL_MECHANISM": "PLAIN",
      "KAFKA_SASL_PASSWORD": WORD}, "sends the password as it is"),
    ({"KAFKA_TLS_CA_FILE": "{ca}"}, "or unset KAFKA_TLS_CA_FILE: PLAINTEXT has no TLS"),
    ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_TLS_CERT_FILE": "{crt}"}, "set KAFKA_TLS_KEY_FILE too"),
    ({"KAFKA_SECURITY_PROTOCOL": "SSL", "KAFKA_TLS_CA_FILE": "/no/ca"}, "KAFKA_TLS_CA_FILE=/no/ca cannot be read"),
    ({"KAFKA_SECURITY_PROTOCOL": "TLS"}, "KAFKA_SECURITY_PROTOCOL: Input should be 'PLAINTEXT', 'SSL'"),
    ({"PG_SSLMODE": "verify-full"}, "set PG_TLS_CA_FILE"),
    ({"PG_SSLMODE": "require", "PG_TLS_CA_FILE": "{ca}"}, "set PG_SSLMODE=verify-full, or unset PG_TLS_CA_FILE"),
    ({"PG_TLS_CERT_FILE": "{crt}", "PG_TLS_KEY_FILE": "{key}"}, "prefer may do without TLS"),
    ({"WEB_TLS_CERT_FILE": "{crt}"}, "set WEB_TLS_KEY_FILE too"),
    ({"WEB_TLS_CERT_FILE": "{crt}", "WEB_TLS_KEY_FILE": "{crt}"}, "holds no private key"),
    ({"WEB_TLS_CERT_FILE": "{crt}", "WEB_TLS_KEY_FILE": "{other}"}, "these do not belong together"),
]  # fmt: skip


@pytest.mark.parametrize(("variables", "said"), TOGETHER, ids=[case[1] for case in TOGETHER])
def test_settings_that_do_not_fit_together(
    read: Callable[..., Settings], certificates: Certificates, variables: dict[str, str], said: str
) -> None:
    files = {"ca": certificates.ca, "crt": certificates.certificate(), "key": certificates.key(),
             "other": certificates.key("client")}  # fmt: skip
    with pytest.raises(SettingsError) as caught:
        read(**{name: value.format(**files) for name, value in variables.items()})
    text = str(caught.value)
    assert said in text and text.endswith(".") and WORD not in text, text


def test_several_at_once_and_empty_ones(read: Callable[..., Settings]) -> None:
    with pytest.raises(SettingsError, match=r"KAFKA_SASL_USERNAME.*KAFKA_SASL_PASSWORD.*PG_TLS_CA_FILE"):
        read(KAFKA_SECURITY_PROTOCOL="SASL_SSL", PG_SSLMODE="verify-full")


def test_files_left_empty_are_none(read: Callable[..., Settings]) -> None:
    settings = read(KAFKA_TLS_CA_FILE="", WEB_TLS_CERT_FILE="", WEB_TLS_KEY_FILE="")
    assert settings.kafka_tls_ca_file is settings.web_tls_cert_file is None
    assert (settings.pg_dsn.keys() & {"dsn", "ssl"}, web_context(settings)) == (set(), None)
    assert settings.kafka_client == {"bootstrap_servers": ["kafka:9093"], "security_protocol": "PLAINTEXT"}
    assert broker_credentials(settings) is None


def test_passwords_from_the_folder_of_secrets(
    read: Callable[..., Settings], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "kafka_sasl_password").write_text(WORD)
    monkeypatch.setenv("LIONTRACK_SECRETS_DIR", str(tmp_path))
    settings = read(**SASL)
    assert settings.kafka_client["sasl_plain_password"] == WORD
    assert WORD not in repr(settings)
    assert WORD not in repr(broker_credentials(settings))


def test_one_context_until_a_file_is_renewed(read: Callable[..., Settings], certificates: Certificates) -> None:
    settings = read(KAFKA_SECURITY_PROTOCOL="SSL", KAFKA_TLS_CA_FILE=certificates.ca)
    context = kafka_context(settings)
    assert (context.check_hostname, context.verify_mode) == (True, ssl.CERT_REQUIRED)
    assert context.minimum_version == ssl.TLSVersion.TLSv1_2
    assert kafka_context(settings) is context
    certificates.ca.write_bytes(certificates.ca.read_bytes() + b"\n")
    assert kafka_context(settings) is not context


def test_a_half_written_renewal_leaves_what_is_served(
    read: Callable[..., Settings], certificates: Certificates, tmp_path: Path
) -> None:
    certificate, key = tmp_path / "web.crt", tmp_path / "web.key"
    certificate.write_bytes(certificates.certificate().read_bytes())
    key.write_bytes(certificates.key().read_bytes())
    settings = read(WEB_TLS_CERT_FILE=certificate, WEB_TLS_KEY_FILE=key)
    context = web_context(settings)
    assert context is not None
    certificate.write_bytes(certificates.certificate("client").read_bytes())
    with pytest.raises(LinkError, match="do not belong together"):
        renew_web_context(context, settings)
    assert _served(context, certificates) is not None


def _served(context: ssl.SSLContext, certificates: Certificates) -> Any:
    """The certificate that a client sees, through two buffers."""
    client = ssl.create_default_context(cafile=certificates.ca)
    to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname="localhost")
    other = context.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for end in (one, other):
            try:
                end.do_handshake()
            except ssl.SSLWantReadError:
                continue
    return one.getpeercert()


def test_addresses_for_libpq_say_it_too(read: Callable[..., Settings], certificates: Certificates) -> None:
    secure = read(PG_SSLMODE="verify-full", PG_TLS_CA_FILE=certificates.ca)
    tail = f"sslmode=verify-full&sslrootcert={quote(str(certificates.ca), safe='')}"
    assert secure.pg_dsn["dsn"].endswith(f"?{tail}")
    assert reader._uri(secure).endswith(f"&{tail}")
    assert migrations._uri(secure.pg_dsn).endswith(f"?{tail}")
    assert "sslmode" not in reader._uri(read(PG_SSLMODE="prefer", PG_TLS_CA_FILE=""))


def test_spark_gets_the_same(read: Callable[..., Settings], certificates: Certificates) -> None:
    settings = read(**SASL, KAFKA_SASL_PASSWORD='a"b\\c', KAFKA_TLS_CA_FILE=certificates.ca,
                    KAFKA_TLS_CERT_FILE=certificates.certificate(), KAFKA_TLS_KEY_FILE=certificates.key())  # fmt: skip
    options = kafka_options(settings)
    assert options["kafka.security.protocol"] == "SASL_SSL"
    assert options["kafka.sasl.jaas.config"].endswith('username="lion" password="a\\"b\\\\c";')
    assert options["kafka.ssl.truststore.certificates"] == certificates.ca.read_text()
    assert options["kafka.ssl.keystore.key"].startswith("-----BEGIN PRIVATE KEY-----")
