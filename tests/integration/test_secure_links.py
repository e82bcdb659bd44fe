"""A whole worker over SASL_SSL, verify-full and HTTPS; and each thing that can be wrong with a link, in a sentence."""

from __future__ import annotations

import json
import ssl
import urllib.request
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.migrations import migrate
from tests.support.oracle import QUALITY, TOPICS
from tests.support.pipeline_kit import PipelineKit, own_checks
from tests.support.secure_servers import HERE, SecureKafka
from tests.support.worker_process import wait_until

SIMULATE = ["simulate", "--lions", "3", "--days", "3", "--users", "2", "--seed", "7", "--json"]
WRONG = "not-the-password-0123456789"


@pytest.fixture(scope="module")
def migrated(secure_settings: Settings) -> Settings:
    """The secured database, migrated over its own link."""
    assert migrate(secure_settings.pg_dsn)
    return secure_settings


def test_a_worker_over_secured_links(migrated: Settings, secure_kafka: SecureKafka, tmp_path: Path) -> None:
    kit = PipelineKit(migrated, tmp_path)
    unsecured = {"kafka_brokers": secure_kafka.at("plain"), "kafka_security_protocol": "PLAINTEXT"}
    looking = PipelineKit(
        migrated.model_copy(update={**unsecured, "pg_sslmode": "prefer", "kafka_tls_ca_file": None}), tmp_path
    )
    try:
        sent = json.loads(kit.command(*SIMULATE).stdout)
        worker = kit.worker()
        wait_until(lambda: _get(migrated, "/ready")[0] == 200, 60, "/ready")
        wait_until(lambda: _get(migrated, "/ready")[1]["checks"]["lag"]["detail"] == "0 records wait", 60, "no lag")
        status, body, headers = _get(migrated, "/api/analytics/dashboard")
        assert (status, body["dashboard"]["total_lions"]) == (200, 3)
        assert headers["Strict-Transport-Security"] == "max-age=31536000"
        assert worker.stop()[0] == 0
        kit.catch_up()  # the lake's files
        records = looking.consumed()
        of_topic = {topic: sum(record.topic == topic for record in records) for topic in TOPICS}
        assert of_topic == {**sent["topics"], QUALITY: sent["topics"].get(QUALITY, 0) + own_checks(records)}
        looking.assert_right(records)
    finally:
        kit.end()


def _get(settings: Settings, path: str) -> tuple[int, Any, Any]:
    """Status, body and headers over HTTPS, its certificate checked; status 0 while nothing listens."""
    context = ssl.create_default_context(cafile=settings.kafka_tls_ca_file)
    try:
        with urllib.request.urlopen(f"https://{HERE}:{settings.web_port}{path}", timeout=10, context=context) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        return error.code, json.load(error), error.headers
    except ConnectionRefusedError:
        return 0, None, {}
    except urllib.error.URLError as error:
        assert isinstance(error.reason, ConnectionRefusedError), error
        return 0, None, {}
