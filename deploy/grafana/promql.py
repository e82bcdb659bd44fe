"""Expressions of Prometheus that panels are made of. ``of`` are label matchers, ``by`` the labels that are kept.

Grafana fills in ``$__rate_interval`` (at least four scrapes) and ``$__range`` (the chosen time).
"""

from __future__ import annotations


def per_second(metric: str, of: str = "", by: str = "") -> str:
    """How fast a counter grows, summed."""
    return f"sum by ({by}) (rate({metric}{{{of}}}[$__rate_interval]))"


def growth(metric: str, of: str = "", by: str = "", over: str = "$__range") -> str:
    """How much a counter grew, summed."""
    return f"sum by ({by}) (increase({metric}{{{of}}}[{over}]))"


def quantile(share: float, histogram: str, of: str, by: str = "") -> str:
    """The value that this share of a histogram's observations stays under."""
    kept = f"le, {by}" if by else "le"
    return f"histogram_quantile({share}, {per_second(f'{histogram}_bucket', of, kept)})"


def ratio(part: str, whole: str) -> str:
    """A quotient; nothing where the whole is 0."""
    return f"{part} / ({whole} > 0)"


def or_zero(expr: str) -> str:
    """0 where an expression without labels yields nothing."""
    return f"{expr} or vector(0)"
