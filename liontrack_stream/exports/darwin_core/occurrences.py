"""Occurrences: a row per first fix of a UTC hour of an animal."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote

from pyproj import Geod

from liontrack_stream.exports.darwin_core.dataset import Dataset
from liontrack_stream.exports.order import SIMULATED_SOURCE, Order, told
from liontrack_stream.exports.texts import decimal, one_line, safe_cell

DWC, DCTERMS = "http://rs.tdwg.org/dwc/terms/", "http://purl.org/dc/terms/"
TERMS = {
    **{name: DWC + name for name in ("occurrenceID", "basisOfRecord", "occurrenceStatus")},
    "license": DCTERMS + "license",
    "rightsHolder": DCTERMS + "rightsHolder",
    **{
        name: DWC + name
        for name in (
            "datasetName",
            "informationWithheld",
            "dataGeneralizations",
            "occurrenceRemarks",
            "sex",
            "organismID",
            "organismName",
            "eventDate",
            "samplingProtocol",
            "minimumElevationInMeters",
            "maximumElevationInMeters",
            "decimalLatitude",
            "decimalLongitude",
            "geodeticDatum",
            "coordinateUncertaintyInMeters",
            "coordinatePrecision",
            "scientificName",
            "kingdom",
            "phylum",
            "class",
            "order",
            "family",
            "genus",
            "taxonRank",
            "vernacularName",
        )
    },
}
"""The columns in their order, and what each means."""

DECIMALS = 7  # of a degree, about a centimetre
SIMULATED = "Simulated by a program; no real animal was here."
_SEXES = {"m": "male", "male": "male", "f": "female", "female": "female"}
_LION = {
    "kingdom": "Animalia",
    "phylum": "Chordata",
    "class": "Mammalia",
    "order": "Carnivora",
    "family": "Felidae",
    "genus": "Panthera",
    "vernacularName": "lion",
}
_RANKS = {1: "genus", 2: "species", 3: "subspecies"}
_WGS84 = Geod(ellps="WGS84")


class Occurrences:
    """Makes rows of fixes, for one archive."""

    def __init__(self, order: Order, dataset: Dataset, names: Mapping[str, str | None]) -> None:
        self._order, self._names = order, names
        self._withheld = withheld(order)
        self._same = {
            "basisOfRecord": "MachineObservation",
            "occurrenceStatus": "present",
            "license": dataset.license,
            "rightsHolder": one_line(dataset.rights_holder or ""),
            "datasetName": one_line(dataset.title),
            "geodeticDatum": "EPSG:4326",
        }

    def row(self, fix: Any) -> list[str]:
        """The cells of a row of ``sql/export/first_of_hour.sql``."""
        grid_deg, accuracy, altitude = self._order.grid_deg, fix["accuracy"], fix["altitude"]
        lat, lng = round(fix["lat"], DECIMALS), round(fix["lng"], DECIMALS)
        uncertainty = accuracy if grid_deg is None else uncertainty_m(fix["lat"], grid_deg)
        simulated = fix["source"] == SIMULATED_SOURCE
        time = told(fix["event_time"])
        values = {
            **self._same,
            **_taxon(one_line(fix["taxon"])),
            "occurrenceID": f"lion:{quote(fix['lion_id'], safe='')}:{time}",
            "informationWithheld": self._withheld,
            "dataGeneralizations": generalised(fix["fixes"], grid_deg),
            "occurrenceRemarks": SIMULATED if simulated else "",
            "sex": _SEXES.get((fix["sex"] or "").strip().lower(), ""),
            "organismID": _identity(fix["lion_id"]),
            "organismName": one_line(self._names.get(fix["lion_id"]) or ""),
            "eventDate": time,
            "samplingProtocol": "simulation" if simulated else one_line(fix["sensor"] or "gps").lower(),
            "minimumElevationInMeters": "" if altitude is None else decimal(altitude),
            "maximumElevationInMeters": "" if altitude is None else decimal(altitude),
            "decimalLatitude": decimal(lat),
            "decimalLongitude": decimal(lng),
            "coordinateUncertaintyInMeters": str(math.ceil(uncertainty)) if uncertainty and uncertainty > 0 else "",
            "coordinatePrecision": decimal(10.0**-DECIMALS if grid_deg is None else grid_deg),
        }
        if simulated:
            values["datasetName"] += " (simulated)"
        return [safe_cell(values.get(term, "")) if term in _FREE else values.get(term, "") for term in TERMS]


_FREE = frozenset({"organismName", "datasetName", "rightsHolder", "samplingProtocol", "scientificName"})


def _identity(lion_id: str) -> str:
    """A lion_id as an identifier that is one line and no formula; different ones stay different."""
    harmless = lion_id == one_line(lion_id) == safe_cell(lion_id) and "%" not in lion_id
    return lion_id if harmless else quote(lion_id, safe="")


def _taxon(name: str) -> dict[str, str]:
    """The name and, of a lion, its classification."""
    if name.lower().startswith("panthera leo"):
        return {**_LION, "scientificName": name, "taxonRank": _RANKS.get(len(name.split()), "")}
    return {"kingdom": "Animalia", "scientificName": name}


def generalised(fixes: int, grid_deg: float | None) -> str:
    """What was done to the row to make it coarser."""
    text = f"subsampled to the first GPS position of each hour: first of {fixes} record{'s' * (fixes != 1)}"
    return text if grid_deg is None else f"{text}; coordinates rounded to a {grid_deg:g} degree grid"


def withheld(order: Order) -> str:
    """What there is and is not told."""
    later = f"positions later than {told(order.seen_until.replace(microsecond=0))}" if order.delay_h else ""
    if order.grid_deg is None:
        return later and f"{later} are withheld"
    return f"exact coordinates, elevation and accuracy{', and ' + later if later else ''} are withheld"


@lru_cache(4096)
def uncertainty_m(lat: float, grid_deg: float) -> float:
    """Metres from a grid's point to the farthest place that is told by it: a corner of its cell, which the equator has
    farther than a pole."""
    half = grid_deg / 2
    corners = [max(-90.0, min(90.0, lat + side * half)) for side in (-1, 1)]
    return max(_WGS84.inv(0.0, lat, half, corner)[2] for corner in corners)
