"""A pipeline that Prometheus watches, for as long as the tests of this folder last: it never rests."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from liontrack_stream.settings import Settings
from tests.support.minio import Minio
from tests.support.monitored import Monitored, certificate, monitored_pipeline
from tests.support.stack import copied_database, new_topic_prefix, settings_of_its_own


@pytest.fixture(scope="package")
def monitored(
    stack_settings: Settings, template_database: str, minio: Minio, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Monitored]:
    """One monitored pipeline for all tests of a process; who kills its worker starts the next one."""
    folder = tmp_path_factory.mktemp("monitored")
    with copied_database(stack_settings, template_database) as database:
        settings = settings_of_its_own(stack_settings, database, new_topic_prefix(), folder)
        settings = minio.settings(settings).model_copy(
            update={
                "quality_interval_s": 1.0,
                "refresh_interval_s": 5.0,
                "lake_interval_s": 1.0,
                "watched_certificates": (certificate(folder, datetime.now(UTC) + timedelta(days=90)),),
            }
        )
        with monitored_pipeline(settings, minio, folder) as running:
            yield running
    shutil.rmtree(folder, ignore_errors=True)
