"""All configuration, typed, in one object.

A value comes from the environment variable of the field's name in upper case, else from
``<data_dir>/stack.env`` (written by ``liontrack up``), else from a file of the field's name in LIONTRACK_SECRETS_DIR
(``/run/secrets``, where containers find theirs), else from the default below. Names carry units.
"""

from __future__ import annotations

import os
import re
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from liontrack_stream import generation, redaction, secure_links
from liontrack_stream.core.limits import SPEED_LIMITS_KMH
from liontrack_stream.logs import LogFormat, LogLevel
from liontrack_stream.secret_strength import weakness

DEFAULT_DATA_DIR = ".liontrack"
STACK_ENV_FILE = "stack.env"
SECRETS_DIR = Path("/run/secrets")
_ORIGIN = re.compile(r"https?://[a-z0-9.-]+(:[0-9]{1,5})?|https?://\[[0-9a-f:]+\](:[0-9]{1,5})?")
_ROLE = r"^[\w.@-]*$"  # travels unquoted in a connection's options


def _numbers(value: Any) -> Any:
    """The numbers of a comma-separated text, brackets or not; anything else as it is."""
    return [part.strip() for part in value.strip(" ()[]").split(",")] if isinstance(value, str) else value


def _parts(value: Any) -> Any:
    """The parts of a comma-separated text; anything else as it is."""
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


def _origins(value: tuple[str, ...]) -> tuple[str, ...]:
    for origin in value:
        if "*" in origin:
            raise ValueError("name each origin: tokens travel, so there is no `*`")
        if not _ORIGIN.fullmatch(origin):
            raise ValueError("an origin is a scheme and a host, such as https://maps.example.org")
    return value


def _no_credentials(value: str) -> str:
    if "@" in value:
        raise ValueError("an address without user and password: those have settings of their own")
    return value


def _no_credentials_in_url(value: str) -> str:
    _, url, rest = value.partition("://")
    if url:
        _no_credentials(rest.partition("/")[0])
    return value


def _level(value: Any) -> Any:
    """A level's usual name: `WARN` is `warning`, `crit` is `critical`."""
    word = str(value).lower()
    return {"warn": "warning", "crit": "critical"}.get(word, word)


def _file(value: Any) -> Any:
    """No file for an empty text, which is how compose files leave one out."""
    return value or None


PemFile = Annotated[Path | None, BeforeValidator(_file)]
Address = Annotated[str, AfterValidator(_no_credentials)]  # shown in logs, lineage and errors
Place = Annotated[str, AfterValidator(_no_credentials_in_url)]
PositiveNumber = Annotated[float, Field(gt=0, allow_inf_nan=False)]
FourNumbers = tuple[PositiveNumber, PositiveNumber, PositiveNumber, PositiveNumber]


class SettingsError(Exception):
    """A setting is missing or unusable; the message is a sentence that says what to set."""


