"""A file is whole under its name, or not there: Ctrl-C, PostgreSQL or a disk that gives up, pipes and devices."""

from __future__ import annotations

import asyncio
import gzip
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from liontrack_stream import generation
from liontrack_stream.commands import export as export_command
from liontrack_stream.commands.base import CommandError
from liontrack_stream.core.fixes import FLAGS, flag_names
from liontrack_stream.exports.order import Order
from liontrack_stream.exports.texts import safe_cell
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.export_rows import Export, Question, statement
from liontrack_stream.warehouse.export_tables import MOVEBANK
from liontrack_stream.warehouse.queries import SQL_ROOT, query
from tests.exports.conftest import Run
from tests.exports.test_darwin_core import SAID
from tests.support.stack import environment_of

KINDS = [("movebank",), ("gpx",), ("geojson",), ("geojson", "--points"), ("darwin-core", *SAID)]
OLD = b"what was there before"
END_EXPORTS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE application_name = 'liontrack export' AND datname = current_database()
"""


@contextmanager
def owner(settings: Settings) -> Iterator[psycopg.Connection[Any]]:
    dsn: dict[str, Any] = {**settings.pg_dsn, "dbname": settings.pg_database}
    del dsn["database"]
    with psycopg.connect(**dsn) as connection:
        yield connection


def start(settings: Settings, folder: Path, *arguments: str, **files: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-m", "liontrack_stream", "export", *arguments]
    given = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **files}
    return subprocess.Popen(command, cwd=folder, env=environment_of(settings), **given)


def began(folder: Path) -> None:
    """Wait until it has begun to write."""
    for _ in range(600):
        if any(file.suffix == ".part" for file in folder.iterdir()):
            return
        time.sleep(0.05)
    raise AssertionError("it does not begin")


@pytest.mark.parametrize("kind", [KINDS[1], KINDS[4]], ids=["gpx", "darwin-core"])
def test_ctrl_c_leaves_nothing(filled: Settings, tmp_path: Path, kind: tuple[str, ...]) -> None:
    (tmp_path / "l.out").write_bytes(OLD)
    with owner(filled) as connection:
        connection.execute("LOCK TABLE silver.positions_default IN ACCESS EXCLUSIVE MODE")
        process = start(filled, tmp_path, *kind, "--out", "l.out")
        began(tmp_path)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, b"")
    assert b"Traceback" not in err
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == {"l.out": OLD}


def test_a_connection_that_breaks_leaves_nothing(filled: Settings, tmp_path: Path) -> None:
    with owner(filled) as connection:
        connection.execute("LOCK TABLE silver.positions_default IN ACCESS EXCLUSIVE MODE")
        process = start(filled, tmp_path, "geojson", "--out", "l.out")
        began(tmp_path)
        connection.execute(END_EXPORTS)
        _, err = process.communicate(timeout=30)
    assert process.returncode == 1
    assert b"liontrack: PostgreSQL at " in err
    assert b"Traceback" not in err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("turns", range(6))
async def test_a_connection_that_broke_between_statements_is_a_sentence(
    filled: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, turns: int
) -> None:
    """However far the event loop has come with what PostgreSQL said at the end, as the next statement begins."""

    async def after_the_end(self: Export) -> list[str]:
        with owner(filled) as connection:
            connection.execute(END_EXPORTS)
        for _ in range(turns):
            await asyncio.sleep(0)
        return await relations(self)

    relations = Export._relations
    monkeypatch.setattr(Export, "_relations", after_the_end)
    with pytest.raises(CommandError, match=f"^PostgreSQL at {filled.pg_host}:{filled.pg_port} cannot be used "):
        await export_command._export(
            filled, "geojson", Order(datetime.now(UTC)), str(tmp_path / "l.out"), None, shows=False
        )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: "".join(kind[:2]))
def test_a_full_disk_is_a_sentence(export: Run, kind: tuple[str, ...]) -> None:
    done = export(*kind, "--out", "/dev/full", code=1)
    assert done.stderr.splitlines()[-1] == "liontrack: /dev/full: No space left on device."
    assert Path("/dev/full").is_char_device(), "a device is written to, never replaced"


def test_an_old_file_is_replaced_also_behind_a_link(export: Run, tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "old.csv").write_bytes(OLD)
    (tmp_path / "link.csv").symlink_to("there/old.csv")
    export("movebank", "--lion", "sim-1", "--out", "link.csv")
    assert (tmp_path / "link.csv").is_symlink()
    assert b"simulator" in (tmp_path / "there" / "old.csv").read_bytes()
    assert [file.name for file in (tmp_path / "there").iterdir()] == ["old.csv"]


def test_a_pipe_is_written_to(filled: Settings, tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.gz")
    read: list[bytes] = []
    reader = threading.Thread(target=lambda: read.append((tmp_path / "pipe.gz").read_bytes()))
    reader.start()
    process = start(filled, tmp_path, "gpx", "--out", "pipe.gz")
    assert process.wait(30) == 0, process.communicate()
    reader.join(10)
    assert gzip.decompress(read[0]).endswith(b"</gpx>\n")
    assert [file.name for file in tmp_path.iterdir()] == ["pipe.gz"]


def test_standard_output_has_the_file_and_nothing_else(filled: Settings, tmp_path: Path) -> None:
    process = start(filled, tmp_path, "darwin-core", *SAID, "--json")
    out, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    (tmp_path / "l.zip").write_bytes(out)
    with zipfile.ZipFile(tmp_path / "l.zip") as archive:
        rows = archive.read("occurrence.csv").count(b"\n") - 1
    assert json.loads(err.splitlines()[-1])["rows"] == rows


def test_a_reader_that_leaves_is_no_failure(filled: Settings, tmp_path: Path) -> None:
    command = f"{sys.executable} -m liontrack_stream export geojson --points | head -c 10; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(
        ["bash", "-c", command], cwd=tmp_path, env=environment_of(filled), capture_output=True, text=True, check=False
    )
    assert done.stdout == '{"type":"F0\n'
    assert "Traceback" not in done.stderr


def test_the_report_tells_what_was_written(export: Run, tmp_path: Path) -> None:
    report = json.loads(export("movebank", "--lion", "sim-1", "--out", "s.csv", "--json").stdout)
    del report["seconds"]
    assert report == {
        "kind": "movebank", "file": "s.csv", "fixes": 2, "rows": 2, "lions": 1, "first": "2026-03-09T00:00:00Z",
        "last": "2026-03-09T00:30:00Z", "flagged": 0, "simulated": 2, "positions": "exact", "notes": [],
    }  # fmt: skip
    assert (tmp_path / "s.csv").read_text().count(",simulator\n") == 2


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (("gpx", "--lion", "nobody", "--lion", "nala"), 1, "The warehouse has no lion 'nobody'."),
        (("gpx", "--lion", "gone"), 1, "The warehouse has no lion 'gone'."),
        (("gpx", "--out", "nowhere/x.gpx"), 1, "There is no folder "),
        (("gpx", "--out", "."), 1, "is a folder: name a file in it."),
        (("gpx", "--points"), 2, "--points is for geojson."),
        (("geojson", "--include-flagged"), 2, "--include-flagged takes --points"),
        (("movebank", "--include-flagged", "--generalise", "1"), 2, "--include-flagged is for exact positions alone."),
        (("gpx", "--since", "soon"), 2, "--since: 'soon' is no ISO-8601 time."),
        (("gpx", "--since", "2026-01-02", "--until", "2026-01-02T01:00+02:00"), 2, "--since must lie before --until."),
        (("kml",), 2, "'kml' is not one of"),
        (("gpx", "--generalise", "0"), 2, "is not in the range"),
    ],
)
def test_refused_with_a_sentence(
    export: Run, tmp_path: Path, arguments: tuple[str, ...], code: int, sentence: str
) -> None:
    done = export(*arguments, code=code)
    assert sentence in done.stderr
    assert done.stdout == ""
    assert list(tmp_path.iterdir()) == []


def test_without_postgres_or_tables(export: Run, stack_settings: Settings, filled: Settings, tmp_path: Path) -> None:
    away = export("gpx", "--out", "x", code=1, settings=filled.model_copy(update={"pg_port": 9}))
    assert f"liontrack: PostgreSQL at {filled.pg_host}:9 cannot be used" in away.stderr
    assert filled.pg_password.get_secret_value() not in away.stderr
    bare = export("gpx", "--out", "x", code=1, settings=stack_settings)
    assert "run `liontrack migrate`" in bare.stderr
    assert list(tmp_path.iterdir()) == []


def test_rules_that_sql_has_too_are_the_same(filled: Settings) -> None:
    texts = ["", "=1", " =1", "'=1", "' '-", "-1.5", "a=1", "\tx", "＝1", "''", "@", "Ω", " ", "\rx"]
    with owner(filled) as connection:
        for text in texts:
            assert connection.execute("SELECT metadata.safe_cell(%s)", [text]).fetchone() == (safe_cell(text),)
        for flags in range(2 * max(FLAGS.values())):
            assert connection.execute("SELECT silver.flag_names(%s::smallint)", [flags]).fetchone() == (
                flag_names(flags),
            )


def test_a_generation_is_asked_by_its_own_names() -> None:
    with generation.using(7):
        texts = [query(f"export/{file.stem}") for file in (SQL_ROOT / "export").glob("*.sql")]
        sql, _ = statement(Question(MOVEBANK, "movebank"), "each_fix", "silver.positions_20260101")
    assert re.findall(r"(?<![\w'])(?:silver|gold|metadata|bronze)\.\w+", "\n".join(map(_code, [*texts, sql]))) == []
    assert "FROM silver_g7.positions_20260101" in sql
    assert any("metadata_g7.safe_cell(%I)" in text for text in texts)


def _code(sql: str) -> str:
    return re.sub(r"--.*", "", sql)
