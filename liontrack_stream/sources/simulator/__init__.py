"""Simulated lions, users and challenges: seeded, deterministic, labelled as simulated wherever they show.

``stream.simulate(plan)`` yields Kafka records in the order they would arrive; nothing here does I/O or reads a clock.
"""
