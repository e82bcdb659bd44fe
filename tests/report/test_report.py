"""`liontrack report`: its figures are the oracle's, its pages run and ask for nothing, its failures are sentences."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from html.parser import HTMLParser
from math import isclose
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from defusedxml import ElementTree

from liontrack_stream.report import charts, pages
from liontrack_stream.report.figures import Figures, without_values
from liontrack_stream.report.outcome import Outcome, OutcomeError, parse_outcome
from liontrack_stream.settings import Settings
from tests.commands.running import liontrack
from tests.support.oracle import TOPICS, Tables
from tests.support.stack import environment_of
from tests.support.worker_process import REPOSITORY
from tests.views.analytics import expected

LAST_DAY = date(2026, 3, 12)  # when all was appended, two days after the last event
EVIL = "<script>alert('x')</script> | [x](javascript:1) `*_ \x01"
RUN = {
    "generation": 7, "differs": True, "engine": "replay", "action": "kept", "records": 1_234, "offsets": [],
    "tables": [
        {"table": "gold.lions_metrics", "rows_live": 50, "added": 3, "removed": 0, "changed": 2},
        {"table": "silver.lions", "rows_live": 5, "added": 0, "removed": 0, "changed": 0},
    ],
}  # fmt: skip


def report(settings: Settings, *arguments: str) -> subprocess.CompletedProcess[str]:
    return liontrack("report", *arguments, cwd=REPOSITORY, environment=environment_of(settings))


@pytest.fixture
def own(stack_settings: Settings, simulation: tuple[str, Tables]) -> Settings:
    """Settings of the simulated warehouse."""
    return stack_settings.model_copy(update={"pg_database": simulation[0]})


def written(settings: Settings, folder: Path, *arguments: str) -> dict[str, Path]:
    """A report's files by their names' ends."""
    done = report(settings, "--as-of", str(LAST_DAY), "--output", str(folder), *arguments)
    assert done.returncode == 0, done.stderr
    files = [Path(line) for line in done.stdout.splitlines()]
    assert sorted(folder.iterdir()) == sorted(files), "nothing but what was told"
    return {file.name.removeprefix(f"liontrack-{LAST_DAY}").lstrip("-."): file for file in files}


def test_its_figures_are_the_oracles(own: Settings, simulation: tuple[str, Tables], tmp_path: Path) -> None:
    tables = simulation[1]
    file = written(own, tmp_path, "--days", "30", "--format", "json")["json"]
    figures: dict[str, Any] = json.loads(file.read_text())
    days = [LAST_DAY - timedelta(n) for n in range(29, -1, -1)]

    appended = Counter((key[0], row["append_time"].date()) for key, row in tables["bronze"].items())
    assert figures["records"] == {topic: [appended[topic, day] for day in days] for topic in TOPICS}
    assert sum(appended.values()) == sum(map(sum, figures["records"].values())) > 5_000

    rules = Counter((key[0], row["rule"]) for key, row in tables["metadata.dead_letters"].items())
    assert {(row["topic"], row["rule"]): row["records"] for row in figures["dead_letters"]} == rules
    assert len(rules) > 3
    reasons = {row["rule"]: row["last_reason"] for row in figures["dead_letters"]}
    assert reasons["impossible_coordinate"] == "lat …, lng … lies outside ±90, ±180", "no half of a position"

    end = datetime.combine(LAST_DAY, datetime.max.time(), UTC)
    health = expected.health_report(tables, end)
    assert figures["health"].pop("report_date") == str(health["report_date"])
    same(figures["health"], health["health_distribution"])
    engagement = [
        {**row, "activity_date": str(row["activity_date"])} for row in expected.trend_engagement(tables, end)["data"]
    ]
    same(figures["engagement"], engagement)
    assert len(engagement) > 20


def test_days_that_retention_dropped_still_count(settings: Settings, tmp_path: Path) -> None:
    async def note() -> None:
        connection = await asyncpg.connect(**settings.pg_dsn)
        await connection.execute(
            "INSERT INTO metadata.dropped_partitions (table_name, day, row_count, byte_count) "
            "VALUES ('bronze.users_raw', $1, 12, 1)", LAST_DAY
        )  # fmt: skip
        await connection.close()

    asyncio.run(note())
    file = written(settings, tmp_path, "--days", "2", "--format", "json")["json"]
    records = json.loads(file.read_text())["records"]
    assert {topic: counts for topic, counts in records.items() if any(counts)} == {"users.activity.events": [0, 12]}


def test_a_week_is_a_week(own: Settings, simulation: tuple[str, Tables], tmp_path: Path) -> None:
    tables, last = simulation[1], date(2026, 3, 10)
    done = report(own, "--as-of", str(last), "--output", str(tmp_path), "--format", "json")
    assert done.returncode == 0, done.stderr
    figures = json.loads(Path(done.stdout.strip()).read_text())
    end = datetime.combine(last, datetime.max.time(), UTC)
    week = [str(last - timedelta(n)) for n in range(6, -1, -1)]
    assert set().union(*figures["records"].values()) == {0}, "all was appended later"
    assert figures["dead_letters"] == []
    health = expected.health_report(tables, end)["health_distribution"]
    assert health["total_lions"] > 3
    same({name: figures["health"][name] for name in health}, health)
    assert [row["activity_date"] for row in figures["engagement"]] == week
    quality = expected.data_quality(tables, end)["data_quality"]
    same(
        [{name: value for name, value in row.items() if name != "last_check"} for row in figures["quality"]],
        [{name: value for name, value in row.items() if name != "last_check"} for row in quality],
    )
    assert len(quality) > 1


def test_the_pages_hold_the_figures_and_the_run(own: Settings, tmp_path: Path) -> None:
    run = tmp_path / "run.json"
    run.write_text(json.dumps(RUN))
    files = written(own, tmp_path / "reports", "--run", str(run))
    assert set(files) == {"html", "md", "records.svg", "dead-letters.svg", "quality.svg", "engagement.svg"}
    page, text = files["html"].read_text(), files["md"].read_text()
    total = sum(
        map(sum, json.loads(written(own, tmp_path / "j", "--format", "json")["json"].read_text())["records"].values())
    )
    for content in (page, text):
        assert f"{total:,} records came in" in content
        assert (
            "Generation 7, computed anew by replay, differs from the live one at record 1,234; it was kept." in content
        )
    assert "<p>gold.lions_metrics: 3 added, 0 removed, 2 changed (of 50 rows).</p>" in page
    assert "gold.lions\\_metrics: 3 added, 0 removed, 2 changed (of 50 rows)." in text
    assert "silver.lions:" not in page
    assert set(re.findall(r"!\[[^\]]+\]\(([^)]+)\)", text)) == {
        file.name for end, file in files.items() if "svg" in end
    }
    for end, file in files.items():
        if end.endswith("svg"):
            assert ElementTree.fromstring(file.read_bytes()).tag == "{http://www.w3.org/2000/svg}svg"
            assert b"<script" not in file.read_bytes()
            assert not re.findall(rb'(?:href|src)="(?!#)|url\((?!#)|@import', file.read_bytes())


class Page(HTMLParser):
    """What a page asks for, runs and shows."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: Counter[str] = Counter()
        self.addresses: list[str] = []
        self.texts: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags[tag] += 1
        assert not any(name.startswith("on") for name, _ in attrs)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def test_what_comes_from_data_is_text() -> None:
    now = datetime(2026, 3, 11, 2, tzinfo=UTC)
    figures = Figures(
        first_day=LAST_DAY, last_day=LAST_DAY, made_at=now, records={TOPICS[0]: [3]},
        dead_letters=[{"topic": TOPICS[0], "rule": EVIL, "records": 3, "last_reason": f"{EVIL}\nand more"}],
        quality=[{"table_name": EVIL, "checks_count": 1, "avg_quality": 50, "min_quality": 99.999, "last_check": now}],
        health={**dict.fromkeys(("excellent_health", "good_health", "needs_attention", "total_lions"), 1),
                "avg_health_score": None, "avg_weight": None},
        engagement=[],
        runs=[{"pipeline_name": EVIL, "status": "failed", "runs": 1, "records": 2, "errors": 3, "last_start": now}],
        lake=dict.fromkeys(("files", "rows", "bytes", "records_waiting", "days_waiting"), 0), generations=[],
    )  # fmt: skip
    drawn = charts.draw(figures, "liontrack")
    run = Outcome(1, True, engine=EVIL, action=EVIL)
    page = Page(pages.html(figures, drawn, run, simulated=True).decode())
    assert page.tags["script"] == page.tags["a"] == page.tags["link"] == 0
    assert page.addresses, "charts"
    assert all(address.startswith("data:image/svg+xml;base64,") for address in page.addresses)
    shown = " ".join(page.texts)
    assert shown.count("<script>alert('x')</script> | [x](javascript:1) `*_") == 6
    assert "the lions are simulated" in shown
    assert "99.99" in shown, "less than all is never shown as all"

    text = pages.markdown(figures, drawn, run, simulated=False).decode()
    assert "<script" not in text
    assert "simulated" not in text
    assert "](javascript" not in text.replace("\\]", "")
    for line in text.splitlines():
        if line.startswith("|") and "alert" in line:
            cells = re.split(r"(?<!\\)\|", line)
            assert len(cells) - 2 in (4, 5, 6), line
    for chart in drawn.values():
        ElementTree.fromstring(chart.svg)
    assert charts.draw(figures, "liontrack") == drawn


