"""A warehouse with rows in every table that can be exported."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream.settings import Settings
from tests.support.stack import filled_database
from tests.views.conftest import DATA

ROWS = Path(__file__).with_name("rows.sql")


@pytest.fixture(scope="package")
def filled(stack_settings: Settings, template_database: str) -> Iterator[str]:
    """Name of a database that holds `data.sql` and `rows.sql`, for all tests of this folder."""
    with filled_database(stack_settings, template_database, DATA, ROWS) as name:
        yield name


@pytest.fixture
def warehouse(web_settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    """A connection of the owner to that database."""
    dsn = {**web_settings.pg_dsn, "dbname": web_settings.pg_database, "options": "-c timezone=UTC"}
    del dsn["database"]
    with psycopg.connect(**dsn, autocommit=True) as connection:
        yield connection
