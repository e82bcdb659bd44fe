"""Reference data: what is read of a file, and a collar that moves to another lion, end to end.

::

    tag 1   ├─ A ─────┤├─ B ────────►      fixes come every half hour; the file of fixes says A of all
"""

from __future__ import annotations

import gzip
import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from liontrack_stream.contract.times import iso
from liontrack_stream.contract.topics import POSITIONS, WEIGHTS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings
from liontrack_stream.sources.csv_file import CsvFile
from liontrack_stream.sources.deployments import Deployments
from liontrack_stream.sources.files import DamagedFile, UnreadableFile
from liontrack_stream.sources.fixes import FixMaker
from liontrack_stream.sources.movebank import MOVEBANK
from liontrack_stream.sources.reference import Reference, read_reference
from tests.support.forked import run_forked
from tests.support.oracle import Consumed, compute
from tests.support.pipeline_kit import PipelineKit
from tests.support.records import APPENDED_MS
from tests.support.worker_process import REPOSITORY
from tests.warehouse.test_deployments import differences_of_lions

HEADER = "animal-id,tag-id,deploy-on-date,deploy-off-date,animal-mass,animal-sex"
FIXES = "timestamp,location-long,location-lat,individual-local-identifier,tag-local-identifier"


def read(tmp_path: Path, *rows: str, header: str = HEADER, unit: str = "g") -> Reference:
    path = tmp_path / "reference.csv"
    path.write_text("\n".join([header, *rows]) + "\n")
    return read_reference(path, unit)


def test_rows_become_deployments(tmp_path: Path) -> None:
    header = "Tag_ID;animal_id;deploy_on_date;deploy_off_date;animal_mass;animal_sex;animal-taxon"
    rows = [
        "1;A;2020-01-01;2020-02-01 12:00:00.000;181.5;f;Panthera leo",
        "1;B;2020-02-01 12:00;;;m;",
        "2;A;;2020-01-01;;;",
    ]
    found = list(read(tmp_path, *rows, header=header, unit="kg").deployments)
    assert [(one.tag, one.animal, one.period, one.sex) for one in found] == [
        ("2", "A", "from ever to 2020-01-01T00:00:00.000Z", None),
        ("1", "A", "from 2020-01-01T00:00:00.000Z to 2020-02-01T12:00:00.000Z", "f"),
        ("1", "B", "from 2020-02-01T12:00:00.000Z to now", "m"),
    ]
    assert (found[1].mass_g, found[1].attributes, found[2].attributes) == (
        181_500,
        {"animal-taxon": "Panthera leo"},
        None,
    )


def test_overlaps_are_refused_with_both_lines(tmp_path: Path) -> None:
    rows = ["A,1,2020-01-01,2020-03-01,,", "B,1,2020-02-01,,,", "C,1,2019-01-01,2020-01-01,,", "D,2,2020-01-01,,,"]
    found = read(tmp_path, *rows)
    assert [(line, reason) for line, reason, _ in found.refused] == [
        (2, "tag 1 is on two animals at once: line 2 overlaps line 3"),
        (3, "tag 1 is on two animals at once: line 3 overlaps line 2"),
        (4, "line 2 of the same tag was refused: the deployments of tag 1 stay as they were"),
    ]
    assert found.deployments.tags == {"2"}


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (",1,2020-01-01,,,", "animal-id is missing"),
        ("A,,2020-01-01,,,", "tag-id is missing"),
        ("A,1,soon,,,", "deploy-on-date: 'soon' is no ISO-8601 time"),
        ("A,1,2020-02-01,2020-01-01,,", "deploy-off-date is not after deploy-on-date"),
        ("A,1,2020-01-01,2020-01-01,,", "deploy-off-date is not after deploy-on-date"),
        ("A,1,2020-01-01,,heavy,", "animal-mass is no mass: 'heavy'"),
        ("A,1,2020-01-01,,-1,", "animal-mass is no mass"),
        ("A,1,2020-01-01", "has 3 fields where the header has 6"),
        ("A\x00,1,2020-01-01,,,", "a text holds a NUL character"),
        (f"{'A' * 300},1,2020-01-01,,,", "animal-id has more than 256 bytes"),
    ],
)
def test_a_row_that_is_refused_costs_its_tag(tmp_path: Path, row: str, reason: str) -> None:
    found = read(tmp_path, "B,1,2019-01-01,2019-02-01,,", row, "D,2,2020-01-01,,,", "D,2,2020-01-01,,,")
    assert found.refused[-1][0] == 3
    assert reason in found.refused[-1][1]
    assert "2" in found.deployments.tags
    assert found.duplicates == 1
    assert ("1" in found.deployments.tags) == (row.split(",")[1] != "1")


