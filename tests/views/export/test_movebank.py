"""Fixes under Movebank's names: what `liontrack import movebank` reads gives the events that the fixes came from."""

from __future__ import annotations

import gzip
from pathlib import Path
from typing import Any

import msgspec
import pytest
from pydantic import SecretStr

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.settings import Settings
from liontrack_stream.sources.csv_file import CsvFile
from liontrack_stream.sources.fixes import FixMaker
from liontrack_stream.sources.movebank import MOVEBANK as LAYOUT
from liontrack_stream.sources.movebank import NUMBERS, REQUIRED
from tests.support.oracle import Consumed
from tests.support.records import APPENDED_MS
from tests.support.replaying import Replay
from tests.support.strategies import Step
from tests.views import tokens
from tests.views.conftest import Serve
from tests.views.export.reading import read_csv
from tests.views.export.test_tables import ROUTE
from tests.views.tokens import SECRET

MOVEBANK = f"{ROUTE}/movebank"
FILE = """\
event-id,visible,timestamp,location-long,location-lat,height-above-ellipsoid,location-error-numerical,gps:hdop,\
external-temperature,manually-marked-outlier,sensor-type,individual-taxon-canonical-name,tag-local-identifier,\
individual-local-identifier,study-name
1,true,2010-12-19 00:00:00.000,22.540513,-21.470060,,,,,,gps,Panthera leo,1001,1001,"Lions ""K"", Kalahari"
2,true,2010-12-19 00:30:00.125,22.5405131,-21.47006,901.5,4.5,1.2,-3.5,false,argos,Panthera leo leo,,1001,=K
3,false,2010-12-19 01:00:00.000,22.6,-21.5,,,,,,gps,Panthera leo,1001,1001,
4,true,2010-12-19 01:30:00.000,22.7,-21.5,,,,,true,gps,Panthera leo,1001,1001,
5,true,2010-12-20 00:00:00.000250,-179.5,0.5,,,,,,gps,Panthera leo,+1002,-1002,'@study
,true,2010-12-20 00:30:00.000,-179.5,0.5,,,,,,gps,Panthera leo,,Ñala 🦁,
"""


def events(path: Path) -> list[dict[str, Any]]:
    """The events that an import would send, by lion and time."""
    with CsvFile(path, LAYOUT, FixMaker("movebank")) as file:
        found = [msgspec.json.decode(file.convert(row).record.value or b"") for row in file.rows()]
    return sorted(found, key=lambda event: (event["lion_id"], event["timestamp"]))


async def store(replay: Replay, path: Path) -> None:
    """What an import sends, through the real sink."""
    with CsvFile(path, LAYOUT, FixMaker("movebank")) as file:
        sent = [file.convert(row).record for row in file.rows()]
    records = [Consumed(POSITIONS.name, 0, n, APPENDED_MS + n, r.key, r.value) for n, r in enumerate(sent)]
    await replay.deliver([Step(POSITIONS.name, 0, records)])


@pytest.mark.parametrize("packed", [False, True])
async def test_there_and_back(serve: Serve, replay: Replay, settings: Settings, tmp_path: Path, packed: bool) -> None:
    before, after = tmp_path / "before.csv", tmp_path / "after.csv"
    before.write_text(FILE)
    await store(replay, before)
    client = await serve(pg_database=settings.pg_database, jwt_secret=SecretStr(SECRET))
    response = await client.get(MOVEBANK, headers=tokens.RANGER)
    body = await response.read()
    after.write_bytes(gzip.compress(body) if packed else body)
    assert events(after) == events(before)
    assert b",'-1002," in body, "a spreadsheet must not run it"
    assert [row["visible"] for row in read_csv(body)] == ["true", "true", "false", "false", "true", "true"]

    one = await client.get(MOVEBANK, params={"lion_id": "1001", "limit": "2"}, headers=tokens.RANGER)
    rows = read_csv(await one.read())
    assert [(row["individual-local-identifier"], row["event-id"]) for row in rows] == [("1001", "1"), ("1001", "2")]
    params = {"since": "2010-12-20", "until": "2010-12-20T00:30:00Z"}
    cut = await client.get(MOVEBANK, params=params, headers=tokens.RANGER)
    assert [row["timestamp"] for row in read_csv(await cut.read())] == ["2010-12-20 00:00:00.000250"]


async def test_names_are_movebanks(serve: Serve, tmp_path: Path) -> None:
    client = await serve()
    body = await (await client.get(MOVEBANK, headers=tokens.VISITOR)).read()
    header = body.partition(b"\r\n")[0].decode().split(",")
    assert set(REQUIRED) <= set(header)
    assert all(set(columns) & set(header) for columns in NUMBERS.values())
    path = tmp_path / "export.csv"
    path.write_bytes(body)
    found = events(path)
    assert {(event["position"]["lat"], event["position"]["lng"]) for event in found if event["lion_id"] == "nala"} == {
        (-24.8, 23.3), (-24.5, 23.7), (-24.5, 23.6),
    }  # fmt: skip
    assert all("event_id" not in event and "accuracy" not in event for event in found)


async def test_fixes_say_where_they_came_from(serve: Serve) -> None:
    """A simulated lion stays one in a file that leaves the house; deleted fixes do not."""
    client = await serve()
    rows = read_csv(await (await client.get(MOVEBANK, headers=tokens.RANGER)).read())
    assert {row["study-name"] for row in rows} == {"", "collar"}
    assert "2026-03-09 11:31:00.000" not in {row["timestamp"] for row in rows}
