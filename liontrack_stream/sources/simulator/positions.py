"""``lions.position.events`` as the field's producers write them."""

from __future__ import annotations

import numpy as np

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import EVENT_TYPES, Outgoing
from liontrack_stream.sources.simulator.collars import Fixes
from liontrack_stream.sources.simulator.plan import HOUR_MS, SOURCE, Plan, iso_ms, lion_ids, lion_names

Arriving = tuple[int, Outgoing]  # when it reaches Kafka (ms since the epoch), and the record

_EVENT = (
    '"position":{"lat":%.6f,"lng":%.6f},"timestamp":"%s","source":"'
    + SOURCE
    + '","confidence":%.2f,"accuracy":%.1f,"altitude":%.1f,"dop":%.1f,"temperature":%.1f,'
    '"visible":%s,"event_id":"%08x%s%06x"}'
)
_EVENT_TYPE = ("event-type", EVENT_TYPES[POSITIONS.name])
_SOURCE = ("source", SOURCE.encode())


class PositionWriter:
    """Turns the fixes of a day into records."""

    def __init__(self, plan: Plan) -> None:
        ids = lion_ids(plan)
        self._keys = [lion_id.encode() for lion_id in ids]
        self._opening = [
            f'{{"lion_id":"{lion_id}","name":"{name}",' for lion_id, name in zip(ids, lion_names(plan), strict=True)
        ]
        self._machine = [lion_id[:10] for lion_id in ids]

    def records(self, fixes: Fixes) -> list[Arriving]:
        """One record per fix, in the order of ``fixes``."""
        times = iso_ms(fixes.time_ms)
        hour = (fixes.time_ms % (24 * HOUR_MS)) / HOUR_MS
        altitude = 985.0 + 60.0 * np.sin(fixes.lat * 40) + 3.0 * np.cos(fixes.lng * 900)
        temperature = 22.0 - 11.0 * np.cos((hour - 2.0) / 24 * 2 * np.pi)
        confidence = np.clip(1.02 - 0.07 * fixes.dop, 0.0, 0.99)
        opening, keys, machine = self._opening, self._keys, self._machine
        topic = POSITIONS.name
        return [
            (
                arrival,
                Outgoing(
                    topic,
                    keys[lion],
                    (
                        opening[lion]
                        + _EVENT
                        % (lat, lng, time, sure, 2.4 * dop, high, dop, warm, seen, second, machine[lion], serial)
                    ).encode(),
                    (_EVENT_TYPE, ("timestamp", time.encode()), _SOURCE),
                ),
            )
            for arrival, lion, lat, lng, time, sure, dop, high, warm, seen, second, serial in zip(
                fixes.arrival_ms.tolist(),
                fixes.lion.tolist(),
                fixes.lat.tolist(),
                fixes.lng.tolist(),
                times,
                confidence.tolist(),
                fixes.dop.tolist(),
                altitude.tolist(),
                temperature.tolist(),
                np.where(fixes.visible, "true", "false").tolist(),
                (fixes.time_ms // 1000).tolist(),
                fixes.serial.tolist(),
                strict=True,
            )
        ]
