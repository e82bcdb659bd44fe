"""An export from its first to its last byte."""

from __future__ import annotations

from collections.abc import Callable

from liontrack_stream.exports import geojson, gpx, movebank
from liontrack_stream.exports.darwin_core import archive
from liontrack_stream.exports.darwin_core.dataset import Dataset
from liontrack_stream.exports.order import Kind, Order, Tally
from liontrack_stream.exports.output import STDOUT, Output, folder_of
from liontrack_stream.exports.spool import Spool
from liontrack_stream.settings import Settings
from liontrack_stream.warehouse.export_rows import Export, Question, open_export
from liontrack_stream.warehouse.export_tables import FIXES, MOVEBANK, Exported

ROWS = 2_000  # that are in memory at once

OnPart = Callable[[int, int], None]


class UnknownLions(Exception):
    """Lions were named that the warehouse does not have; the message is a sentence."""


async def run(
    settings: Settings,
    kind: Kind,
    order: Order,
    open_output: Callable[[], Output],
    target: str = STDOUT,
    dataset: Dataset | None = None,
    on_part: OnPart = lambda done, of: None,
) -> Tally:
    """Write a file; what went into it. ``open_output`` is called when it is sure that there is something to export.

    Raises
    ------
    UnknownLions
        Before anything is written.
    OSError, asyncpg.PostgresError, or one of `trouble.LOST`
        When the file or PostgreSQL fails.
    """
    question = _question(MOVEBANK if kind == "movebank" else FIXES, order)
    tally = Tally()
    async with open_export(settings, question, "csv", statement_timeout_s=0) as export:
        export.on_part = on_part
        names = {row["lion_id"]: row["name"] for row in await export.ask("lions")}
        unknown = sorted(set(order.lion_ids or ()) - names.keys())
        if unknown:
            raise UnknownLions(f"The warehouse has no lion {', '.join(map(repr, unknown))}.")
        out = open_output()
        if kind == "movebank":
            if order.grid_deg is not None:
                for row in await export.few("tally", _question(FIXES, order)):
                    tally.add_lion(row)
            await movebank.write(export, order, out, tally)
        elif kind == "darwin-core":
            assert dataset is not None
            await archive.write(export, order, dataset, out, tally, names, ROWS)
        elif order.points:
            await geojson.write_points(export, order, out, tally, names, ROWS)
        else:
            with Spool(folder_of(target)) as spool:
                await _fill(spool, export, tally)
                write = gpx.write if kind == "gpx" else geojson.write_tracks
                await write(spool, order, out, tally, names)
    return tally


def _question(table: Exported, order: Order) -> Question:
    exact, until = order.grid_deg is None, order.until
    if exact and order.delay_h:
        until = order.seen_until if until is None else min(until, order.seen_until)
    assert table.others is not None
    return Question(
        table,
        table.whole if exact else table.others,
        seen_until=None if exact else order.seen_until,
        grid_deg=order.grid_deg,
        since=order.since,
        until=until,
        lion_ids=order.lion_ids,
        flagged=order.flagged,
        as_told=True,
        further=movebank.FURTHER if table is MOVEBANK and exact else "",
    )


async def _fill(spool: Spool, export: Export, tally: Tally) -> None:
    async for batch in export.batches("each_fix", ROWS):
        for fix in batch:
            lion_id, time, flags, source = fix["lion_id"], fix["event_time"], fix["flags"], fix["source"]
            tally.add_fix(lion_id, time, flags, source)
            values = (fix["lat"], fix["lng"], fix["altitude"], fix["dop"], fix["step_mm"], flags)
            spool.add(lion_id, time, values, source)
