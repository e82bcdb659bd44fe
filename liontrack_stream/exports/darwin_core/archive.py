"""The archive itself, as it is written: the core row by row, then what says what it is."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Mapping
from typing import IO, Any, cast

from liontrack_stream.exports.darwin_core.dataset import Dataset
from liontrack_stream.exports.darwin_core.eml import eml_xml
from liontrack_stream.exports.darwin_core.meta import CORE, METADATA, meta_xml
from liontrack_stream.exports.darwin_core.occurrences import TERMS, Occurrences
from liontrack_stream.exports.darwin_core.seen import Seen
from liontrack_stream.exports.order import SIMULATED_SOURCE, Order, Tally
from liontrack_stream.exports.output import Output
from liontrack_stream.exports.texts import one_line
from liontrack_stream.warehouse.export_rows import Export


async def write(
    export: Export,
    order: Order,
    dataset: Dataset,
    out: Output,
    tally: Tally,
    names: Mapping[str, str | None],
    rows: int,
) -> None:
    """Write the archive."""
    occurrences, seen = Occurrences(order, dataset, names), Seen()
    with zipfile.ZipFile(cast("IO[bytes]", out), "w", zipfile.ZIP_DEFLATED) as archive:
        with archive.open(_info(CORE, order), "w", force_zip64=True) as core:
            core.write(_csv([list(TERMS)]))
            async for batch in export.batches("first_of_hour", rows):
                cells = []
                for fix in batch:
                    simulated = fix["source"] == SIMULATED_SOURCE
                    tally.add(fix["lion_id"], fix["event_time"], fix["fixes"], 0, int(simulated))
                    seen.add(fix["lat"], fix["lng"], one_line(fix["taxon"]))
                    cells.append(occurrences.row(fix))
                tally.rows += len(cells)
                core.write(_csv(cells))
        archive.writestr(_info("meta.xml", order), meta_xml())
        archive.writestr(_info(METADATA, order), eml_xml(dataset, order, tally, seen))


def _info(name: str, order: Order) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name, order.now.timetuple()[:6])
    info.compress_type = zipfile.ZIP_DEFLATED
    info.external_attr = 0o644 << 16
    return info


def _csv(rows: list[list[Any]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().encode()
