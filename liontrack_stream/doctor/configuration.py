"""The settings themselves: do they parse, are they safe, do they fit each other."""

from __future__ import annotations

from liontrack_stream.doctor.probes import Line, Patient, fail, in_thread, ok, warn
from liontrack_stream.secure_links import is_loopback, kafka_is_here, uses_tls
from liontrack_stream.settings import Settings, SettingsError


async def settings(patient: Patient) -> Line:
    """Whether they are there and parse."""
    if patient.loaded is None:
        return fail("settings", *_complaint(patient.trouble))
    if patient.loaded.liontrack_generation is not None:
        number = patient.loaded.liontrack_generation
        return warn("settings", f"LIONTRACK_GENERATION={number} is set: a worker does not start so", "Unset it")
    return ok("settings", f"complete; data folder {patient.folder}")


def _complaint(trouble: str) -> tuple[str, str]:
    if trouble.startswith("Set "):
        return "incomplete", trouble.rstrip(".")
    return "a value cannot be used", trouble.rstrip(".")


async def jwt_secret(patient: Patient) -> Line:
    """Whether it was drawn at random."""
    try:
        await in_thread(patient.settings.require_jwt_secret)
    except SettingsError as error:
        what_to_set, why = str(error).rstrip(".").rsplit(": it is ", 1)
        return fail("JWT_SECRET", f"it is {why}, and signs who may see exact positions", what_to_set)
    return ok("JWT_SECRET", "long, and drawn at random as far as it shows")


async def web_settings(patient: Patient) -> Line:
    """Who is believed, and who may read."""
    for detail, todo, state in _web_troubles(patient.settings):
        return fail("web settings", detail, todo) if state == "FAIL" else warn("web settings", detail, todo)
    return ok("web settings", f"served at {patient.settings.web_host}:{patient.settings.web_port}")


def _web_troubles(settings: Settings) -> list[tuple[str, str, str]]:
    found = []
    everybody = [str(network) for network in settings.trusted_proxies if network.prefixlen == 0]
    if everybody:
        found.append(
            (
                f"TRUSTED_PROXIES has {everybody[0]}: anybody may claim any address, past the rate limits",
                "Name your proxies' addresses alone",
                "FAIL",
            )
        )
    if settings.liontrack_demo and not is_loopback(settings.web_host):
        found.append(
            (
                f"LIONTRACK_DEMO is set, and WEB_HOST={settings.web_host} can be reached from outside",
                "Unset LIONTRACK_DEMO where the lions are real",
                "FAIL",
            )
        )
    plain = [origin for origin in settings.cors_origins if origin.startswith("http://") and "localhost" not in origin]
    if plain:
        found.append((f"CORS_ORIGINS has {plain[0]}: tokens travel unencrypted", "Serve that page by https", "warn"))
    if not is_loopback(settings.web_host) and not settings.web_tls_cert_file and not settings.trusted_proxies:
        found.append(
            (
                f"WEB_HOST={settings.web_host} is served without TLS: tokens can be read on the way",
                "Set WEB_TLS_CERT_FILE and WEB_TLS_KEY_FILE, or TRUSTED_PROXIES to the proxy that has TLS",
                "warn",
            )
        )
    wide = [str(network) for network in settings.trusted_proxies if 0 < network.prefixlen < 8]
    if wide:
        found.append((f"TRUSTED_PROXIES has {wide[0]}, a very large network", "Name your proxies alone", "warn"))
    if settings.position_delay_h == 0 and settings.position_grid_deg < 0.01:
        found.append(
            (
                "positions are told to everybody at once and nearly exactly",
                "Raise POSITION_DELAY_H or POSITION_GRID_DEG where poachers may listen",
                "warn",
            )
        )
    return found


async def lake_settings(patient: Patient) -> Line:
    """Whether what concerns the lake fits together."""
    now = patient.settings
    if now.lake_compact_min_mb > now.lake_compact_max_mb:
        detail = f"LAKE_COMPACT_MIN_MB={now.lake_compact_min_mb} is above LAKE_COMPACT_MAX_MB={now.lake_compact_max_mb}"
        return fail("lake settings", detail, "Lower the former or raise the latter")
    if (now.s3_access_key_id is None) != (now.s3_secret_access_key is None):
        there, gone = ("S3_ACCESS_KEY_ID", "S3_SECRET_ACCESS_KEY")[:: 1 if now.s3_access_key_id else -1]
        return fail("lake settings", f"{there} is set and {gone} is not", "Set both or neither")
    if now.s3_endpoint_url and not now.lake_root.startswith("s3://"):
        detail = f"S3_ENDPOINT_URL is set, but LAKE_ROOT={now.lake_root} is a folder"
        return warn("lake settings", detail, "Set LAKE_ROOT=s3://bucket/prefix to use the bucket")
    return ok("lake settings", f"LAKE_ROOT={now.lake_root}")


async def links(patient: Patient) -> Line:
    """Whether what travels to other machines is encrypted, and both ends are known."""
    now = patient.settings
    worries = []
    if not kafka_is_here(now) and not uses_tls(now):
        detail = f"Kafka at {now.kafka_brokers} is talked to without TLS ({now.kafka_security_protocol})"
        worries.append((detail, "Set KAFKA_SECURITY_PROTOCOL=SASL_SSL"))
    if not is_loopback(now.pg_host) and now.pg_sslmode != "verify-full":
        detail = f"PostgreSQL at {now.pg_host} is talked to by PG_SSLMODE={now.pg_sslmode}: it may be somebody else"
        worries.append((detail, "Set PG_SSLMODE=verify-full and PG_TLS_CA_FILE"))
    if worries:
        return warn("links", "; ".join(detail for detail, _ in worries), ". ".join(todo for _, todo in worries))
    return ok("links", f"Kafka by {now.kafka_security_protocol}, PostgreSQL by PG_SSLMODE={now.pg_sslmode}")
