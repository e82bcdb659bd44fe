"""``eml.xml``: title, creators, licence, coverage and method of the data set, in EML 2.2.0."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from datetime import UTC, datetime

from liontrack_stream.exports.darwin_core.dataset import Dataset
from liontrack_stream.exports.darwin_core.occurrences import withheld
from liontrack_stream.exports.darwin_core.seen import Seen
from liontrack_stream.exports.order import Order, Tally
from liontrack_stream.exports.texts import decimal, one_line

NAMESPACE = "https://eml.ecoinformatics.org/eml-2.2.0"
SYSTEM = "LionTrack Stream"


def eml_xml(dataset: Dataset, order: Order, tally: Tally, seen: Seen) -> bytes:
    """The file; elements in the order of the schema."""
    ET.register_namespace("eml", NAMESPACE)
    root = ET.Element(f"{{{NAMESPACE}}}eml", packageId=f"liontrack/{order.now:%Y%m%dT%H%M%S%fZ}", system=SYSTEM)
    root.set("scope", "system")
    root.set("{http://www.w3.org/XML/1998/namespace}lang", "en")
    body = ET.SubElement(root, "dataset")
    _put(body, "title", _title(dataset, tally))
    for creator in dataset.creators:
        _party(ET.SubElement(body, "creator"), creator)
    _party(ET.SubElement(body, "metadataProvider"), dataset.creators[0], dataset.contact)
    _put(body, "pubDate", order.now.astimezone(UTC).date().isoformat())
    _put(body, "language", "en")
    abstract = ET.SubElement(body, "abstract")
    for text in _abstract(dataset, tally):
        _put(abstract, "para", text)
    rights = ET.SubElement(ET.SubElement(body, "intellectualRights"), "para")
    holder = f" Rights holder: {one_line(dataset.rights_holder)}." if dataset.rights_holder else ""
    rights.text = "This work is licensed under "
    link = ET.SubElement(rights, "ulink", url=dataset.license)
    _put(link, "citetitle", dataset.license_name)
    link.tail = f".{holder}"
    licensed = ET.SubElement(body, "licensed")
    _put(licensed, "licenseName", dataset.license_name)
    _put(licensed, "url", dataset.license)
    if tally.first is not None and tally.last is not None:
        _coverage(ET.SubElement(body, "coverage"), seen, tally.first, tally.last)
    _party(ET.SubElement(body, "contact"), dataset.creators[0], dataset.contact)
    step = ET.SubElement(ET.SubElement(ET.SubElement(body, "methods"), "methodStep"), "description")
    for text in _method(order, tally):
        _put(step, "para", text)
    ET.indent(root)
    return ET.tostring(root, "utf-8", xml_declaration=True) + b"\n"


def _put(parent: ET.Element, name: str, text: str) -> None:
    ET.SubElement(parent, name).text = one_line(text)


def _party(party: ET.Element, name: str, email: str | None = None) -> None:
    """A person where the name is ``Family, Given``, else an organisation."""
    family, comma, given = name.partition(",")
    if comma and family.strip() and given.strip():
        person = ET.SubElement(party, "individualName")
        _put(person, "givenName", given)
        _put(person, "surName", family)
    else:
        _put(party, "organizationName", name)
    if email:
        _put(party, "electronicMailAddress", email)


def _title(dataset: Dataset, tally: Tally) -> str:
    """The title, never without a word of what is simulated."""
    if not tally.simulated:
        return dataset.title
    return f"{'Simulated' if tally.simulated == tally.rows else 'Partly simulated'}: {dataset.title}"


def _abstract(dataset: Dataset, tally: Tally) -> list[str]:
    found = [dataset.description] if dataset.description else []
    if tally.simulated:
        found.append(f"Simulated by a program, of no real animal, are {tally.simulated} of {tally.rows} positions.")
    animals = f"{len(tally.lions)} animal{'s' * (len(tally.lions) != 1)}"
    return [*found, f"{tally.rows} GPS positions of {animals} that wore collars, the first of each hour."]


def _method(order: Order, tally: Tally) -> list[str]:
    """How the rows came about."""
    hourly = (
        f"Of the {tally.fixes} accepted fixes of the period, the first of each UTC hour of each animal was taken. "
        "Fixes at 0,0, marked not visible, of the future, or impossibly fast from and to both neighbours are not in it."
    )
    if order.grid_deg is None:
        place = "Coordinates are as the collars told them, to 7 decimals."
    else:
        place = (
            f"Coordinates were rounded to the nearest point of a {order.grid_deg:g} degree grid, to protect animals; "
            "coordinateUncertaintyInMeters is the distance from that point to the farthest place that is rounded to it."
        )
    kept = withheld(order)
    return [hourly, place, *([f"{kept[0].upper()}{kept[1:]}."] if kept else [])]


def _coverage(coverage: ET.Element, seen: Seen, first: datetime, last: datetime) -> None:
    where = ET.SubElement(coverage, "geographicCoverage")
    _put(where, "geographicDescription", "Bounding box of the positions in this data set.")
    box = ET.SubElement(where, "boundingCoordinates")
    for side in ("west", "east", "north", "south"):
        _put(box, f"{side}BoundingCoordinate", decimal(getattr(seen, side)))
    span = ET.SubElement(ET.SubElement(coverage, "temporalCoverage"), "rangeOfDates")
    for name, moment in (("beginDate", first), ("endDate", last)):
        _put(ET.SubElement(span, name), "calendarDate", moment.date().isoformat())
    taxa = ET.SubElement(coverage, "taxonomicCoverage")
    for taxon in sorted(seen.taxa):
        one = ET.SubElement(taxa, "taxonomicClassification")
        _put(one, "taxonRankName", {2: "species", 3: "subspecies"}.get(len(taxon.split()), "taxon"))
        _put(one, "taxonRankValue", taxon)
