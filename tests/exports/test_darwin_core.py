"""The Darwin Core Archive: other people's readers and schemas take it; its rows are the first fixes of the hours."""

from __future__ import annotations

import csv
import zipfile
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from dwca.read import DwCAReader
from geographiclib.geodesic import Geodesic
from lxml import etree
from metapype.eml import validate
from metapype.model import metapype_io

from liontrack_stream.exports.darwin_core.occurrences import uncertainty_m
from liontrack_stream.views.positions import on_grid
from tests.exports.conftest import Run

SCHEMAS = Path(__file__).with_name("schemas")
SAID = ("--license", "CC-BY-4.0", "--creator", "MacFarlane, Kevin", "--creator", "Ministry of <Lions> & Co")
REQUIRED = (
    "occurrenceID", "basisOfRecord", "eventDate", "scientificName", "kingdom", "decimalLatitude", "decimalLongitude",
    "geodeticDatum", "coordinatePrecision", "dataGeneralizations", "license", "organismID", "samplingProtocol",
    "occurrenceStatus", "datasetName",
)  # fmt: skip
EML = "{https://eml.ecoinformatics.org/eml-2.2.0}eml"


def occurrences(path: Path) -> list[dict[str, str]]:
    """The rows of the core, by their terms' short names, as an independent reader gives them."""
    with DwCAReader(str(path)) as archive:
        assert archive.descriptor.core.type == "http://rs.tdwg.org/dwc/terms/Occurrence"
        return [{term.rpartition("/")[2]: value for term, value in row.data.items()} for row in archive]


