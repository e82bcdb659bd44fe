"""There and back: what an import of an export sends is what the fixes came from, whatever the file's columns were."""

from __future__ import annotations

import csv
import json
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from tests.exports.conftest import run_export
from tests.support.oracle import Consumed
from tests.support.records import APPENDED_MS
from tests.support.replaying import Replay
from tests.support.strategies import Step
from tests.views.export.test_movebank import events

FULL = """\
event-id,visible,timestamp,location-long,location-lat,height-above-ellipsoid,gps:hdop,eobs:temperature,\
manually-marked-outlier,sensor-type,individual-taxon-canonical-name,tag-local-identifier,\
individual-local-identifier,study-name,comments,"odd, ""name"" x",source
1,true,2010-12-19 00:00:00.000,22.540513,-21.470060,,,,,gps,Panthera leo,1001,1001,"Lions ""K"", Kalahari",=1+1,x,collar
2,true,2010-12-19 00:30:00.125,22.5405131,-21.47006,901.5,1.2,-3.5,false,argos,Panthera leo leo,,=K,,'quoted,,
3,false,2010-12-19 01:00:00.000,22.6,-21.5,,,,,gps,Panthera leo,1001,1001,,''=twice,,
4,true,2010-12-19 01:30:00.000,23.7,-21.5,,,,,gps,Panthera leo,1001,1001,,"two
lines",,
5,true,2010-12-20 00:00:00.000250,-179.5,0.5,,,,,gps,Panthera leo,+1002,-1002,@study,\t tab,-1,+2
,true,2010-12-20 00:30:00.000,-179.5,0.5,,,,,gps,Panthera leo,,Ñala 🦁,,NA,,
"""
PLAIN = """\
timestamp,location-long,location-lat,individual-local-identifier
2010-12-19 00:00:00.000,22.540513,-21.470060,1001
2010-12-19 00:30:00.000,0,0,1001
2010-12-19 01:00:00.000,1e-7,-21.5,1001
"""
UNDERSCORES = """\
Event_ID,Visible,Timestamp,Location_Long,Location_Lat,Individual_Local_Identifier,Sensor_Type,Study_Name,Comments
1,TRUE,2010-12-19 00:00:00.000,22.540513,-21.470060,1001,gps,Kalahari,first
2,,2010-12-19 00:30:00.000,22.540513,-21.470060,1001,,,
"""
# A number and a text, or two numbers, in columns that tell the same: which one an import takes must come out again.
RIVALS = """\
timestamp,location-long,location-lat,individual-local-identifier,height-above-msl,height-above-ellipsoid,\
location-error-numerical,eobs:horizontal-accuracy-estimate,gps:hdop,GPS_HDOP,gps:dop,gps-pdop,eobs:temperature,\
external_temperature
2010-12-19 00:00:00.000,22.5,-21.5,1001,990,1010.5,3,4,1,2,3,4,-20,30
2010-12-19 00:30:00.000,22.5,-21.5,1001,unknown,1010.5,none,4,,2,3,,-20,none
2010-12-19 01:00:00.000,22.5,-21.5,1001,,1010.5,,,,none,3,4,-20,
2010-12-19 01:30:00.000,22.5,-21.5,1001,unknown,lost,3,none,none,none,none,4,none,-30
2010-12-19 02:00:00.000,22.5,-21.5,1001,,,,,,,,,,
2010-12-19 02:30:00.000,22.5,-21.5,1001,990,,3,,,,3,,,30
"""
FILES = {"full": FULL, "plain": PLAIN, "underscores": UNDERSCORES, "rivals": RIVALS}


