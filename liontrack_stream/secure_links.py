"""How Kafka, PostgreSQL and the API's clients are talked to: TLS, and who says that it is us.

Every client of Kafka takes `Settings.kafka_client`, every connection to PostgreSQL `Settings.pg_dsn`; both are made
here, and nowhere else (`tests/test_secure_links.py` looks). TLS is 1.2 or newer. Certificates and names are checked
always for Kafka, and as PG_SSLMODE says for PostgreSQL.
"""

from __future__ import annotations

import ipaddress
import ssl
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

if TYPE_CHECKING:
    from liontrack_stream.settings import Settings

VERIFYING = ("verify-ca", "verify-full")
ENCRYPTING = ("require", *VERIFYING)
_FILES = (
    "kafka_tls_ca_file", "kafka_tls_cert_file", "kafka_tls_key_file",
    "pg_tls_ca_file", "pg_tls_cert_file", "pg_tls_key_file",
    "web_tls_cert_file", "web_tls_key_file",
)  # fmt: skip


# -- settings


def is_loopback(host: str) -> bool:
    """Whether only this machine reaches an address."""
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def kafka_is_here(settings: Settings) -> bool:
    """Whether all brokers are on this machine."""
    brokers = [broker.strip() for broker in settings.kafka_brokers.split(",")]
    return all(is_loopback(broker.rpartition(":")[0] or broker) for broker in brokers)


def uses_tls(settings: Settings) -> bool:
    """Whether Kafka is talked to by TLS."""
    return settings.kafka_security_protocol.endswith("SSL")


def uses_sasl(settings: Settings) -> bool:
    """Whether Kafka asks for a user."""
    return settings.kafka_security_protocol.startswith("SASL")


def troubles(settings: Settings) -> list[str]:
    """What does not fit together, each with what to set; empty when all does."""
    found = [*_kafka_troubles(settings), *_pg_troubles(settings), *_file_troubles(settings)]
    return found or [trouble for who in ("kafka", "pg", "web") for trouble in _unusable_files(settings, who)]


def _kafka_troubles(settings: Settings) -> Iterable[str]:
    protocol = settings.kafka_security_protocol
    if uses_sasl(settings):
        user, password = settings.kafka_sasl_username, settings.kafka_sasl_password
        for name, value in (("USERNAME", user), ("PASSWORD", password and password.get_secret_value())):
            if not value:
                yield f"set KAFKA_SASL_{name}, for KAFKA_SECURITY_PROTOCOL is {protocol}"
    elif settings.kafka_sasl_username or settings.kafka_sasl_password:
        yield f"set KAFKA_SECURITY_PROTOCOL=SASL_SSL: {protocol} tells nobody the user of KAFKA_SASL_USERNAME"
    if protocol == "SASL_PLAINTEXT" and settings.kafka_sasl_mechanism == "PLAIN" and not kafka_is_here(settings):
        yield "set KAFKA_SECURITY_PROTOCOL=SASL_SSL: SASL_PLAINTEXT with PLAIN sends the password as it is"
    if not uses_tls(settings):
        for name in ("kafka_tls_ca_file", "kafka_tls_cert_file"):
            if getattr(settings, name):
                secure = "SASL_SSL" if uses_sasl(settings) else "SSL"
                yield f"set KAFKA_SECURITY_PROTOCOL={secure}, or unset {name.upper()}: {protocol} has no TLS"


def _pg_troubles(settings: Settings) -> Iterable[str]:
    mode = settings.pg_sslmode
    if mode in VERIFYING and not settings.pg_tls_ca_file:
        yield (
            f"set PG_TLS_CA_FILE to the certificates of who signs PostgreSQL's, for PG_SSLMODE is {mode} "
            "(a public authority's are in /etc/ssl/certs/ca-certificates.crt)"
        )
    if mode not in VERIFYING and settings.pg_tls_ca_file:
        yield f"set PG_SSLMODE=verify-full, or unset PG_TLS_CA_FILE: {mode} checks no certificate"
    if mode not in ENCRYPTING and settings.pg_tls_cert_file:
        yield f"set PG_SSLMODE=verify-full, or unset PG_TLS_CERT_FILE: {mode} may do without TLS"


