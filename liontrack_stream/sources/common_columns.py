"""The names that columns and properties of fixes commonly have, Movebank's and our own API's among them."""

from __future__ import annotations

from liontrack_stream.sources.columns import Layout
from liontrack_stream.sources.fixes import INDIVIDUAL, TAG
from liontrack_stream.sources.movebank import LATITUDE, LONGITUDE, NUMBERS, TIMESTAMP

COMMON = Layout(
    "csv",
    {
        "time": (
            *(TIMESTAMP, "time", "datetime", "date_time", "event_time", "position_date", "fix_time", "gps_time"),
            *("utc", "utc_time", "utc_datetime", "acquisition_time", "date_recorded", "recorded_at", "last_update"),
        ),
        "lat": ("lat", "latitude", LATITUDE, "position_lat", "gps_latitude", "lat_deg", "y"),
        "lng": ("lng", "lon", "long", "longitude", LONGITUDE, "position_lng", "gps_longitude", "lon_deg", "x"),
        "lion": (
            *("lion_id", "lion", INDIVIDUAL, "individual", "individual_id", "animal_id", "animal"),
            *("animal_name", "id_animal"),
        ),
        "tag": (TAG, "tag_id", "tag", "collar_id", "collar", "device_id", "collar_serial", "tag_serial_no"),
        "name": ("name", "lion_name"),
        "event_id": ("event_id", "fix_id"),
        "visible": ("visible",),
        "outlier": ("manually-marked-outlier",),
        "accuracy": ("accuracy", "accuracy_m", "horizontal_accuracy", *NUMBERS["accuracy"]),
        "altitude": ("altitude", "alt", "elevation", "ele", "height", *NUMBERS["altitude"]),
        "dop": ("dop", "hdop", "pdop", *NUMBERS["dop"]),
        "temperature": ("temperature", "temp", "temperature_c", *NUMBERS["temperature"]),
    },
    epochs=True,
    delimiters=",;\t",
)
