"""The faults, a module for each family; importing this fills ``fault.FAULTS``."""

from . import clock, kafka, lake, postgres, records, replaying, state, workers

__all__ = ["clock", "kafka", "lake", "postgres", "records", "replaying", "state", "workers"]