class Settings(BaseSettings):
    """Everything that can be configured. Secrets never appear in ``repr``."""

    model_config = SettingsConfigDict(extra="ignore", case_sensitive=False, frozen=True, hide_input_in_errors=True)

    # Connections (the seed's names)
    kafka_brokers: Address = Field(description="host:port, comma-separated")
    pg_host: Address
    pg_port: int = 5432
    pg_database: str = "liontrack_warehouse"
    pg_user: str
    pg_password: SecretStr
    pg_ingest_role: str = Field(default="liontrack_ingest", pattern=_ROLE, description="of the worker; empty: PG_USER")
    pg_api_role: str = Field(default="liontrack_api", pattern=_ROLE, description="of the views; empty: PG_USER")
    mongodb_uri: SecretStr | None = None
    jwt_secret: SecretStr | None = None
    spark_master: Place | None = None

    # Secure links: files are PEM; what has to fit together is in secure_links.py
    kafka_security_protocol: Literal["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"] = "PLAINTEXT"
    kafka_sasl_mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = "SCRAM-SHA-512"
    kafka_sasl_username: str | None = None
    kafka_sasl_password: SecretStr | None = None
    kafka_tls_ca_file: PemFile = Field(default=None, description="who signs the brokers' certificates; absent: system")
    kafka_tls_cert_file: PemFile = Field(default=None, description="our own certificate, where brokers ask for one")
    kafka_tls_key_file: PemFile = None
    pg_sslmode: Literal["disable", "prefer", "require", "verify-ca", "verify-full"] = Field(
        default="prefer", description="as libpq's; only verify-full knows whom it talks to"
    )
    pg_tls_ca_file: PemFile = None
    pg_tls_cert_file: PemFile = None
    pg_tls_key_file: PemFile = None
    web_tls_cert_file: PemFile = Field(default=None, description="with its chain: the API is served by HTTPS")
    web_tls_key_file: PemFile = None

    # Lake
    lake_root: Place = Field(default=f"{DEFAULT_DATA_DIR}/lake", description="a folder, or s3://bucket/prefix")
    lake_compact_min_mb: int = Field(default=32, ge=1, description="bronze files of closed days below this are merged")
    lake_compact_max_mb: int = Field(default=256, ge=2, description="no file of a day becomes larger than this")
    lake_compact_interval_s: float = Field(default=0.0, ge=0, description="the worker compacts this often; 0: never")
    lake_delta: bool = Field(default=False, description="also keep a Delta Lake log per table over the same files")
    s3_endpoint_url: str | None = None
    s3_access_key_id: str | None = None
    s3_secret_access_key: SecretStr | None = None
    s3_region: str | None = None

    # Topics
    topic_prefix: str = Field(default="", description="namespaces the five topics in a shared cluster")
    topic_partitions: int = Field(default=4, ge=1)

    # MongoDB, `liontrack source mongo`
    mongo_mapping_file: Path | None = Field(
        default=None, description="TOML or JSON: which fields of which collections become events; absent: the defaults"
    )
    mongo_poll_interval_s: float = Field(default=5.0, gt=0, description="where the server has no change streams")
    mongo_list_interval_s: float = Field(default=300.0, gt=0, description="there, deletions are looked for this often")

    # Rules
    speed_limits_kmh: Annotated[FourNumbers, NoDecode, BeforeValidator(_numbers)] = Field(
        default=SPEED_LIMITS_KMH,
        description="what is impossibly fast for a lion: under 10 min, under 1 h, up to 4 h, longer",
    )

    # Logs of the worker
    log_format: LogFormat = Field(default="auto", description="json or text; auto: text on a terminal, else JSON")
    log_level: Annotated[LogLevel, BeforeValidator(_level)] = Field(
        default="info", description="debug has a line per batch; --loglevel comes first"
    )
    log_summary_interval_s: float = Field(default=60.0, gt=0, description="between two lines that sum up what was done")

    # Worker
    liontrack_app_id: str = "liontrack"
    liontrack_instance: str = Field(default="1", description="static membership: unique and stable per worker")
    liontrack_data_dir: Path = Path(DEFAULT_DATA_DIR)
    liontrack_generation: int | None = Field(
        default=None, ge=0, description="commands look into this one of `liontrack generations list`, not the live one"
    )
    liontrack_demo: bool = False
    batch_max_records: int = Field(default=8192, ge=1)
    value_max_bytes: int = Field(default=262_144, ge=1)
    stuck_after_s: float = Field(default=60.0, gt=0)
    watched_certificates: Annotated[tuple[Path, ...], NoDecode, BeforeValidator(_parts)] = Field(
        default=(), description="further PEM files whose expiry /metrics tells, comma-separated; such as the broker's"
    )
    lake_interval_s: float = Field(default=5.0, gt=0)
    quality_interval_s: float = Field(default=60.0, gt=0)
    refresh_interval_s: float = Field(default=60.0, gt=0, description="between refreshes of the materialized views")

    # OpenLineage: nothing is sent unless a URL or a file is named
    openlineage_url: str | None = Field(default=None, description="of a server that takes events at /api/v1/lineage")
    openlineage_api_key: SecretStr | None = None
    openlineage_file: Path | None = Field(default=None, description="one event a line is appended")

    # Web
    web_host: str = "127.0.0.1"
    web_port: int = 4001
    ready_max_lag_records: int = 100_000
    position_grid_deg: float = Field(default=0.1, gt=0)
    position_delay_h: float = Field(default=24.0, ge=0)
    cors_origins: Annotated[tuple[str, ...], NoDecode, BeforeValidator(_parts), AfterValidator(_origins)] = Field(
        default=(), description="origins whose pages may read the API, comma-separated"
    )
    trusted_proxies: Annotated[tuple[IPv4Network | IPv6Network, ...], NoDecode, BeforeValidator(_parts)] = Field(
        default=(), description="addresses or networks whose X-Forwarded-For and -Proto are believed, comma-separated"
    )
    api_rate_per_s: float = Field(default=300.0, gt=0, description="requests of one client on average")
    api_burst: int = Field(default=600, ge=1, description="requests of one client at once")
    api_statement_timeout_s: float = Field(default=5.0, ge=0.1, le=3_600, description="a query of the API ends then")
    export_concurrency_max: int = Field(default=2, ge=1, description="exports at the same time; further ones are 429")
    export_timeout_s: float = Field(default=900.0, ge=1, le=86_400, description="the longest that one export may take")
    stream_clients_max: int = Field(
        default=200, ge=1, description="who follow the stream at once; further ones are 503"
    )

    # Push
    ingest_body_max_bytes: int = Field(default=1 << 20, ge=1_024, description="of one push, unpacked; larger is 413")
    ingest_items_max: int = Field(default=10_000, ge=1, description="items of one push; more are 413")
    ingest_concurrency_max: int = Field(default=32, ge=1, description="pushes at the same time; further ones are 429")
    ingest_timeout_s: float = Field(
        default=10.0, ge=0.1, le=300, description="a push that Kafka has not acknowledged by then is 503"
    )

    @model_validator(mode="after")
    def _links_fit_together(self) -> Self:
        if troubles := secure_links.troubles(self):
            raise ValueError("; ".join(troubles))
        return self

    @property
    def pg_dsn(self) -> dict[str, Any]:
        """Keyword arguments for ``asyncpg.connect`` and ``asyncpg.create_pool``."""
        return {
            "host": self.pg_host,
            "port": self.pg_port,
            "database": self.pg_database,
            "user": self.pg_user,
            "password": self.pg_password.get_secret_value(),
            **secure_links.pg_options(self),
        }

    @property
    def kafka_client(self) -> dict[str, Any]:
        """Keyword arguments for each of aiokafka's clients: where Kafka is, and how it is talked to."""
        return {"bootstrap_servers": self.kafka_brokers.split(","), **secure_links.kafka_options(self)}

    @property
    def lake_compact_max_bytes(self) -> int:
        """The largest size of a day's file."""
        return self.lake_compact_max_mb << 20

    def in_generation(self, number: int) -> Settings:
        """These settings for a generation that is not the live one."""
        return self.with_lake_of(number).model_copy(update={"liontrack_generation": number})

    def with_lake_of(self, number: int) -> Settings:
        """These settings with a generation's lake: that of the first one lies at LAKE_ROOT, the others' below it."""
        lake_root = f"{self.lake_root.rstrip('/')}/generations/{number}" if number else self.lake_root
        return self.model_copy(update={"lake_root": lake_root})

    def topic(self, name: str) -> str:
        """The Kafka name of a contract topic, with this deployment's prefix."""
        return f"{self.topic_prefix}{name}"

    def require_jwt_secret(self) -> str:
        """The JWT secret, or a ``SettingsError`` where it is missing or weak."""
        secret = self.jwt_secret.get_secret_value() if self.jwt_secret else ""
        weak = weakness(secret)
        if weak:
            raise SettingsError(
                f"Set JWT_SECRET to a random text of at least 32 characters, such as `openssl rand -hex 32` prints: "
                f"it is {weak}."
            )
        return secret


