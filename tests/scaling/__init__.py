"""A hundred workers' leases and offsets, simulated on a real PostgreSQL: no Kafka, no rows, the real claims."""
