"""Fixtures for all tests."""

import signal

pytest_plugins = [
    "tests.support.stack",
    "tests.support.minio",
    "tests.support.mongo",
    "tests.support.parallel",
    "tests.support.replaying",
    "tests.support.secure_servers",
]

# A shell's background job ignores SIGINT, and so would the commands that the tests start and interrupt.
signal.signal(signal.SIGINT, signal.default_int_handler)