def first_of_hours(fixes: list[dict[str, Any]]) -> dict[str, tuple[dict[str, Any], int]]:
    """By occurrenceID without its beginning: each hour's first accepted fix, and how many the hour has."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    counts: Counter[tuple[Any, ...]] = Counter()
    for fix in fixes:
        time = fix["event_time"]
        hour = (fix["lion_id"], time.year, time.month, time.day, time.hour)
        if fix["flags"] == 0:
            counts[hour] += 1
            if hour not in found or time < found[hour]["event_time"]:
                found[hour] = fix
    return {f"{fix['lion_id']}:{_iso(fix['event_time'])}": (fix, counts[hour]) for hour, fix in found.items()}


def _iso(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def by_id(rows: list[dict[str, str]]) -> dict[str, dict[str, str]]:
    found = {unquote(row["occurrenceID"]).removeprefix("lion:"): row for row in rows}
    assert len(found) == len(rows), "an occurrenceID comes once"
    return found


def test_exact_rows_are_the_first_fixes_of_the_hours(export: Run, fixes: list[dict[str, Any]], tmp_path: Path) -> None:
    done = export("darwin-core", "--exact", "--out", "l.zip", *SAID)
    assert "Positions are exact: whoever gets the file can find the lions." in done.stderr
    rows, expected = by_id(occurrences(tmp_path / "l.zip")), first_of_hours(fixes)
    assert rows.keys() == expected.keys()
    assert len(expected) > 200
    for name, (fix, count) in expected.items():
        row = rows[name]
        assert (float(row["decimalLatitude"]), float(row["decimalLongitude"])) == (
            round(fix["lat"], 7), round(fix["lng"], 7),
        )  # fmt: skip
        assert "e" not in row["decimalLongitude"]
        assert f"first of {count} record{'s' * (count > 1)}" in row["dataGeneralizations"]
        assert "grid" not in row["dataGeneralizations"]
        told = float(row["coordinateUncertaintyInMeters"] or 0)
        assert told == 0 if not fix["accuracy"] else fix["accuracy"] <= told < fix["accuracy"] + 1
        assert (row["coordinatePrecision"], row["informationWithheld"]) == ("0.0000001", "")
        assert row["minimumElevationInMeters"] == ("" if fix["altitude"] is None else f"{fix['altitude']:g}")


def test_what_is_published_is_on_the_grid_of_the_api_and_old(
    export: Run, fixes: list[dict[str, Any]], tmp_path: Path
) -> None:
    export("darwin-core", "--out", "l.zip", *SAID)
    delayed = datetime.now(UTC) - timedelta(hours=24)
    young = [fix for fix in fixes if fix["event_time"] > delayed]
    assert [fix["lat"] for fix in young] == [-24.777777]
    expected = first_of_hours([fix for fix in fixes if fix not in young])
    rows = by_id(occurrences(tmp_path / "l.zip"))
    assert rows.keys() == expected.keys()
    for name, (fix, _) in expected.items():
        row = rows[name]
        lat, lng = float(row["decimalLatitude"]), float(row["decimalLongitude"])
        assert (lat, lng) == (on_grid(fix["lat"], 0.1, 90.0), on_grid(fix["lng"], 0.1, 180.0))
        away = Geodesic.WGS84.Inverse(lat, lng, fix["lat"], fix["lng"])["s12"]
        assert away <= float(row["coordinateUncertaintyInMeters"]) < 8_000
        assert row["coordinatePrecision"] == "0.1"
        assert row["dataGeneralizations"].endswith("; coordinates rounded to a 0.1 degree grid")
        assert row["informationWithheld"].startswith("exact coordinates, elevation and accuracy, and positions later")
        assert (row["minimumElevationInMeters"], row["maximumElevationInMeters"]) == ("", "")


def test_an_own_grid_and_delay(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--generalise", "7", "--delay-h", "0", "--out", "l.zip", *SAID)
    rows = occurrences(tmp_path / "l.zip")
    assert {row["informationWithheld"] for row in rows} == {"exact coordinates, elevation and accuracy are withheld"}
    assert max(row["eventDate"] for row in rows) > _iso(datetime.now(UTC) - timedelta(hours=3))


@pytest.mark.parametrize(("lat", "grid_deg"), [(0.0, 0.1), (-24.0, 0.1), (63.0, 7.0), (90.0, 7.0), (-89.9, 0.1)])
def test_the_uncertainty_reaches_every_place_of_the_cell(lat: float, grid_deg: float) -> None:
    told = uncertainty_m(lat, grid_deg)
    away = [
        Geodesic.WGS84.Inverse(lat, 20, max(-90, min(90, lat + y * grid_deg / 40)), 20 + x * grid_deg / 40)["s12"]
        for x in range(-20, 21)
        for y in range(-20, 21)
    ]
    assert max(away) <= told + 0.01
    assert told <= max(away) + 1


def test_schemas_and_readers_take_it(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--out", "l.zip", *SAID, "--contact", "a@example.org", "--rights-holder", "Trust & <Co>",
           "--title", "Lions ]]> of\nBotswana\x0b", "--description", "Nine lions.")  # fmt: skip
    with zipfile.ZipFile(tmp_path / "l.zip") as archive:
        assert archive.testzip() is None
        assert sorted(archive.namelist()) == ["eml.xml", "meta.xml", "occurrence.csv"]
        meta, eml, core = (archive.read(name) for name in ("meta.xml", "eml.xml", "occurrence.csv"))
    assert _schema().validate(etree.fromstring(meta)), "meta.xml is not what TDWG's schema says"
    terms = [field.get("term") for field in etree.fromstring(meta).iter("{*}field")]
    simple = set((SCHEMAS / "simple_dwc_vertical.csv").read_text().split())
    assert [term for term in terms if term.rpartition("/")[2] not in simple] == []
    assert len(set(terms)) == len(terms)
    header = core.decode().partition("\n")[0].split(",")
    assert header == [term.rpartition("/")[2] for term in terms]
    assert core.count(b"\n") == len(occurrences(tmp_path / "l.zip")) + 1, "a row is a line"
    assert _eml_problems(eml) == []
    with DwCAReader(str(tmp_path / "l.zip")) as archive:
        assert archive.metadata.find("dataset/title").text == "Partly simulated: Lions ]]> of Botswana\ufffd"
    document = etree.fromstring(eml)
    assert document.tag == EML
    assert [name.text for name in document.findall("dataset/creator/individualName/surName")] == ["MacFarlane"]
    assert document.findtext("dataset/creator/organizationName") == "Ministry of <Lions> & Co"
    assert document.findtext("dataset/contact/electronicMailAddress") == "a@example.org"
    assert document.findtext("dataset/licensed/url") == "https://creativecommons.org/licenses/by/4.0/"
    assert "Nine lions." in [para.text for para in document.iterfind("dataset/abstract/para")]


def _schema() -> etree.XMLSchema:
    """TDWG's schema; what it imports from elsewhere, none of its types use."""
    schema = etree.parse(str(SCHEMAS / "tdwg_dwc_text.xsd"))
    for imported in schema.findall("{http://www.w3.org/2001/XMLSchema}import"):
        schema.getroot().remove(imported)
    return etree.XMLSchema(schema)


