"""Passwords are cut out of raw bytes, whatever else the bytes hold."""

from __future__ import annotations

import json

import pytest

from liontrack_stream.contract.redact import redact


@pytest.mark.parametrize(
    "value",
    [
        b'{"password":"geheim"}',
        b'{"a":1,"Password" : "geheim","b":2}',
        b'{"m":{"token":"ge\\"heim"}}',
        b'{"pwd": 12345}',
        json.dumps({"op": "c", "after": json.dumps({"password": "geheim", "x": 1})}).encode(),
        b'{"password":"geheim"',
        b'{"password":"geheim","n":1000000000000000000000000000000}',
        b'{"pass\\u0077ord":["geheim"]}',
    ],
)
def test_secrets_go(value: bytes) -> None:
    assert b"heim" not in redact(value)
    assert b"12345" not in redact(value)


def test_the_rest_stays() -> None:
    value = b'{"a":1,"password":"geheim","b":"kept"}'
    assert json.loads(redact(value)) == {"a": 1, "password": "[removed]", "b": "kept"}
    assert redact(b'{"passport":"kept"}') == b'{"passport":"kept"}'
