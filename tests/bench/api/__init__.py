"""``python -m tests.bench.api``: is the API quick while the stream runs, and the stream while the API is asked?"""