def _file_troubles(settings: Settings) -> Iterable[str]:
    for who in ("kafka", "pg", "web"):
        certificate, key = getattr(settings, f"{who}_tls_cert_file"), getattr(settings, f"{who}_tls_key_file")
        if (certificate is None) != (key is None):
            there, gone = ("CERT", "KEY") if certificate else ("KEY", "CERT")
            yield f"set {who.upper()}_TLS_{gone}_FILE too, for {who.upper()}_TLS_{there}_FILE is set"
    for name in _FILES:
        path: Path | None = getattr(settings, name)
        if path is None:
            continue
        try:
            pem = path.read_bytes()
        except OSError as error:
            yield f"{name.upper()}={path} cannot be read ({error.strerror}): name a PEM file that this user may read"
        else:
            if (b"CERTIFICATE-----" if not name.endswith("key_file") else b"PRIVATE KEY-----") not in pem:
                kind = "private key" if name.endswith("key_file") else "certificate"
                yield f"{name.upper()}={path} holds no {kind}: name a PEM file that does"


def _unusable_files(settings: Settings, who: str) -> Iterable[str]:
    authority, certificate = (getattr(settings, f"{who}_tls_{what}_file", None) for what in ("ca", "cert"))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    try:
        if authority:
            context.load_verify_locations(authority)
        if certificate:
            context.load_cert_chain(certificate, getattr(settings, f"{who}_tls_key_file"), password="")
    except OSError as error:
        yield _unusable(who, error).rstrip(".")


# -- what clients and the server get


class LinkError(Exception):
    """A certificate or key cannot be used; the message is a sentence."""


def pg_options(settings: Settings) -> dict[str, Any]:
    """What `Settings.pg_dsn` has beyond place and user. An address of libpq's kind, which asyncpg and psycopg read
    alike; both look at its files at each new connection. Nothing for ``prefer``: it is the default of both."""
    if settings.pg_sslmode == "prefer":
        return {}
    parts = {
        "sslmode": settings.pg_sslmode,
        "sslrootcert": settings.pg_tls_ca_file,
        "sslcert": settings.pg_tls_cert_file,
        "sslkey": settings.pg_tls_key_file,
    }
    given = {name: str(value) for name, value in parts.items() if value}
    return {"dsn": "postgresql://?" + urlencode(given, quote_via=quote)}


def kafka_options(settings: Settings) -> dict[str, Any]:
    """What `Settings.kafka_client` has beyond the brokers."""
    options: dict[str, Any] = {"security_protocol": settings.kafka_security_protocol}
    if uses_tls(settings):
        options["ssl_context"] = kafka_context(settings)
    if uses_sasl(settings):
        password = settings.kafka_sasl_password
        options |= {
            "sasl_mechanism": settings.kafka_sasl_mechanism,
            "sasl_plain_username": settings.kafka_sasl_username,
            "sasl_plain_password": password.get_secret_value() if password else "",
        }
    return options


def kafka_context(settings: Settings) -> ssl.SSLContext:
    """The context of all connections to Kafka: one per process, and another one once a file has changed.

    Raises
    ------
    LinkError
        When a file cannot be used.
    """
    files = (settings.kafka_tls_ca_file, settings.kafka_tls_cert_file, settings.kafka_tls_key_file)
    try:
        return _client_context(*files, *(stamp(file) for file in files))
    except OSError as error:  # ssl.SSLError is one
        raise LinkError(_unusable("kafka", error)) from error


@lru_cache(maxsize=8)
def _client_context(ca: Path | None, certificate: Path | None, key: Path | None, *_stamps: object) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=ca)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if certificate:
        context.load_cert_chain(certificate, key, password="")
    return context