def data_dir_from_env(data_dir: Path | str | None = None) -> Path:
    """The folder of the embedded stack: the argument, else LIONTRACK_DATA_DIR, else ``.liontrack``."""
    return Path(data_dir or os.environ.get("LIONTRACK_DATA_DIR") or DEFAULT_DATA_DIR)


def _secrets_dir() -> Path | None:
    """The folder of files that hold a setting each, if there is one."""
    told = os.environ.get("LIONTRACK_SECRETS_DIR")
    if told and not Path(told).is_dir():
        raise SettingsError(f"LIONTRACK_SECRETS_DIR is no folder: {told}. Name the one with the secrets, or unset it.")
    folder = Path(told) if told else SECRETS_DIR
    return folder if folder.is_dir() else None


def load_settings(data_dir: Path | str | None = None, **overrides: Any) -> Settings:
    """Read the settings; from now on this process works in the generation that they name.

    Raises
    ------
    SettingsError
        When a required one is missing or a value does not parse; names the variable, never its value.
    """
    folder = data_dir_from_env(data_dir)
    overrides.setdefault("liontrack_data_dir", folder)
    try:
        settings = Settings(_env_file=folder / STACK_ENV_FILE, _secrets_dir=_secrets_dir(), **overrides)
        redaction.remember(settings)
        number = settings.liontrack_generation
        generation.use(number)
        return settings if number is None else settings.in_generation(number)
    except ValidationError as error:
        missing = [str(e["loc"][0]).upper() for e in error.errors() if e["type"] == "missing" and len(e["loc"]) == 1]
        if missing:
            raise SettingsError(
                f"Set {', '.join(missing)}, or start the embedded stack with `liontrack up` "
                f"(looked in {folder}/{STACK_ENV_FILE})."
            ) from None
        wrong = "; ".join(
            "".join(f"{str(name).upper()}: " for name in e["loc"][:1]) + e["msg"].removeprefix("Value error, ")
            for e in error.errors()
        )
        raise SettingsError(f"Correct these settings: {wrong}.") from None
    except OSError as error:
        raise SettingsError(f"A file of settings cannot be read: {error.filename}: {error.strerror}.") from None
