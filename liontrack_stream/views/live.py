"""The live 5-minute window of a lion, straight from this worker's RocksDB table; no query."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from aiohttp import web
from faust.types import TP
from yarl import URL

from liontrack_stream.contract.topics import POSITIONS
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.views.bodies.lions import LiveBody
from liontrack_stream.views.call import Call
from liontrack_stream.views.errors import ApiError, unauthorized
from liontrack_stream.views.positions import PositionAccess, iso_z
from liontrack_stream.views.routes import Access, Route
from liontrack_stream.views.site import LiveAnswer

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

WINDOW = timedelta(minutes=5)


async def live_window(call: Call) -> web.Response:
    """The newest 5-minute window of a lion, from the worker's RocksDB table."""
    lion_id, access = call.lion_id, call.position_access(call.now)
    answer = await call.site.live(lion_id)
    if answer.window is None:
        raise ApiError(404, "No live window", answer.elsewhere)
    ends_at = datetime.fromisoformat(answer.window["window_start"]) + WINDOW
    if not access.exact and ends_at > access.as_of:
        raise _too_recent(call, access, ends_at)
    return call.json({"lion_id": lion_id, "window": access.show(answer.window)}, headers=access.headers)


def _too_recent(call: Call, access: PositionAccess, ends_at: datetime) -> ApiError:
    open_from = iso_z(ends_at + (call.now - access.as_of))
    detail = (
        f"Positions are delayed: this window is open from {open_from}; sooner with a token of role ranger or admin."
    )
    if call.viewer.user_id is not None:
        return ApiError(403, "Forbidden", detail, access.headers)
    return unauthorized(detail)


ROUTES = (Route("/api/analytics/lions/{lionId}/live", live_window, Access.POSITIONS, (), LiveBody, errors=(401, 403)),)


def look_up(app: LionTrackApp, lion_id: str) -> LiveAnswer:
    """This worker's window of a lion; else which worker may have it.

    A lion's partition is its key's, as every Kafka client but librdkafka computes it by default (murmur2).
    """
    table = app.live.get(POSITIONS.name)
    if table is None:
        return LiveAnswer(None, "This worker keeps no live tables.")
    window = table.get(lion_id)
    if window is not None:
        return LiveAnswer(window)
    partition = partition_of(lion_id.encode(), app.settings.topic_partitions)
    tp = TP(app.settings.topic(POSITIONS.name), partition)
    if (POSITIONS.name, partition) in app.progress.next_offset:
        return LiveAnswer(
            None, f"No accepted fix of this lion is known on its partition {partition}, which is served here."
        )
    worker = worker_of(app, tp)
    where = f"by worker {worker}: ask there" if worker else "by no worker at present"
    return LiveAnswer(None, f"Its partition {partition} is not served by this worker, but {where}.")


def worker_of(app: LionTrackApp, tp: TP) -> str | None:
    """The name, ``<app id>-<instance>``, of the worker that is assigned a partition."""
    for url, topics in app.router.external_topics_metadata().items():
        if tp.partition in topics.get(tp.topic, ()):
            return (URL(str(url)).host or str(url)).removesuffix(".invalid")  # see app.canonical_url
    return None
