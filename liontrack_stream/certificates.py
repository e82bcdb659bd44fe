"""The certificates that the settings name, and until when they are valid."""

from __future__ import annotations

from pathlib import Path

from cryptography import x509

from liontrack_stream.settings import Settings


def certificate_files(settings: Settings) -> dict[str, Path]:
    """Name of a certificate -> its PEM file, for those that the settings name."""
    files = {
        "web": settings.web_tls_cert_file,
        "kafka_ca": settings.kafka_tls_ca_file,
        "kafka_client": settings.kafka_tls_cert_file,
        "postgres_ca": settings.pg_tls_ca_file,
    }
    named = {name: path for name, path in files.items() if path is not None}
    return named | {path.name: path for path in settings.watched_certificates}


def expires_at(pem: bytes) -> float:
    """When the first certificate of a PEM text expires that does, in seconds since 1970.

    Raises
    ------
    ValueError
        When it holds none, or one that is damaged.
    """
    return min(one.not_valid_after_utc.timestamp() for one in x509.load_pem_x509_certificates(pem))


def expiries(settings: Settings) -> dict[str, float]:
    """Name of a certificate -> when it expires, in seconds since 1970; 0 for a file that cannot be read.

    Reads the files anew at each call: a certificate that was renewed shows.
    """
    return {name: _expires_at(path) for name, path in certificate_files(settings).items()}


def _expires_at(path: Path) -> float:
    try:
        return expires_at(path.read_bytes())
    except (OSError, ValueError):
        return 0.0
