"""The columns of a Movebank export of locations, by Movebank's names; it tells times in UTC."""

from __future__ import annotations

from datetime import UTC

from liontrack_stream.sources.columns import Layout
from liontrack_stream.sources.fixes import INDIVIDUAL, TAG

TIMESTAMP, LONGITUDE, LATITUDE = "timestamp", "location-long", "location-lat"
REQUIRED = (TIMESTAMP, LONGITUDE, LATITUDE, INDIVIDUAL)

# Where an optional number comes from: the first column that has one. Metres, metres, none, degrees Celsius.
NUMBERS: dict[str, tuple[str, ...]] = {
    "accuracy": ("location-error-numerical", "eobs:horizontal-accuracy-estimate"),
    "altitude": ("height-above-msl", "height-above-ellipsoid"),
    "dop": ("gps:hdop", "gps-hdop", "gps:dop", "gps-dop", "gps:pdop", "gps-pdop"),
    "temperature": ("external-temperature", "eobs:temperature"),
}
MOVEBANK = Layout(
    "movebank",
    {
        "time": (TIMESTAMP,),
        "lng": (LONGITUDE,),
        "lat": (LATITUDE,),
        "lion": (INDIVIDUAL,),
        "tag": (TAG,),
        "event_id": ("event-id",),
        "visible": ("visible",),
        "outlier": ("manually-marked-outlier",),
        **NUMBERS,
    },
    zone=UTC,
    what_it_is_not="that is no Movebank export of locations",
)
