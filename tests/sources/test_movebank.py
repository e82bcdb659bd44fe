"""Rows of a Movebank export into position events, and the file around them."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import msgspec
import pytest

from liontrack_stream.contract.decode import decode
from liontrack_stream.contract.events import Position
from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.sources.cells import BadRow
from liontrack_stream.sources.columns import ColumnsReader
from liontrack_stream.sources.csv_file import CsvFile
from liontrack_stream.sources.files import DamagedFile, UnreadableFile
from liontrack_stream.sources.fixes import Fix, FixMaker, SeenFixes
from liontrack_stream.sources.importing import Importer, ImportReport, Rejects
from liontrack_stream.sources.movebank import MOVEBANK

HEADER = "event-id,visible,timestamp,location-long,location-lat,individual-local-identifier"
ROW = "7,true,2010-12-19 00:30:00.000,22.5,-21.5,1001"
REAL = Path(__file__).parents[2].parent / "shared" / "data"


def fix_of(header: str, row: str) -> Fix:
    return FixMaker("movebank").make(ColumnsReader(header.split(","), MOVEBANK).read(row.split(",")))


def convert(header: str, row: str) -> dict:
    return msgspec.json.decode(fix_of(header, row).record.value)


async def run(path: Path, tmp_path: Path) -> tuple[ImportReport, list[Outgoing], list[list[str]]]:
    """Import a file into a list; the report, the records, and the rows of the rejects file."""
    sent: list[Outgoing] = []

    async def send(records: list[Outgoing]) -> None:
        sent.extend(records)

    with (
        CsvFile(path, MOVEBANK, FixMaker("movebank")) as file,
        Rejects(tmp_path / "out.rejects.csv", file.header) as rejects,
    ):
        report = await Importer(file, rejects, send).run()
    rejected = (
        list(csv.reader(rejects.path.open(encoding="utf-8", errors="surrogateescape"))) if rejects.path.exists() else []
    )
    return report, sent, rejected


def write(tmp_path: Path, *lines: str, end: str = "\n", header: str = HEADER) -> Path:
    path = tmp_path / "lions.csv"
    path.write_bytes((end.join([header, *lines]) + end).encode())
    return path


def test_a_row_becomes_the_contracts_event() -> None:
    record = fix_of(HEADER, ROW).record
    assert record.topic == POSITIONS.name
    assert record.key == b"1001"
    assert dict(record.headers)["event-type"] == b"lion.position.update"
    assert dict(record.headers)["timestamp"] == b"2010-12-19T00:30:00.000Z"
    assert msgspec.json.decode(record.value) == {
        "lion_id": "1001",
        "name": "1001",
        "position": {"lat": -21.5, "lng": 22.5},
        "timestamp": "2010-12-19T00:30:00.000Z",
        "source": "movebank",
        "event_id": "7",
        "visible": True,
    }
    assert isinstance(decode(record.topic, record.key, record.value), Position)


def test_columns_come_in_any_order_and_with_underscores() -> None:
    event = convert(
        "location_lat,individual_local_identifier,timestamp,location_long", "-21.5,1001,2010-12-19 00:30,22.5"
    )
    assert event["position"] == {"lat": -21.5, "lng": 22.5}
    assert event["timestamp"] == "2010-12-19T00:30:00.000Z"
    assert "visible" not in event


def test_optional_numbers_find_their_place() -> None:
    event = convert(
        f"{HEADER},gps:hdop,height-above-msl,height-above-ellipsoid,external-temperature,location-error-numerical",
        f"{ROW},1.5,990,1010,31.5,6",
    )
    assert (event["dop"], event["altitude"], event["temperature"], event["accuracy"]) == (1.5, 990.0, 31.5, 6.0)
    assert event["height-above-ellipsoid"] == "1010"  # the altitude it was not


def test_an_optional_number_that_is_none_stays_text() -> None:
    event = convert(f"{HEADER},gps:hdop", f"{ROW},unknown")
    assert "dop" not in event
    assert event["gps:hdop"] == "unknown"


def test_unknown_columns_are_kept_and_blank_ones_are_not() -> None:
    event = convert(f"{HEADER},study-name,tag-local-identifier,Comments,source", f"{ROW},Kalahari,,ate well,collar")
    assert event["study-name"] == "Kalahari"
    assert event["Comments"] == "ate well"
    assert "tag-local-identifier" not in event
    assert (event["source"], event["movebank:source"]) == ("movebank", "collar")


@pytest.mark.parametrize(
    ("visible", "outlier", "expected"),
    [("true", "", True), ("false", "", False), ("FALSE", "", False), ("true", "true", False), ("", "true", False)],
)
def test_outliers_are_carried_and_not_visible(visible: str, outlier: str, expected: bool) -> None:
    event = convert(
        f"{HEADER},manually-marked-outlier", f"7,{visible},2010-12-19 00:30:00.000,22.5,-21.5,1001,{outlier}"
    )
    assert event["visible"] is expected
    assert event.get("manually-marked-outlier") == (True if outlier else None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2010-12-19 00:30:00.000", "2010-12-19T00:30:00.000Z"),
        ("2010-12-19 00:30:00", "2010-12-19T00:30:00.000Z"),
        ("2010-12-19T02:30:00+02:00", "2010-12-19T00:30:00.000Z"),
        ("2010-12-19 00:30:00.000125", "2010-12-19T00:30:00.000125Z"),
    ],
)
def test_times_are_utc_with_milliseconds(text: str, expected: str) -> None:
    assert convert(HEADER, f"7,true,{text},22.5,-21.5,1001")["timestamp"] == expected


@pytest.mark.parametrize(
    ("row", "kind"),
    [
        ("7,true,2010-12-19 00:30:00.000,,-21.5,1001", "missing location"),
        ("7,true,2010-12-19 00:30:00.000,NA,-21.5,1001", "missing location"),
        ("7,true,2010-12-19 00:30:00.000,22.5,south,1001", "bad number"),
        ("7,true,2010-12-19 00:30:00.000,22.5,inf,1001", "bad number"),
        ("7,true,2010-12-19 00:30:00.000,22_5,-21.5,1001", "bad number"),
        ("7,true,2010-12-19 00:30:00.000,22.5,-91,1001", "impossible coordinate"),
        ("7,true,12/19/2010 0:30,22.5,-21.5,1001", "bad timestamp"),
        ("7,true,2010-12-19,22.5,-21.5,1001", "bad timestamp"),
        ("7,true,1850-01-01 00:00:00,22.5,-21.5,1001", "bad timestamp"),
        ("7,true,,22.5,-21.5,1001", "missing timestamp"),
        ("7,true,2010-12-19 00:30:00.000,22.5,-21.5,", "missing individual"),
        ("7,perhaps,2010-12-19 00:30:00.000,22.5,-21.5,1001", "bad flag"),
        ("7,true,2010-12-19 00:30:00.000,22.5", "wrong number of fields"),
        ("7,true,2010-12-19 00:30:00.000,22.5,-21.5,10\x0001", "nul byte"),
        ("7,true,2010-12-19 00:30:00.000,22.5,-21.5,Le\udcf6", "not UTF-8"),
        (f"7,true,2010-12-19 00:30:00.000,22.5,-21.5,{'x' * 300_000}", "oversized"),
    ],
)
def test_a_row_without_a_fix_is_refused_with_its_reason(row: str, kind: str) -> None:
    with pytest.raises(BadRow) as refused:
        fix_of(HEADER, row)
    assert refused.value.kind == kind


def test_missing_columns_are_named() -> None:
    with pytest.raises(UnreadableFile, match="lacks location-lat, individual-local-identifier"):
        ColumnsReader(["timestamp", "location-long", "tag-local"], MOVEBANK)


def test_a_repeated_column_is_named() -> None:
    with pytest.raises(UnreadableFile, match="'timestamp' more than once"):
        ColumnsReader([*HEADER.split(","), "timestamp"], MOVEBANK)


def test_seen_fixes_in_any_order() -> None:
    seen = SeenFixes()
    added = [seen.add("a", time) for time in (10, 30, 20, 30, 20, 10, 5, 5, 40)]
    assert added == [True, True, True, False, False, False, True, False, True]
    assert seen.add("b", 10)


async def test_a_file_with_bom_crlf_quotes_and_blank_lines(tmp_path: Path) -> None:
    path = tmp_path / "lions.csv"
    header = HEADER + ",study-name"
    text = f'{header}\r\n{ROW},"Lions, of the ""Kalahari""\r\nand beyond"\r\n\r\n{ROW.replace("00:30", "01:00")},x\r\n'
    path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    report, sent, rejected = await run(path, tmp_path)
    assert (report.rows, report.sent, report.skipped) == (2, 2, 0)
    assert msgspec.json.decode(sent[0].value)["study-name"] == 'Lions, of the "Kalahari"\r\nand beyond'
    assert rejected == []


async def test_rejects_hold_line_reason_and_row(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, "8,true,2010-12-19 01:00:00.000,,,1001", "9,true,never,22.5,-21.5,1001", ROW)
    report, _, rejected = await run(path, tmp_path)
    assert (report.rows, report.sent, report.skipped, report.duplicates) == (4, 1, 2, 1)
    assert dict(report.reasons) == {"missing location": 1, "bad timestamp": 1}
    assert rejected[0] == ["line", "reason", *HEADER.split(",")]
    assert [row[0] for row in rejected[1:]] == ["3", "4", "5"]
    assert "location-lat is missing" in rejected[1][1]
    assert rejected[3][1].startswith("duplicate")
    assert rejected[1][2:] == ["8", "true", "2010-12-19 01:00:00.000", "", "", "1001"]


async def test_a_visible_row_wins_over_a_hidden_one_before_it(tmp_path: Path) -> None:
    path = write(tmp_path, ROW.replace("true", "false"), ROW.replace("22.5", "22.6"))
    report, sent, _ = await run(path, tmp_path)
    assert (report.sent, report.duplicates, report.not_visible) == (1, 1, 0)
    assert msgspec.json.decode(sent[0].value)["position"]["lng"] == 22.6


async def test_a_hidden_row_of_its_own_is_sent(tmp_path: Path) -> None:
    path = write(tmp_path, ROW.replace("true", "false"), ROW.replace("00:30", "01:00"))
    report, sent, _ = await run(path, tmp_path)
    assert (report.sent, report.not_visible) == (2, 1)
    assert [msgspec.json.decode(record.value)["visible"] for record in sent] == [True, False]


async def test_the_same_file_gives_the_same_bytes(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, ROW.replace("00:30", "01:00"))
    assert (await run(path, tmp_path))[1] == (await run(path, tmp_path))[1]


async def test_a_row_that_is_not_utf8_is_rejected_as_it_came(tmp_path: Path) -> None:
    path = tmp_path / "lions.csv"
    path.write_bytes(f"{HEADER}\n{ROW}\n".encode() + ROW.replace("1001", "L\xf6we").encode("latin-1") + b"\n")
    report, _, rejected = await run(path, tmp_path)
    assert (report.sent, dict(report.reasons)) == (1, {"not UTF-8": 1})
    assert rejected[1][-1] == "L\udcf6we"


async def test_an_open_quote_costs_its_rows_and_no_more(tmp_path: Path) -> None:
    path = write(tmp_path, ROW, '"' + "y" * 140_000, ROW.replace("00:30", "01:00"))
    report, sent, _ = await run(path, tmp_path)
    assert (report.sent, report.skipped) == (len(sent), 1)
    assert report.reasons["broken CSV"] == 1


async def test_gzip_is_known_by_its_bytes_and_its_end(tmp_path: Path) -> None:
    rows = [ROW.replace("00:30:00", f"{hour:02d}:{minute:02d}:00") for hour in range(24) for minute in range(60)]
    whole = gzip.compress("\n".join([HEADER, *rows]).encode())
    path = tmp_path / "lions.csv"  # no .gz in its name
    path.write_bytes(whole)
    report, _, _ = await run(path, tmp_path)
    assert report.sent == len(rows)
    path.write_bytes(whole[: len(whole) // 2])
    report, sent, _ = await run(path, tmp_path)
    assert "damaged or cut off after line" in report.damage
    assert 0 < report.sent == len(sent) < len(rows)
    path.write_bytes(whole[:30])
    with pytest.raises(DamagedFile):
        await run(path, tmp_path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is empty"),
        (b"PK\x03\x04 and so on", "ZIP archive"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"name;lat;lng\nx;1;2\n", "lacks timestamp"),
        (b"\x00\x01\x02\x03\xff\xfe binary", "lacks timestamp"),
    ],
)
async def test_a_wrong_file_is_told_in_a_sentence(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "lions.csv"
    path.write_bytes(content)
    with pytest.raises(UnreadableFile, match=message):
        await run(path, tmp_path)


async def test_no_file_at_all(tmp_path: Path) -> None:
    with pytest.raises(UnreadableFile, match="cannot be opened: No such file"):
        await run(tmp_path / "absent.csv", tmp_path)


@pytest.mark.skipif(not REAL.is_dir(), reason="the real lion data is not beside this checkout (../shared/data)")
async def test_the_full_kalahari_file(tmp_path: Path) -> None:
    report, sent, rejected = await run(REAL / "kalahari_lions_30min_movebank.csv.gz", tmp_path)
    assert (report.rows, report.sent, report.skipped, report.duplicates) == (107_323, 107_323, 0, 0)
    assert len(report.lions) == 9
    assert rejected == []
    assert msgspec.json.decode(sent[0].value)["timestamp"] == "2009-12-07T19:30:00.000Z"
