"""Ends the worker whose password Kafka no longer takes.

aiokafka tries for ever, with the password that the worker was started with. Connections that are open stay so, hence
this may show long after the password was changed. Started again, the worker has the new one. What is wrong with a
broker's certificate is put right at the broker: that is told, and waited for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from mode import Service, get_logger

from liontrack_stream.kafka.exits import StartError
from liontrack_stream.kafka.trouble import look

if TYPE_CHECKING:
    from liontrack_stream.app import LionTrackApp

logger = get_logger(__name__)

LOOK_EVERY_S = 30.0


class LinkWatch(Service):
    """Connects once more now and then."""

    def __init__(self, app: LionTrackApp, look_every_s: float = LOOK_EVERY_S, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._app, self._look_every_s = app, look_every_s

    @Service.task
    async def _watch(self) -> None:
        told, refused_before = "", False
        while not self.should_stop:
            await self.sleep(self._look_every_s)
            refused = await look(self._app.settings)
            if refused is not None and refused.password and refused_before:
                self._app.fail(StartError(str(refused)))
                return
            refused_before = refused is not None and refused.password
            if refused is not None and str(refused) != told:
                logger.warning("%s", refused)
            told = str(refused or "")
