"""Roles: what each is for works, all else is denied by PostgreSQL; and what is said where they are missing."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg.errors import InsufficientPrivilege
from pydantic import SecretStr

from liontrack_stream.kafka.exits import StartError
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.migrations import _connect, migrate
from liontrack_stream.warehouse.opening import open_warehouse
from liontrack_stream.warehouse.roles import check_roles
from liontrack_stream.warehouse.worker import open_worker_warehouse
from tests.support.stack import drop_database

INGEST, API, MIGRATE = "liontrack_ingest", "liontrack_api", "liontrack_migrate"

ALLOWED = {
    INGEST: [
        "SELECT metadata.ensure_bronze_day('lions_raw', '2025-03-01')",
        "INSERT INTO bronze.lions_raw_20250301 VALUES ("
        + "NULL, " * 5
        + "'t', 0, 0, now(), NULL, NULL, NULL, 'x', '2025-03-01')",
        "SELECT raw, key, headers FROM bronze.lions_raw",
        "INSERT INTO silver.users (user_id, username) VALUES ('u', 'u')",
        "UPDATE silver.users SET username = 'v'",
        "DELETE FROM silver.users",
        "INSERT INTO gold.user_windows VALUES ('u', now(), 1, '{}')",
        "SELECT nextval('metadata.lease_epochs')",
        "INSERT INTO metadata.consumed_offsets (topic, partition, next_offset) VALUES ('t', 0, 0)",
        "UPDATE metadata.consumed_offsets SET next_offset = next_offset + 1",
        'INSERT INTO metadata.dead_letters (topic, partition, "offset", rule, reason, append_time)'
        " VALUES ('t', 0, 0, 'r', 'x', now())",
        "INSERT INTO metadata.pipeline_logs (pipeline_run_id, pipeline_name, start_time, status)"
        " VALUES (gen_random_uuid(), 'p', now(), 'success')",
        "SELECT * FROM analytics.refresh_views()",
    ],
    API: [
        "SELECT * FROM silver.users",
        "SELECT * FROM gold.lions_positions_history",
        "SELECT * FROM gold.lions_metrics",
        "SELECT * FROM analytics.lions_current_status",
        "SELECT * FROM analytics.user_engagement_summary",
        "SELECT * FROM metadata.data_quality_checks",
        "SELECT * FROM metadata.conflicts",
        'SELECT topic, partition, "offset", append_time, lion_id FROM bronze.lions_raw',
        'SELECT topic, partition, "offset", rule, reason FROM metadata.dead_letters',
        "SELECT silver.flag_names(8::smallint)",
    ],
    MIGRATE: [
        "CREATE TABLE gold.later (id int)",
        "ALTER TABLE silver.positions ADD COLUMN later int",
        "DROP MATERIALIZED VIEW analytics.lions_current_status",
        "TRUNCATE bronze.lions_raw",
        "SELECT metadata.ensure_bronze_day('lions_raw', '2025-03-01')",
        "DROP TABLE bronze.lions_raw_20250301",
    ],
}
DENIED = {
    INGEST: [
        "UPDATE bronze.lions_raw SET raw = NULL",
        "DELETE FROM bronze.lions_raw",
        "TRUNCATE silver.positions",
        "TRUNCATE bronze.lions_raw",
        "DROP TABLE gold.lions_metrics",
        "ALTER TABLE silver.lions ADD COLUMN later int",
        "CREATE TABLE silver.later (id int)",
        "CREATE TABLE bronze.lions_raw_1 PARTITION OF bronze.lions_raw DEFAULT",
        "CREATE TABLE public.later (id int)",
        "CREATE SCHEMA later",
        "CREATE INDEX ON silver.lions (name)",
        "CREATE FUNCTION metadata.later() RETURNS int LANGUAGE sql RETURN 1",
        "CREATE ROLE later",
        "DELETE FROM metadata.consumed_offsets",
        "UPDATE metadata.dead_letters SET rule = 'none'",
        "DELETE FROM metadata.dead_letters",
        "DELETE FROM metadata.revisions",
        "UPDATE metadata.view_refreshes SET row_count = 0",
        "SELECT * FROM analytics.lions_current_status",
        "REFRESH MATERIALIZED VIEW analytics.lions_current_status",
        "SELECT setval('metadata.lease_epochs', 1)",
        "SELECT metadata.grant_roles()",
        "GRANT liontrack_migrate TO liontrack_ingest",
        "SELECT * FROM public._yoyo_migration",
        "COPY silver.users TO PROGRAM 'true'",
        "SELECT * FROM pg_authid",
    ],
    API: [
        "INSERT INTO silver.users (user_id, username) VALUES ('u', 'u')",
        "UPDATE gold.lions_metrics SET health_score = 100",
        "DELETE FROM silver.lions",
        "TRUNCATE silver.positions",
        "DROP VIEW gold.lions_positions_history",
        "CREATE TABLE silver.later (id int)",
        "CREATE TABLE public.later (id int)",
        "SELECT raw FROM bronze.lions_raw",
        "SELECT key FROM bronze.users_raw",
        "SELECT headers FROM bronze.weights_raw",
        "SELECT * FROM bronze.challenges_raw",
        "SELECT raw FROM metadata.dead_letters",
        "SELECT key FROM metadata.dead_letters",
        "UPDATE metadata.consumed_offsets SET next_offset = 0",
        "SELECT nextval('metadata.lease_epochs')",
        "SELECT metadata.ensure_bronze_day('lions_raw', '2025-03-01')",
        "SELECT * FROM analytics.refresh_views()",
        "REFRESH MATERIALIZED VIEW analytics.user_engagement_summary",
        "SELECT metadata.grant_roles()",
        "COPY silver.users TO PROGRAM 'true'",
    ],
    MIGRATE: [
        "CREATE ROLE later",
        "DROP ROLE liontrack_api",
        "SELECT * FROM pg_authid",
        "COPY silver.users TO PROGRAM 'true'",
        "CREATE TABLE public.later (id int)",
    ],
}


@contextmanager
def acting(settings: Settings, role: str) -> Iterator[psycopg.Connection[Any]]:
    """A connection that acts as the role; what it does is rolled back."""
    with _connect(settings.pg_dsn) as connection:
        connection.autocommit = False
        connection.execute(f"SET ROLE {role}")
        yield connection
        connection.rollback()


@pytest.mark.parametrize("role", ALLOWED)
def test_what_a_role_is_for_works(settings: Settings, role: str) -> None:
    with acting(settings, role) as connection:
        for statement in ALLOWED[role]:
            connection.execute(statement)


@pytest.mark.parametrize("role", DENIED)
def test_everything_else_is_denied(settings: Settings, role: str) -> None:
    with _connect(settings.pg_dsn) as owner:
        owner.execute("SELECT metadata.ensure_bronze_day('lions_raw', '2025-03-01')")
    done = []
    with acting(settings, role) as connection:
        for statement in DENIED[role]:
            connection.execute("SAVEPOINT before")
            try:
                connection.execute(statement)
                done.append(statement)
            except InsufficientPrivilege:
                pass
            connection.execute("ROLLBACK TO before")
    assert done == []


def test_later_tables_and_partitions_are_covered(settings: Settings) -> None:
    with _connect(settings.pg_dsn) as owner:
        owner.execute("CREATE TABLE gold.later (id int)")
        owner.execute("CREATE TABLE bronze.later (id int)")
        owner.execute("SELECT metadata.ensure_bronze_day('users_raw', '2025-03-01')")
        for role, table, right, has in (
            (INGEST, "gold.later", "DELETE", True),
            (INGEST, "bronze.later", "INSERT", True),
            (INGEST, "bronze.later", "UPDATE", False),
            (INGEST, "bronze.users_raw_20250301", "INSERT", True),
            (INGEST, "bronze.users_raw_20250301", "DELETE", False),
            (API, "gold.later", "SELECT", True),
            (API, "gold.later", "INSERT", False),
            (API, "bronze.users_raw_20250301", "SELECT", False),
        ):
            found = owner.execute("SELECT has_table_privilege(%s, %s, %s)", (role, table, right)).fetchone()
            assert found == (has,), (role, table, right)
        migrate(settings.pg_dsn)
        assert _owners(owner) == {MIGRATE}


def test_a_privilege_too_many_is_taken_back(settings: Settings) -> None:
    with _connect(settings.pg_dsn) as owner:
        owner.execute(
            "GRANT DELETE ON bronze.lions_raw TO liontrack_ingest; GRANT SELECT ON bronze.lions_raw TO liontrack_api"
        )
        migrate(settings.pg_dsn)
        rights = owner.execute(
            "SELECT has_table_privilege('liontrack_ingest', 'bronze.lions_raw', 'DELETE'),"
            " has_column_privilege('liontrack_api', 'bronze.lions_raw', 'raw', 'SELECT')"
        ).fetchone()
    assert rights == (False, False)


def _owners(connection: psycopg.Connection[Any]) -> set[str]:
    rows = connection.execute(
        "SELECT pg_get_userbyid(relowner) FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace"
        " WHERE nspname IN ('bronze', 'silver', 'gold', 'metadata', 'analytics')"
    )
    return {row[0] for row in rows}


async def test_a_worker_and_its_caches_act_as_their_role(settings: Settings) -> None:
    warehouse = await open_worker_warehouse(settings, "test")
    try:
        for _ in range(2):  # again after the pool has reset the connection
            async with warehouse.pool.acquire() as connection:
                assert await connection.fetchval("SELECT current_user") == INGEST
    finally:
        await warehouse.close()
    bare = await open_worker_warehouse(settings.model_copy(update={"pg_ingest_role": ""}), "test")
    assert await bare.pool.fetchval("SELECT current_user") == settings.pg_user
    await bare.close()


async def test_a_missing_role_is_a_sentence_at_start(settings: Settings) -> None:
    missing = settings.model_copy(update={"pg_api_role": f"missing_{uuid.uuid4().hex[:8]}"})
    with pytest.raises(StartError, match=r"role missing_\w+ does not exist: .*PG_API_ROLE to nothing"):
        await open_warehouse(missing)


async def test_who_may_make_no_temporary_tables_is_told_at_start(settings: Settings, database: str) -> None:
    with _connect(settings.pg_dsn) as connection:
        connection.execute(f"REVOKE TEMPORARY ON DATABASE {database} FROM PUBLIC")
        said = rf"{INGEST} may make no temporary tables: .* GRANT TEMPORARY ON DATABASE {database} TO {INGEST}"
        with pytest.raises(StartError, match=said):
            await open_warehouse(settings)
        connection.execute(f"GRANT TEMPORARY ON DATABASE {database} TO {INGEST}")
        await check_roles(settings)


@pytest.fixture
def stranger(settings: Settings, stack_settings: Settings, stack_admin: psycopg.Connection[Any]) -> Iterator[Settings]:
    """Settings of a user who may create neither roles nor databases, with an empty database of its own."""
    name = f"stranger_{uuid.uuid4().hex[:8]}"
    stack_admin.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'stranger'")
    stack_admin.execute(f"GRANT {name} TO CURRENT_USER")
    stack_admin.execute(f"CREATE DATABASE {name} OWNER {name}")
    try:
        changes = {"pg_user": name, "pg_password": SecretStr("stranger"), "pg_database": name}
        yield settings.model_copy(update=changes)
    finally:
        drop_database(stack_settings, name)
        stack_admin.execute(f"DROP ROLE {name}")


@pytest.fixture
def stack_admin(stack_settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    with _connect(stack_settings.pg_dsn) as connection:
        yield connection


async def test_who_may_not_create_roles_migrates_and_is_told(
    stranger: Settings, stack_admin: psycopg.Connection[Any], template_database: str
) -> None:
    warnings: list[str] = []
    assert migrate(stranger.pg_dsn, warnings.append)
    said = r"is no member of liontrack_migrate, liontrack_ingest, liontrack_api\. Have an administrator run: GRANT"
    assert len(warnings) == 1
    assert re.search(said, warnings[0])
    with pytest.raises(StartError, match=rf"{stranger.pg_user} may not act as the role liontrack_ingest: .* GRANT"):
        await open_warehouse(stranger)
    alone = stranger.model_copy(update={"pg_ingest_role": "", "pg_api_role": ""})
    await (await open_warehouse(alone)).close()

    stack_admin.execute(f"GRANT {INGEST}, {API}, {MIGRATE} TO {stranger.pg_user}")
    assert migrate(stranger.pg_dsn, warnings.append) == []
    assert len(warnings) == 1
    await check_roles(stranger)
    with _connect(stranger.pg_dsn) as connection:
        assert _owners(connection) == {MIGRATE}


def test_missing_roles_are_named_with_the_statements_that_make_them(
    stranger: Settings, stack_settings: Settings, template_database: str
) -> None:
    migrate(stranger.pg_dsn)
    warnings: list[Any] = []
    with _connect({**stack_settings.pg_dsn, "database": stranger.pg_database}) as connection:
        connection.add_notice_handler(lambda notice: warnings.append(notice.message_primary))
        connection.autocommit = False
        connection.execute(f"ALTER ROLE {API} RENAME TO away")
        connection.execute(f"SET LOCAL ROLE {stranger.pg_user}")
        assert connection.execute("SELECT metadata.grant_roles()").fetchone() == (False,)
        connection.rollback()
    assert re.search(
        rf"{stranger.pg_user} may not create roles.* run: CREATE ROLE {API} NOLOGIN; GRANT .* TO", warnings[-1]
    )


def test_databases_may_be_migrated_at_the_same_moment(
    stack_admin: psycopg.Connection[Any], stack_settings: Settings
) -> None:
    names = [f"twin_{uuid.uuid4().hex[:8]}" for _ in range(3)]
    for name in names:
        stack_admin.execute(f"CREATE DATABASE {name}")
    try:
        with ThreadPoolExecutor(3) as pool:
            runs = list(pool.map(lambda name: migrate({**stack_settings.pg_dsn, "database": name}), names))
        assert all(runs)
    finally:
        for name in names:
            drop_database(stack_settings, name)