def _eml_problems(eml: bytes) -> list[Any]:
    """What metapype's rules of EML 2.2.0 say; they do not know the links in paragraphs that the schema allows."""
    document = etree.fromstring(eml)
    for link in document.iter("ulink"):
        for inner in link:
            link.remove(inner)
    etree.strip_tags(document, "ulink")
    problems: list[Any] = []
    validate.tree(metapype_io.from_xml(etree.tostring(document, encoding="unicode")), problems)
    return problems


def test_the_rules_of_eml_find_what_lacks(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--out", "l.zip", *SAID)
    with zipfile.ZipFile(tmp_path / "l.zip") as archive:
        eml = archive.read("eml.xml")
    assert _eml_problems(eml) == []
    assert _eml_problems(eml.replace(b"creator>", b"author>")) != []


def test_rows_have_what_they_must(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--out", "l.zip", *SAID)
    rows = occurrences(tmp_path / "l.zip")
    assert [(row["occurrenceID"], term) for row in rows for term in REQUIRED if not row[term]] == []
    assert {row["basisOfRecord"] for row in rows} == {"MachineObservation"}
    assert all(row["eventDate"].endswith("Z") for row in rows)
    lions = {row["organismID"]: row for row in rows}
    nala = [row for row in rows if row["organismID"] == "nala"]
    assert {row["organismName"] for row in nala} == {
        '\'=HYPERLINK("x","y") ]]> <b>&\ufffd\ufffd \'quoted\', second line'
    }
    assert {row["sex"] for row in nala} == {"female", ""}
    assert lions["%3D1%2B1"]["organismName"] == "'@SUM(A1)"
    assert (lions["%3D1%2B1"]["scientificName"], lions["%3D1%2B1"]["taxonRank"]) == ("Panthera leo leo", "subspecies")
    cheetah = next(row for row in rows if row["scientificName"] == "Acinonyx jubatus")
    assert (cheetah["genus"], cheetah["vernacularName"], cheetah["kingdom"]) == ("", "", "Animalia")
    formulas = [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@")]
    assert formulas == []


def test_what_is_simulated_says_so(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--lion", "sim-1", "--out", "s.zip", *SAID)
    [row] = occurrences(tmp_path / "s.zip")
    assert row["datasetName"] == "GPS positions of collared lions (simulated)"
    assert "no real animal" in row["occurrenceRemarks"]
    assert row["samplingProtocol"] == "simulation"
    with DwCAReader(str(tmp_path / "s.zip")) as archive:
        assert archive.metadata.find("dataset/title").text.startswith("Simulated: ")
    export("darwin-core", "--lion", "nala", "--out", "n.zip", *SAID)
    assert not any("imulat" in cell for row in occurrences(tmp_path / "n.zip") for cell in row.values())


def test_no_rows_are_an_archive_too(export: Run, tmp_path: Path) -> None:
    export("darwin-core", "--until", "1999-01-01", "--out", "l.zip", *SAID)
    assert occurrences(tmp_path / "l.zip") == []
    with zipfile.ZipFile(tmp_path / "l.zip") as archive:
        assert _eml_problems(archive.read("eml.xml")) == []
        assert next(csv.reader([archive.read("occurrence.csv").decode()]))[0] == "occurrenceID"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ((), "say --license and --creator, for example"),
        (("--license", "CC0-1.0"), "say --creator, for example"),
        ((*SAID, "--license", "mine"), "--license knows CC0-1.0, CC-BY-4.0, CC-BY-NC-4.0, or takes an address."),
        ((*SAID, "--title", " "), "--title is blank."),
        ((*SAID, "--out", "l.csv.gz"), "name it .zip."),
        ((*SAID, "--include-flagged"), "flagged fixes are no occurrences."),
        ((*SAID, "--exact", "--generalise", "1"), "exclude each other."),
    ],
)
def test_refused_with_a_sentence(export: Run, tmp_path: Path, arguments: tuple[str, ...], sentence: str) -> None:
    done = export("darwin-core", *arguments, code=2)
    assert sentence in done.stderr
    assert list(tmp_path.iterdir()) == []