async def deliver(replay: Replay, path: Path, offset: int) -> int:
    """What an import sends, through the real sink; the next offset."""
    found = events(path)
    records = [
        Consumed(
            POSITIONS.name,
            0,
            offset + n,
            APPENDED_MS + offset + n,
            event["lion_id"].encode(),
            json.dumps(event).encode(),
        )
        for n, event in enumerate(found)
    ]
    await replay.deliver([Step(POSITIONS.name, 0, records)])
    return offset + len(found)


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.mark.parametrize("kind", FILES)
async def test_an_export_imported_again_is_known_to_the_last_bit(
    replay: Replay, settings: Settings, tmp_path: Path, kind: str
) -> None:
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_bytes(FILES[kind].encode())
    count = await deliver(replay, before, 0)
    assert replay.stats.silver == count
    done = run_export(settings, tmp_path, ("movebank", "--include-flagged", "--out", "after.csv", "--json"))
    report = json.loads(done.stdout)
    assert (report["rows"], report["fixes"], report["notes"]) == (count, count, [])
    assert events(after) == events(before)
    await deliver(replay, after, count)
    assert (replay.stats.silver, replay.stats.duplicates, replay.stats.conflicts) == (count, count, 0)


async def test_rows_are_those_of_the_file(replay: Replay, settings: Settings, tmp_path: Path) -> None:
    """Cell by cell, of every column that the file has; numbers by value."""
    before = tmp_path / "before.csv"
    before.write_bytes(FULL.encode())
    await deliver(replay, before, 0)
    run_export(settings, tmp_path, ("movebank", "--include-flagged", "--out", "after.csv"))
    told, columns = rows(tmp_path / "after.csv"), rows(before)[0].keys()
    moved = {
        "gps:hdop": "gps:dop",
        "eobs:temperature": "external-temperature",
        "height-above-ellipsoid": "height-above-msl",
    }
    assert set(columns) - set(told[0]) == set(moved), "numbers are told under one name"

    def cells(row: dict[str, str], renamed: bool) -> tuple[Any, ...]:
        return tuple(_value(name, row[moved.get(name, name) if renamed else name]) for name in columns)

    expected = [cells(row, renamed=False) for row in rows(before)]
    visible = list(columns).index("visible")
    expected[3] = (*expected[3][:visible], "true", *expected[3][visible + 1 :])
    assert {cells(row, renamed=True) for row in told} == set(expected)
    text = (tmp_path / "after.csv").read_text()
    assert ",'=1+1," in text
    assert ",'-1002," in text


def _value(name: str, cell: str) -> Any:
    cell = cell.strip()
    if cell.startswith("'") and cell.lstrip("' ")[:1] in tuple("=+-@"):
        cell = cell[1:]
    if name == "timestamp":
        return cell.removesuffix("000") if len(cell) == 26 else cell
    try:
        return float(cell) if name not in ("event-id", "tag-local-identifier", "individual-local-identifier") else cell
    except ValueError:
        return cell


async def test_accepted_fixes_alone_are_the_default(replay: Replay, settings: Settings, tmp_path: Path) -> None:
    before = tmp_path / "before.csv"
    before.write_bytes(FULL.encode())
    await deliver(replay, before, 0)
    done = run_export(settings, tmp_path, ("movebank",))
    assert "Positions are exact: whoever gets the file can find the lions." in done.stderr
    told = list(csv.DictReader(done.stdout.splitlines(keepends=True)))
    assert "3" not in [row["event-id"] for row in told]
    assert {row["visible"] for row in told} == {"true"}


async def test_fields_that_are_one_column_are_merged_and_named(
    replay: Replay, settings: Settings, tmp_path: Path
) -> None:
    """Two files, one of which writes its columns with underscores."""
    first, second = tmp_path / "first.csv", tmp_path / "second.csv"
    first.write_text(UNDERSCORES.replace("Comments", "Field_Notes"))
    second.write_text(UNDERSCORES.replace("Comments", "field-notes").replace("1001", "1002"))
    offset = await deliver(replay, first, 0)
    await deliver(replay, second, offset)
    done = run_export(settings, tmp_path, ("movebank", "--include-flagged", "--out", "after.csv", "--json"))
    assert json.loads(done.stdout)["notes"] == [
        "The further fields 'Field_Notes' and 'field-notes' are one column of Movebank's."
    ]
    told = rows(tmp_path / "after.csv")
    assert sorted((row["Field_Notes"], row["individual-local-identifier"]) for row in told) == [
        ("", "1001"), ("", "1002"), ("first", "1001"), ("first", "1002"),
    ]  # fmt: skip
