"""PostgreSQL: reached, its clock, the schema, the roles, and the generation that is live."""

from __future__ import annotations

import time

import asyncpg

from liontrack_stream import __version__
from liontrack_stream.core.rules import fingerprint, rule_parameters
from liontrack_stream.doctor.probes import Line, Patient, fail, first_line, in_thread, ok, sentence, warn
from liontrack_stream.warehouse.migrations import migration_files, standing
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.roles import RoleError, check_roles
from liontrack_stream.warehouse.trouble import refusal

VERSION_MIN = 150_000
CLOCK_WARN_S, CLOCK_FAIL_S = 2.0, 60.0
CONNECTIONS_LEFT_MIN = 20


async def _connect(patient: Patient) -> asyncpg.Connection:
    settings = {"application_name": "liontrack doctor"}
    return await asyncpg.connect(**patient.settings.pg_dsn, timeout=patient.timeout_s, server_settings=settings)


async def postgres(patient: Patient) -> Line:
    """Whether it lets PG_USER in, and has room."""
    what = "PostgreSQL"
    settings = patient.settings
    try:
        connection = await _connect(patient)
    except asyncpg.InvalidCatalogNameError:
        return fail(what, f"there is no database {settings.pg_database}", "Create it, or correct PG_DATABASE")
    except (OSError, asyncpg.PostgresError, TimeoutError) as error:
        refused = refusal(settings.pg_dsn, error)
        if refused is not None:
            return fail(what, *refused)
        todo = "Start it, or correct PG_HOST and PG_PORT (`liontrack up` starts the embedded one)"
        return fail(what, f"{patient.place} does not answer ({first_line(error)})", todo)
    try:
        row = await connection.fetchrow(query("doctor/server"))
    finally:
        await connection.close()
    left = row["connections_max"] - row["connections"]
    detail = f"version {row['version'].split()[0]} at {patient.place}, {left} connections are free"
    if row["version_num"] < VERSION_MIN:
        return fail(what, detail, "Use PostgreSQL 15 or newer")
    if left < CONNECTIONS_LEFT_MIN:
        return warn(what, detail, "Raise max_connections: a worker takes up to 20")
    return ok(what, detail)


async def clock(patient: Patient) -> Line:
    """The server's clock beside ours."""
    connection = await _connect(patient)
    try:
        before = time.time()
        theirs = (await connection.fetchrow(query("doctor/server")))["now_s"]
        return judge_clock(theirs, before, time.time())
    finally:
        await connection.close()


def judge_clock(theirs: float, before: float, after: float) -> Line:
    """A clock that was read between two moments of ours; all in seconds since 1970."""
    off = max(before - theirs, theirs - after, 0.0)
    detail = f"PostgreSQL's is {off:.1f} s {'behind' if theirs < before else 'ahead of'} ours"
    if off >= CLOCK_FAIL_S:
        return fail(
            "clocks", f"{detail}: leases, tokens and the delay of positions are judged by both", "Set them by NTP"
        )
    if off >= CLOCK_WARN_S:
        return warn("clocks", detail, "Set them by NTP")
    return ok("clocks", "PostgreSQL's and ours agree")


async def migrations(patient: Patient) -> Line:
    """Whether the schema is this version's."""
    found = await in_thread(standing, patient.settings.pg_dsn)
    if found.unknown:
        return fail("schema", f"it is newer than LionTrack Stream {__version__} (it has {found.unknown[0]})",
                    "Run a version that knows it")  # fmt: skip
    missing = found.pending
    if missing:
        count = f"{len(missing)} migration{'s' * (len(missing) > 1)}"
        return fail("schema", f"it lacks {count} ({missing[0]} …)".replace(" …)", ")" if len(missing) == 1 else " …)"),
                    "Run `liontrack migrate`")  # fmt: skip
    return ok("schema", f"all {len(migration_files())} migrations are applied")


async def roles(patient: Patient) -> Line:
    """Whether the worker and the API have roles, which may do what they are for and no more."""
    settings = patient.settings
    try:
        await check_roles(settings)
    except RoleError as error:
        return fail("roles", *sentence(str(error)))
    ingest, api = settings.pg_ingest_role or settings.pg_user, settings.pg_api_role or settings.pg_user
    connection = await _connect(patient)
    try:
        may = await connection.fetchrow(query("doctor/privileges"), ingest, api)
    finally:
        await connection.close()
    if not (may["ingest_appends"] and may["api_reads"]):
        which = ingest if not may["ingest_appends"] else api
        return fail("roles", f"{which} may not do what it is for", "Run `liontrack migrate`")
    if may["api_writes"]:
        return warn("roles", f"{api}, which the API acts as, may change silver", "Leave PG_API_ROLE as liontrack_api")
    if may["ingest_rewrites_bronze"]:
        return warn("roles", f"{ingest} may change bronze", "Leave PG_INGEST_ROLE as liontrack_ingest")
    return ok("roles", f"{ingest} appends to bronze, {api} only reads")


async def generation(patient: Patient) -> Line:
    """Whether the live generation was computed with the rules of these settings."""
    mark = fingerprint(rule_parameters(patient.settings.speed_limits_kmh))
    connection = await _connect(patient)
    try:
        row = await connection.fetchrow(query("doctor/rules"), mark)
        made_by = [one["rule_version"] for one in await connection.fetch(query("generations/live_rules"))]
    finally:
        await connection.close()
    number, live, own = row["generation"], row["live_rules"], row["own_rules"]
    if live is not None and live != own:
        import json

        limits = ",".join(f"{limit:g}" for limit in json.loads(row["live_speed_limits"] or "[]"))
        detail = f"generation {number} is live and was computed with rules {live}, these settings are others"
        return fail("generation", detail, f"Set SPEED_LIMITS_KMH={limits}")
    others = [version for version in made_by if version != own]
    if others:
        detail = f"generation {number} is live; gold has days by rules {others[0]} too, these settings are others"
        return warn("generation", detail, "Run `liontrack replay` to compute all days with them")
    return ok("generation", f"{number} is live, computed with the rules of these settings")