def test_other_files_are_told_in_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="lacks tag-id, deploy-on-date: that is no reference data"):
        read(tmp_path, header="animal-id,lat")
    path = tmp_path / "cut.csv.gz"
    path.write_bytes(gzip.compress(f"{HEADER}\nA,1,2020-01-01,,,\n".encode() * 500)[:-20])
    with pytest.raises(DamagedFile, match="damaged or cut off"):
        read_reference(path)


# -- end to end

HALF_HOUR_US, BEGIN_US = 1_800_000_000, 1_577_836_800_000_000  # 2020-01-01
COUNT = 240  # five days


def rows_of(tag: str, lion: str) -> list[str]:
    """A fix each half hour; its place tells which."""
    return [
        f"{iso(BEGIN_US + n * HALF_HOUR_US)},{22.5 + n / 10_000},{-21.5 + len(tag) / 100},{lion},{tag}"
        for n in range(COUNT)
    ]


class Field:
    """Files in a folder, the commands that take them, and what ought to be then."""

    def __init__(self, kit: PipelineKit) -> None:
        self.kit, self.folder = kit, kit.folder
        self.fixes = self.folder / "fixes.csv"
        rows = [*rows_of("1", "A"), *rows_of("22", "C")]
        self.fixes.write_text("\n".join([FIXES, *rows]) + "\n")

    def reference(self, *rows: str) -> Path:
        path = self.folder / "reference.csv"
        path.write_text("\n".join([HEADER, *rows]) + "\n")
        return path

    def run(self, *arguments: str | Path, code: int = 0) -> dict[str, Any]:
        """A command's JSON."""
        words = ["import", *map(str, arguments), "--rejects", str(self.folder / "rejects.csv"), "--json"]
        done: subprocess.CompletedProcess[str] = run_forked(
            "liontrack_stream", words, self.kit.environment(), REPOSITORY, 120.0
        )
        assert done.returncode == code, done.stderr
        assert "Traceback" not in done.stderr
        return json.loads(done.stdout)

    def assert_right(self, worn: Deployments) -> None:
        """All tables are the oracle's of what Kafka holds; lions' fixes and gold those of the right lions alone."""
        self.kit.assert_right()
        with CsvFile(self.fixes, MOVEBANK, FixMaker("movebank", worn)) as file:
            sent = [file.convert(row).record for row in file.rows()]
        records = [Consumed(r.topic, 0, n, APPENDED_MS + n, r.key, r.value) for n, r in enumerate(sent)]
        records += [record for record in self.kit.consumed() if record.topic == WEIGHTS.name]
        assert differences_of_lions(compute(records), self.kit.warehouse()) == []


@pytest.fixture
def field(settings: Settings, tmp_path: Path) -> Any:
    kit = PipelineKit(settings, tmp_path)
    yield Field(kit)
    kit.end()


NOON_US = BEGIN_US + 48 * 5 * HALF_HOUR_US // 2  # of the third day
NOON = iso(NOON_US)


