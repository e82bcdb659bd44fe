"""The rules that a rejected record may break, in two kinds: how it is written, and what it says."""

from __future__ import annotations

SHAPE_RULES = frozenset(
    {
        "bad_envelope",
        "invalid_utf8",
        "malformed_json",
        "malformed_value",
        "missing_field",
        "not_finite",
        "nul_byte",
        "too_nested",
        "wrong_type",
    }
)
CONTENT_RULES = frozenset(
    {
        "bad_timestamp",
        "impossible_coordinate",
        "impossible_percentage",
        "missing_id",
        "negative_count",
        "non_positive_weight",
        "oversized",
        "unknown_status",
        "unknown_unit",
    }
)
