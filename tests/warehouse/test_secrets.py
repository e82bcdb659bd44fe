"""A password that an activity carries is stored nowhere, whatever form the event has."""

from __future__ import annotations

import json

import asyncpg

from tests.support.oracle import ACTIVITIES, Consumed
from tests.support.records import APPENDED_MS
from tests.support.strategies import Step

SECRET = "hunter2-correct-horse"
_EVENT = {"user_id": "u", "activity_type": "login", "timestamp": "2025-03-01T00:00:00Z"}
_CARRIED = {
    **_EVENT,
    "password": SECRET,
    "metadata": {"username": "U", "nested": [{"passwordHash": SECRET, "Token": SECRET}]},
}
_FORMS = [
    json.dumps(_CARRIED),
    json.dumps(_CARRIED, indent=4),
    json.dumps(_CARRIED).replace('"password"', '"pass\\u0077ord"'),
    json.dumps(_CARRIED).replace('"password"', '"PASSWORD"'),
    json.dumps({"op": "c", "before": None, "after": json.dumps(_CARRIED), "source": {}}),
    json.dumps({"op": "u", "before": json.dumps(_CARRIED), "after": json.dumps(_EVENT), "source": {}}),
    json.dumps({"schema": {}, "payload": {"op": "c", "after": json.dumps(_CARRIED)}}),
    json.dumps({"operationType": "insert", "documentKey": {"_id": "x"}, "fullDocument": _CARRIED}),
    json.dumps({**_EVENT, "password": {"salt": "x", "hash": SECRET}}),
    json.dumps({**_EVENT, "token": ["x", SECRET]}),
    json.dumps({**_EVENT, "password": 'quote " and ' + SECRET}),
    json.dumps({**_EVENT, "password": "backslash \\", "pwd": SECRET}),
    json.dumps({"op": "c", "after": json.dumps({**_EVENT, "password": 'quote " and ' + SECRET}), "source": {}}),
    json.dumps({**_CARRIED, "timestamp": "never"}),  # a dead letter
    json.dumps(_CARRIED)[:-1],  # not even JSON
]
_TABLES = """
SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname IN ('bronze', 'silver', 'gold', 'metadata') AND c.relkind IN ('r', 'p') AND NOT c.relispartition
"""


async def test_a_password_is_stored_nowhere(replay, settings):
    records = [Consumed(ACTIVITIES, 0, n, APPENDED_MS + n, b"u", form.encode()) for n, form in enumerate(_FORMS)]
    await replay.deliver([Step(ACTIVITIES, 0, tuple(records))])
    connection = await asyncpg.connect(**settings.pg_dsn)
    try:
        found = []
        for (table,) in await connection.fetch(_TABLES):
            for (text,) in await connection.fetch(f"SELECT t::text FROM {table} t"):
                if SECRET in text or SECRET.encode().hex() in text:
                    found.append((table, text[:400]))
    finally:
        await connection.close()
    assert found == []
