"""``liontrack refresh`` from a shell's point of view."""

from __future__ import annotations

import json
import subprocess

from liontrack_stream.settings import Settings
from tests.commands.running import liontrack
from tests.support.stack import environment_of
from tests.support.worker_process import REPOSITORY


def run(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return liontrack(*arguments, cwd=REPOSITORY, environment=environment_of(settings))


def test_it_prints_a_line_per_view(settings: Settings) -> None:
    done = run(settings, "refresh")
    assert done.returncode == 0, done.stderr
    assert [line.split("  ")[:2] for line in done.stdout.splitlines()] == [
        ["analytics.lions_current_status", "0 rows"],
        ["analytics.user_engagement_summary", "0 rows"],
    ]
    one = run(settings, "--json", "refresh", "--view", "analytics.user_engagement_summary")
    assert [(row["view"], row["rows"]) for row in json.loads(one.stdout)] == [("user_engagement_summary", 0)]


def test_failures_are_sentences(settings: Settings, stack_settings: Settings) -> None:
    unknown = run(settings, "refresh", "--view", "lions")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "analytics has no materialized view lions; it has lions_current_status" in unknown.stderr
    for other, said in (
        (stack_settings, "The warehouse is not migrated: run `liontrack migrate`."),
        (settings.model_copy(update={"pg_port": 9}), f"PostgreSQL at {settings.pg_host}:9 does not refresh the views"),
    ):
        failed = run(other, "refresh")
        assert failed.returncode == 1
        assert said in failed.stderr
        assert "Traceback" not in failed.stderr
