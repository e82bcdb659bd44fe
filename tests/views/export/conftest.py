"""A warehouse with rows in every table that can be exported."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream.settings import Settings
from tests.views.conftest import DATA

ROWS = Path(__file__).with_name("rows.sql")


@pytest.fixture(scope="package")
def filled(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a database that holds `data.sql` and `rows.sql`, for all tests of this folder."""
    name = f"export_{uuid.uuid4().hex[:16]}"
    dsn: dict[str, Any] = {**stack_settings.pg_dsn, "dbname": stack_settings.pg_database}
    del dsn["database"]
    with psycopg.connect(**dsn, autocommit=True) as admin:
        admin.execute(f"CREATE DATABASE {name} TEMPLATE {template_database}".encode())
        with psycopg.connect(**{**dsn, "dbname": name}) as connection:
            for file in (DATA, ROWS):
                connection.execute(file.read_bytes())
        try:
            yield name
        finally:
            admin.execute(f"DROP DATABASE {name} WITH (FORCE)".encode())


@pytest.fixture
def warehouse(web_settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to that database."""
    dsn = {**web_settings.pg_dsn, "dbname": web_settings.pg_database, "options": "-c timezone=UTC"}
    del dsn["database"]
    with psycopg.connect(**dsn, autocommit=True) as connection:
        yield connection
