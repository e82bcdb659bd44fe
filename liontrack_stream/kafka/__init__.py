"""Kafka: topics, the batch transport, offsets and seeking."""