def test_failures_are_sentences(own: Settings, stack_settings: Settings, settings: Settings, tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("{}")
    cases = (
        (stack_settings, (), 1, "lacks its tables: run `liontrack migrate`."),
        (settings.model_copy(update={"pg_port": 9}), (), 1, f"PostgreSQL at {settings.pg_host}:9/"),
        (own, ("--run", str(file)), 2, "This is not what `liontrack replay --json`"),
        (own, ("--run", str(tmp_path / "none")), 2, "none cannot be read (No such file or directory)."),
        (own, ("--output", str(file / "below")), 1, "cannot be written to"),
        (own, ("--days", "31"), 2, "31 is not in the range"),
    )
    for of, arguments, code, said in cases:
        failed = report(of, *(("--output", str(tmp_path / "out")) if "--output" not in arguments else ()), *arguments)
        assert (failed.returncode, failed.stdout) == (code, ""), failed
        assert said in failed.stderr
        assert "Traceback" not in failed.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("data", [b"", b"[]", b"{}", b'{"generation": "1", "differs": true}', b"\xff"])
def test_what_is_no_outcome(data: bytes) -> None:
    with pytest.raises(OutcomeError, match="This is not what"):
        parse_outcome(data)


def test_an_empty_warehouse_has_a_report(settings: Settings, tmp_path: Path) -> None:
    files = written(settings, tmp_path)
    assert set(files) == {"html", "md"}
    text = files["md"].read_text()
    for said in (
        "0 records came in",
        "No record broke a rule.",
        "No check was made.",
        "No user was active.",
        "Nothing ran.",
    ):
        assert said in text


def test_a_reason_tells_no_value() -> None:
    for reason, told in (
        ("lat -21.512, lng 1e3 lies outside ±90, ±180", "lat …, lng … lies outside ±90, ±180"),
        ("unit 'st 5\\' is none of kg", "unit … is none of kg"),
        ("Expected `str`, got `int` - at `$.lion_id`", "Expected `str`, got `int` - at `$.lion_id`"),
    ):
        assert without_values(reason) == told


def same(got: Any, wanted: Any) -> None:
    """Equal as JSON; numbers to a billionth."""
    if isinstance(wanted, dict):
        assert got.keys() == wanted.keys()
        for key in wanted:
            same(got[key], wanted[key])
    elif isinstance(wanted, list):
        assert len(got) == len(wanted)
        for one, other in zip(got, wanted, strict=True):
            same(one, other)
    elif isinstance(wanted, float):
        assert isclose(got, wanted, rel_tol=1e-9, abs_tol=2e-6), (got, wanted)
    else:
        assert got == wanted
