"""Fixes of the warehouse as files of the field: Movebank, Darwin Core, GeoJSON, GPX.

::

    one snapshot, day by day ──► movebank.py   COPY as it comes ───────────────────────► output.py: temporary name,
                             ├─► darwin_core/  first fix an hour ─► zip ───────────────►            renamed when whole
                             ├─► geojson.py    points as they come ────────────────────►
                             └─► spool.py      by lion ─► geojson.py tracks, gpx.py ───►

Memory holds some thousand rows, and 24 bytes for each day of a lion that is spooled.
"""
