"""Spark's Kafka source by the same secure link as everything else: the options of Kafka's Java client."""

from __future__ import annotations

from pathlib import Path

from liontrack_stream.secure_links import uses_sasl, uses_tls
from liontrack_stream.settings import Settings

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"
_PLAIN = "org.apache.kafka.common.security.plain.PlainLoginModule"


def kafka_options(settings: Settings) -> dict[str, str]:
    """Options of ``spark.readStream.format("kafka")``.

    Certificates go as their text, not as files, which executors on other machines do not have.
    """
    options = {"bootstrap.servers": settings.kafka_brokers, "security.protocol": settings.kafka_security_protocol}
    if uses_tls(settings):
        if settings.kafka_tls_ca_file:
            options |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": _pem(settings.kafka_tls_ca_file)}
        if settings.kafka_tls_cert_file and settings.kafka_tls_key_file:
            options |= {
                "ssl.keystore.type": "PEM",
                "ssl.keystore.certificate.chain": _pem(settings.kafka_tls_cert_file),
                "ssl.keystore.key": _pem(settings.kafka_tls_key_file),
            }
    if uses_sasl(settings):
        password = settings.kafka_sasl_password.get_secret_value() if settings.kafka_sasl_password else ""
        module = _PLAIN if settings.kafka_sasl_mechanism == "PLAIN" else _SCRAM
        user = f"username={_quoted(settings.kafka_sasl_username or '')} password={_quoted(password)}"
        options |= {
            "sasl.mechanism": settings.kafka_sasl_mechanism,
            "sasl.jaas.config": f"{module} required {user};",
        }
    return {f"kafka.{name}": value for name, value in options.items()}


def _pem(path: Path) -> str:
    return path.read_text()


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
