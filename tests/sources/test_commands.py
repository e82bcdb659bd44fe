"""``liontrack topics | import | simulate`` as a person runs them: output, exit codes, Ctrl-C."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from liontrack_stream.commands.base import CommandError
from liontrack_stream.commands.simulate import _first_day
from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.settings import Settings

from ..support.reading import read_topic
from ..support.stack import environment_of
from .test_movebank import HEADER, REAL, ROW

LIONTRACK = [sys.executable, "-m", "liontrack_stream"]


def start(settings: Settings, folder: Path, *arguments: str, **changes: str) -> subprocess.Popen[str]:
    environment = {**environment_of(settings), "COLUMNS": "160", **changes}
    command = [*LIONTRACK, *arguments]
    return subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )


async def run(settings: Settings, folder: Path, *arguments: str, **changes: str) -> tuple[int, str, str]:
    """Exit code, stdout, stderr."""
    process = start(settings, folder, *arguments, **changes)
    out, err = await asyncio.to_thread(process.communicate, timeout=120)
    return process.returncode, out, err


async def test_topics_creates_and_then_finds_them(settings: Settings, tmp_path: Path) -> None:
    code, out, err = await run(settings, tmp_path, "topics", "--strict")
    assert (code, err) == (0, "")
    assert [line.split()[0] for line in out.splitlines()] == ["created"] * 5
    code, out, _ = await run(settings, tmp_path, "topics")
    assert code == 0
    assert [line.split()[0] for line in out.splitlines()] == ["exists"] * 5


async def test_topics_warns_and_exits_3_when_strict(settings: Settings, tmp_path: Path) -> None:
    await run(settings, tmp_path, "topics")
    code, _, err = await run(settings, tmp_path, "topics", "--strict", TOPIC_PARTITIONS="3")
    assert code == 3
    assert err.count("warning:") == 5


@pytest.mark.parametrize("command", [["topics"], ["simulate"], ["import", "movebank", "lions.csv"]])
async def test_without_kafka(settings: Settings, tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "lions.csv").write_text(f"{HEADER}\n{ROW}\n")
    code, out, err = await run(settings, tmp_path, *command, KAFKA_BROKERS="127.0.0.1:1")
    assert (code, out) == (1, "")
    assert "liontrack: Kafka at 127.0.0.1:1" in err
    assert "Traceback" not in err


async def test_without_settings(settings: Settings, tmp_path: Path) -> None:
    bare = {name: value for name, value in os.environ.items() if name.upper() not in environment_of(settings)}
    bare["PATH"] = os.environ["PATH"]
    done = await asyncio.to_thread(
        subprocess.run, [*LIONTRACK, "topics"], cwd=tmp_path, env=bare, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "Set KAFKA_BROKERS" in done.stderr


async def test_import_twice_sends_the_same_twice(settings: Settings, tmp_path: Path) -> None:
    rows = [ROW, ROW.replace("00:30", "01:00"), "9,true,never,22.5,-21.5,1001", ROW]
    (tmp_path / "lions.csv").write_text("\n".join([HEADER, *rows]) + "\n")
    code, out, err = await run(settings, tmp_path, "import", "movebank", "lions.csv")
    assert code == 0
    assert "2 rows sent, of 1 individuals" in out
    assert "1 skipped: 1 bad timestamp" in out
    assert "1 duplicates within the file" in out
    assert "lions.csv" in err  # the progress bar
    assert len((tmp_path / "lions.rejects.csv").read_text().splitlines()) == 3
    code, out, _ = await run(settings, tmp_path, "import", "movebank", "lions.csv", "--json")
    assert (code, json.loads(out)["sent"]) == (0, 2)
    records = await read_topic(settings, POSITIONS.name)
    assert len(records) == 4
    assert len({(record.key, record.value) for record in records}) == 2
    assert all(isinstance(decode(POSITIONS.name, record.key, record.value), Position) for record in records)


@pytest.mark.parametrize(
    ("content", "code", "words"),
    [
        (b"name,lat\nx,1\n", 2, "lacks timestamp, location-long, location-lat"),
        (f"{HEADER}\n7,true,never,22.5,-21.5,1001\n".encode(), 1, ""),
    ],
)
async def test_import_of_a_wrong_file(
    settings: Settings, tmp_path: Path, content: bytes, code: int, words: str
) -> None:
    (tmp_path / "lions.csv").write_bytes(content)
    got, _, err = await run(settings, tmp_path, "import", "movebank", "lions.csv")
    assert got == code
    assert words in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["csv", "--timezone", "Moon"], "--timezone knows no 'Moon'"),
        (["csv", "--column", "lion"], "--column takes FIELD=COLUMN"),
        (["csv", "--column", "paws=lion"], "FIELD one of time, lng, lat, lion"),
        (["geojson", "--column", "lat=y"], "a GeoJSON geometry says where a fix is"),
        (["gpx", "--rejects", "lions.csv"], "--rejects names the file itself"),
        (["reference"], "lacks tag-id, deploy-on-date: that is no reference data"),
    ],
)
async def test_import_tells_wrong_usage(settings: Settings, tmp_path: Path, options: list[str], words: str) -> None:
    (tmp_path / "lions.csv").write_text(f"{HEADER}\n{ROW}\n")
    kind, *others = options
    code, _, err = await run(settings, tmp_path, "import", kind, "lions.csv", *others)
    assert (code, "Traceback" in err) == (2, False)
    assert words in " ".join(err.split())


async def test_import_can_only_look(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "lions.csv").write_text(f"{HEADER}\n{ROW}\n")
    code, out, _ = await run(
        settings, tmp_path, "import", "movebank", "lions.csv", "--dry-run", KAFKA_BROKERS="127.0.0.1:1"
    )
    assert code == 0
    assert "1 rows would be sent" in out


@pytest.mark.skipif(not REAL.is_dir(), reason="the real lion data is not beside this checkout (../shared/data)")
async def test_import_of_the_full_kalahari_file(settings: Settings, tmp_path: Path) -> None:
    file = str(REAL / "kalahari_lions_30min_movebank.csv.gz")
    code, out, _ = await run(settings, tmp_path, "import", "movebank", file, "--json")
    assert code == 0
    counts = json.loads(out)
    assert {name: counts[name] for name in ("sent", "skipped", "duplicates", "individuals")} == {
        "sent": 107_323,
        "skipped": 0,
        "duplicates": 0,
        "individuals": 9,
    }
    assert len(await read_topic(settings, POSITIONS.name)) == 107_323


async def test_simulate_fills_all_five_topics(settings: Settings, tmp_path: Path) -> None:
    code, out, _ = await run(settings, tmp_path, "simulate", "--lions", "4", "--days", "8", "--json")
    assert code == 0
    counts = json.loads(out)["topics"]
    for topic in TOPICS:
        assert len(await read_topic(settings, topic.name)) == counts[topic.name] > 0


async def test_simulate_stops_cleanly_on_ctrl_c(settings: Settings, tmp_path: Path) -> None:
    process = start(settings, tmp_path, "simulate", "--rate", "200")
    for _ in range(300):
        with_records = await _count_or_zero(settings)
        if with_records:
            break
        await asyncio.sleep(0.1)
    process.send_signal(signal.SIGINT)
    out, err = await asyncio.to_thread(process.communicate, timeout=30)
    assert process.returncode == 130
    assert "Traceback" not in err
    told = int(re.search(r"([\d,]+)  simulated events sent", out)[1].replace(",", ""))
    held = sum([len(await read_topic(settings, topic.name)) for topic in TOPICS])
    assert 0 < told == held < 5_000


async def test_simulate_tells_wrong_usage(settings: Settings, tmp_path: Path) -> None:
    code, _, err = await run(settings, tmp_path, "simulate", "--topics", "cubs")
    assert code == 2
    assert "--topics knows positions, weights, activities, challenges, quality; not 'cubs'" in err
    with pytest.raises(CommandError, match="--start takes a day"):
        _first_day("soon", 3)


async def _count_or_zero(settings: Settings) -> int:
    try:
        return len(await asyncio.wait_for(read_topic(settings, POSITIONS.name), 5))
    except Exception:  # the topic is not there yet
        return 0
