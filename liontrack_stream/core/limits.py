"""The speed limits that hold where the settings name no others; apart, so that settings need not import the rules."""

from __future__ import annotations

SpeedLimits = tuple[float, float, float, float]

SPEED_LIMITS_KMH: SpeedLimits = (60.0, 20.0, 10.0, 5.0)  # steps under 10 min, under 1 h, up to 4 h, longer
