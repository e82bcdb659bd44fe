"""LionTrack Stream: collar, weight, user and challenge events into a warehouse and a lake, exactly once."""

__version__ = "0.1.0"
