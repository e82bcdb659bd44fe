"""What gold's formulas depend on, as one value with a fingerprint: the version of the rules that made a gold row."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from liontrack_stream.contract.convert import KG_PER_UNIT
from liontrack_stream.core import engagement, fixes, health, settle, weights, windows
from liontrack_stream.core.limits import SpeedLimits

# Raise it with every change to a formula that no parameter below shows: what a day counts, how ties are broken, which
# fixes are judged. Rows written before keep the version that made them.
RULES = 1

Parameters = dict[str, Any]


def rule_parameters(speed_limits_kmh: SpeedLimits) -> Parameters:
    """Every number that gold depends on, JSON-able, and the version of the formulas; units in the names."""
    return {
        "rules": RULES,
        "fixes": {
            "speed_limits_kmh": [float(limit) for limit in speed_limits_kmh],
            "speed_limits_hold": ["under 10 min", "under 1 h", "up to 4 h", "longer"],
            "future_tolerance_us": fixes.FUTURE_TOLERANCE_US,
            "step_gap_max_us": settle.STEP_GAP_MAX_US,
        },
        "windows": {"window_us": windows.WINDOW_US},
        "movement": {
            "stationary_fixes_min": windows.STATIONARY_FIXES_MIN,
            "stationary_radius_m": windows.STATIONARY_RADIUS_M,
        },
        "weights": {"weight_max_kg": weights.WEIGHT_MAX_KG, "kg_per_unit": dict(sorted(KG_PER_UNIT.items()))},
        "health": {
            "lookback_days": health.LOOKBACK_DAYS,
            "trend_days_min": health.TREND_DAYS_MIN,
            "trend_ratio_per_day": health.TREND_RATIO_PER_DAY,
            "expected_fixes_default": health.EXPECTED_FIXES_DEFAULT,
            "weight_band": health.WEIGHT_BAND,
            "parts": {"weight": health.WEIGHT_PART, "fixes": health.FIXES_PART, "movement": health.MOVEMENT_PART},
            "decimals": health.SCORE_DECIMALS,
        },
        "engagement": {
            "weight_activities": sorted(engagement.WEIGHT_ACTIVITIES),
            "score_max": engagement.SCORE_MAX,
            "decimals": engagement.SCORE_DECIMALS,
        },
    }


def fingerprint(parameters: Parameters) -> str:
    """SHA-256 of the parameters, whatever order they are written in."""
    return hashlib.sha256(json.dumps(parameters, sort_keys=True).encode()).hexdigest()