def test_a_collar_moves_and_both_lions_histories_are_right(field: Field) -> None:
    """Fixes first, then the reference data, then a corrected one, and one that would bring fixes back."""
    field.run("movebank", field.fixes)
    field.kit.catch_up()
    first = field.reference(f"A,1,2020-01-01,{NOON},182000,f", f"B,1,{NOON},,175000,m", "C,22,2020-01-01,,,")
    look = field.run("reference", first, "--dry-run")
    assert look["moved"] == [{"tag": "1", "from": "A", "to": "B", "fixes": 120}]
    assert field.kit.fetch("SELECT count(*) FROM catalog.deployments")[0][0] == 0
    assert field.run("reference", first)["moved"] == look["moved"]
    field.kit.catch_up()
    field.assert_right(read_reference(first).deployments)
    assert [tuple(row) for row in field.kit.fetch(
        "SELECT lion_id, weight, measured_at::date::text FROM silver.weight_history WHERE flags = 0 ORDER BY 1"
    )] == [("A", 182.0, "2020-01-01"), ("B", 175.0, "2020-01-03")]  # fmt: skip
    assert field.kit.fetch("SELECT DISTINCT animal_sex FROM silver.deployed_positions WHERE lion_id = 'B'") == [("m",)]
    revised = {row[0] for row in field.kit.fetch("SELECT entity_id FROM metadata.revisions WHERE cause = 'deletion'")}
    assert revised == {"A"}
    again = field.run("reference", first)
    assert (again["moved"], again["stuck"], again["weighings"]) == ([], {}, 2)

    # B had it a day earlier, and weighed less; C's collar was D's in between.
    earlier = iso(NOON_US - 48 * HALF_HOUR_US)
    second = field.reference(
        f"A,1,2020-01-01,{earlier},182000,f", f"B,1,{earlier},,170000,m",
        "C,22,2020-01-01,2020-01-02,,", "D,22,2020-01-02,2020-01-03,,f", "C,22,2020-01-03,,,",
    )  # fmt: skip
    told = field.run("movebank", field.fixes, "--reference", second)
    assert [(m["from"], m["to"], m["fixes"]) for m in told["reference"]["moved"]] == [("A", "B", 48), ("C", "D", 48)]
    assert (told["sent"], told["by_deployment"], told["reference"]["weighings_withdrawn"]) == (480, 216, 1)
    stats = field.kit.catch_up()
    assert (stats["conflicts"], stats["dead_letters"]) == (0, 0)
    field.assert_right(read_reference(second).deployments)
    weights = field.kit.fetch("SELECT weight FROM silver.weight_history WHERE flags = 0 AND lion_id = 'B'")
    assert weights == [(170.0,)]

    # Now it was A's until noon after all: those 48 fixes were A's before, and stay hidden there.
    third = field.reference(f"A,1,2020-01-01,{NOON},182000,f", f"B,1,{NOON},,170000,m")
    stuck = field.run("reference", third, code=1)
    assert (stuck["moved"], stuck["stuck"]) == ([], {"hidden at its lion": 48})
    rejected = (field.folder / "rejects.csv").read_text().splitlines()
    assert len(rejected) == 49
    assert "the fix of tag 1 is lion A's and stays at B: lion A had a fix of this time" in rejected[1]
    field.kit.catch_up()
    field.kit.assert_right()

    replayed = field.kit.command("replay", "--json")
    assert all(not (t["added"] or t["removed"] or t["changed"]) for t in json.loads(replayed.stdout)["tables"])


def test_reference_data_first_and_pushed_fixes(field: Field) -> None:
    """What is known before is right at once; fixes that came by themselves (`tag_id`, A's all) are moved later."""
    worn = field.reference(f"A,1,2020-01-01,{NOON},,", f"B,1,{NOON},,,", "C,22,2020-01-01,,,")
    assert field.run("reference", worn)["moved"] == []
    assert field.run("movebank", field.fixes)["by_deployment"] == 120
    pushed = {"lion_id": "A", "position": {"lat": -21.5, "lng": 22.5}, "tag_id": "1", "event_id": "push-1"}
    time = iso(NOON_US + 1_000)
    field.kit.send([Outgoing(POSITIONS.name, b"A", json.dumps(pushed | {"timestamp": time}).encode())])
    waiting = field.run("reference", worn)
    assert (waiting["moved"], waiting["not_stored_yet"]) == ([], 481)
    field.kit.catch_up()
    assert field.run("reference", worn)["moved"] == [{"tag": "1", "from": "A", "to": "B", "fixes": 1}]
    field.kit.catch_up()
    field.kit.assert_right()
    found = field.kit.fetch("SELECT lion_id FROM silver.positions WHERE event_id = 'push-1' AND flags = 0")
    assert [row[0] for row in found] == ["B"]