def web_context(settings: Settings) -> ssl.SSLContext | None:
    """The context that the API is served with; None where it is served plain.

    Raises
    ------
    LinkError
        When certificate and key do not belong together, or cannot be read.
    """
    if settings.web_tls_cert_file is None:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _load(context, settings)
    return context


def renew_web_context(context: ssl.SSLContext, settings: Settings) -> None:
    """Serve new clients with the certificate that the files hold now; as before where they cannot be used.

    Raises
    ------
    LinkError
        When they cannot: half written, perhaps.
    """
    _load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), settings)  # a failure would spoil the one in use
    _load(context, settings)


def stamp(path: Path | None) -> tuple[int, int, int] | None:
    """What changes when a file is written anew or exchanged; None where there is none."""
    try:
        found = path.stat() if path is not None else None
    except OSError:
        return None
    return (found.st_ino, found.st_mtime_ns, found.st_size) if found else None


def _load(context: ssl.SSLContext, settings: Settings) -> None:
    assert settings.web_tls_cert_file is not None
    try:
        context.load_cert_chain(settings.web_tls_cert_file, settings.web_tls_key_file, password="")
    except OSError as error:
        raise LinkError(_unusable("web", error)) from error


def _unusable(who: str, error: OSError) -> str:
    files = f"{who.upper()}_TLS_…_FILE"
    if isinstance(error, ssl.SSLError) and error.reason == "KEY_VALUES_MISMATCH":
        return f"set {files} to a certificate and its own key: these do not belong together."
    why = getattr(error, "reason", None) or error.strerror or type(error).__name__
    return f"set {files} to PEM files, the key without a passphrase: they cannot be used ({why})."


# -- what went wrong

_HOST, _IP, _EXPIRED, _NOT_YET = 62, 64, 10, 9  # of X509_V_ERR_…
_UNKNOWN = (2, 18, 19, 20, 21)


def tls_trouble(error: BaseException, place: str, who: str, named: str) -> tuple[str, str] | None:
    """What a failed handshake means and what to do, in two sentences without full stops; None for another error.

    ``place``: host:port. ``who``: KAFKA or PG, as the settings begin. ``named``: the setting that names the host.
    """
    found = _in_chain(error, ssl.SSLError)
    if isinstance(found, ssl.SSLCertVerificationError):
        host, code = place.rpartition(":")[0], found.verify_code
        if code in (_HOST, _IP):
            return (
                f"the certificate of {place} is of another host than {host}",
                f"Name it in {named} as its certificate does, or have one made for {host}",
            )
        if code == _EXPIRED:
            return f"the certificate of {place} has expired", "Renew it there"
        if code == _NOT_YET:
            return f"the certificate of {place} is not valid yet", "Set the clocks by NTP, or wait"
        if code in _UNKNOWN:
            return (
                f"the certificate of {place} is signed by nobody who is trusted here",
                f"Put the certificate of who signed it into {who}_TLS_CA_FILE",
            )
        return f"the certificate of {place} is not accepted ({found.verify_message})", "Have another one made"
    if found is None:
        return None
    reason = found.reason or ""
    if "ALERT" in reason:
        return (
            f"{place} does not accept our certificate, or wants one ({reason.replace('_', ' ').lower()})",
            f"Set {who}_TLS_CERT_FILE and {who}_TLS_KEY_FILE to one that its authority has signed",
        )
    if reason in ("WRONG_VERSION_NUMBER", "UNKNOWN_PROTOCOL", "RECORD_LAYER_FAILURE", "HTTP_REQUEST"):
        return f"{place} does not speak TLS", f"Name its port for TLS in {named}"
    return None


def _in_chain(error: BaseException | None, kind: type[BaseException]) -> Any:
    """The error or the nearest of its causes that is of a kind."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, kind):
            return error
        error, seen = error.__cause__ or error.__context__, seen + 1
    return None
