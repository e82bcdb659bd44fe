"""``python -m tests.bench.aims``: latency, memory, lions, workers and the Kalahari file, each with its aim."""
