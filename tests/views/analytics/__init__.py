"""Figures of lions, users and the pipeline: against the oracle for simulated events, and rows made by hand."""
