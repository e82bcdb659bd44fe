"""Quality checks: the checks as they came, and their daily summary per table."""

from __future__ import annotations

from liontrack_stream.contract.events import QualityCheck, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.identities import Claim, columns, order_columns, settle_identities
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.work import BatchWork


async def store_quality(work: BatchWork) -> None:
    """Write everything that the batch's checks change in metadata and gold."""
    events, _ = work.events(QualityCheck)
    if not events:
        return
    await work.lock(identity={f"quality {event.table_name}" for event in events})
    claims = await settle_identities(
        work,
        QualityCheck,
        lambda event: (event.table_name, event.check_name, event.time_us),
        lambda wanted: work.connection.fetch(query("silver/quality_stored"), *columns(wanted)),
        lambda row: (row["table_name"], row["check_name"], row["check_timestamp"]),
    )
    if claims.replaced:
        gone = columns(claim.identity for claim in claims.replaced)
        await work.connection.execute(query("silver/quality_delete"), *gone)
    await copy_rows(work.connection, "metadata", "data_quality_checks", _rows(work, claims.winners))
    days = sorted({(claim.event.table_name, claim.event.time_us // DAY_US) for claim in claims.winners})
    await write_quality_days(work, days)
    work.touched("silver", "quality_checks", {day for _, day in days})
    for claim in sorted(claims.winners, key=lambda claim: claim.event.time_us):
        event = claim.event
        work.live[event.table_name] = {
            "check_name": event.check_name,
            "quality_percentage": event.quality_percentage,
            "check_timestamp": iso(event.time_us),
        }


async def write_quality_days(work: BatchWork, days: list[tuple[str, int]]) -> None:
    """Summarise days (table, day since the epoch) anew from their checks."""
    if days and work.gold:
        await work.connection.execute(query("gold/quality_daily_upsert"), *columns(days))
        work.touched("gold", "quality_daily", {day for _, day in days})


def _rows(work: BatchWork, winners: list[Claim]) -> Rows:
    events: list[QualityCheck] = [claim.event for claim in winners]
    rows = Rows(len(events))
    rows.text("table_name", [event.table_name for event in events])
    rows.text("check_name", [event.check_name for event in events])
    rows.timestamp("check_timestamp", [event.time_us for event in events])
    for column in ("total_records", "valid_records", "invalid_records"):
        rows.int8(column, [getattr(event, column) for event in events])
    rows.float8("quality_percentage", [event.quality_percentage for event in events])
    rows.json("details", [to_json(event.extra or {}) for event in events])
    return order_columns(rows, work.topic.name, winners)
