"""Producers, workers, replays and readers against faults, held against the oracle at quiet points: ``make soak``."""
