"""The version of the rules that this worker computes gold with, registered once per set of parameters."""

from __future__ import annotations

import json

import asyncpg

from liontrack_stream.core.rules import fingerprint, rule_parameters
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.pool import acting_as
from liontrack_stream.warehouse.queries import query


async def register_rules(settings: Settings) -> int:
    """The number of these settings' rules in ``metadata.rule_versions``, given the first time they are used."""
    parameters = rule_parameters(settings.speed_limits_kmh)
    mark = fingerprint(parameters)
    role = acting_as(settings.pg_ingest_role)
    connection = await asyncpg.connect(
        **settings.pg_dsn, server_settings={"application_name": "liontrack worker", **role}
    )
    try:
        await connection.execute(query("metadata/rules_register"), mark, json.dumps(parameters))
        return int(await connection.fetchval(query("metadata/rules_number"), mark))
    finally:
        await connection.close()
