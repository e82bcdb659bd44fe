"""The producer of pushes: many small groups of records, each acknowledged to its sender once Kafka has all of it.

::

    push ─► send each ─► one open batch per partition, sent once the one before is acknowledged ─► all acknowledged
                         (pushes that come together share a batch, and one alone waits for nobody)

Started by the first push. Idempotent, so that a retry of the client's own doubles nothing. What a push has handed over
when its time is up may still arrive: its sender is told that it is not known, and sends it again. While such records
wait, further pushes are refused at once: memory is bounded, and nobody waits in vain.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError
from mode import get_logger

from liontrack_stream.kafka.patience import be_patient
from liontrack_stream.kafka.producer import Outgoing
from liontrack_stream.settings import Settings

logger = get_logger(__name__)

_BATCH_BYTES = 256 * 1024
_START_WITHIN_S = 10.0
_CLOSE_WITHIN_S = 2.0
_RECORDS_AT_ONCE = 100  # until other requests get their turn


class NotAcknowledged(Exception):
    """Kafka has not said that it holds all records; the message is a sentence."""


class PushProducer:
    """Sends groups of records from one event loop. ``timeout_s``: the longest that a push waits for Kafka."""

    def __init__(self, settings: Settings, timeout_s: float) -> None:
        self._settings, self._timeout_s = settings, timeout_s
        self._starting: asyncio.Task[AIOKafkaProducer] | None = None
        self._waiting = 0  # records that are handed over and not acknowledged
        self._late = False  # whether some of them are of a push that has given up
        self._closing: set[asyncio.Task[None]] = set()
        self._closed = False

    async def push(self, records: Sequence[Outgoing]) -> None:
        """Return when Kafka holds all of these records, in order per key.

        Raises
        ------
        NotAcknowledged
            When it has not said so in time, or refuses one of them: some may be there, or arrive yet.
        """
        if self._closed:
            raise NotAcknowledged("This worker is stopping.")
        if self._late and self._waiting:
            raise NotAcknowledged("Kafka does not answer: what was pushed before still waits.")
        self._late = False
        starting = self._start()
        try:
            async with asyncio.timeout(self._timeout_s):
                await self._deliver(await asyncio.shield(starting), records)
        except asyncio.CancelledError:
            if not starting.cancelled():
                raise
            raise NotAcknowledged("This worker is stopping.") from None
        except TimeoutError:
            self._late = self._waiting > 0
            raise NotAcknowledged(f"Kafka has not answered within {self._timeout_s:g} s.") from None
        except (KafkaError, OSError) as error:
            logger.warning("A push of %d records is not acknowledged: %r", len(records), error)
            if self._starting is starting:
                self._let_go()
            raise NotAcknowledged("Kafka does not take records at present.") from None

    async def close(self) -> None:
        """Disconnect; waits a little for what is under way."""
        self._closed = True
        self._let_go()
        if self._closing:
            await asyncio.wait(self._closing)

    async def _deliver(self, producer: AIOKafkaProducer, records: Sequence[Outgoing]) -> None:
        acknowledged = []
        for number, record in enumerate(records, 1):
            sent = await producer.send(
                self._settings.topic(record.topic), record.value, record.key, headers=list(record.headers)
            )
            self._waiting += 1
            sent.add_done_callback(self._answered)
            acknowledged.append(sent)
            if number % _RECORDS_AT_ONCE == 0:
                await asyncio.sleep(0)
        await asyncio.wait(acknowledged)  # unlike gather, leaves them alone when time is up
        for sent in acknowledged:
            sent.result()

    def _answered(self, sent: asyncio.Future[object]) -> None:
        self._waiting -= 1
        if not sent.cancelled():
            sent.exception()  # looked at, for those whose push has given up

    def _start(self) -> asyncio.Task[AIOKafkaProducer]:
        """The producer, which is started once for all who wait for it."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._started())
            self._starting.add_done_callback(self._forget_failed)
        return self._starting

    async def _started(self) -> AIOKafkaProducer:
        producer = AIOKafkaProducer(
            **self._settings.kafka_client,
            enable_idempotence=True,  # acks=all with it
            compression_type="zstd",
            max_batch_size=_BATCH_BYTES,
            request_timeout_ms=round(self._timeout_s * 1000),
        )
        be_patient(producer)
        try:
            async with asyncio.timeout(_START_WITHIN_S):
                await producer.start()
        except BaseException:
            await producer.stop()
            raise
        return producer

    def _forget_failed(self, starting: asyncio.Task[AIOKafkaProducer]) -> None:
        """The next push starts another one."""
        failed = starting.cancelled() or starting.exception() is not None
        if failed and self._starting is starting:
            self._starting = None

    def _let_go(self) -> None:
        """Close the producer, if there is one: after an error, an idempotent one may refuse all further records."""
        starting, self._starting = self._starting, None
        if starting is None:
            return
        task = asyncio.create_task(_close(starting))
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


async def _close(starting: asyncio.Task[AIOKafkaProducer]) -> None:
    """Stop a producer, also one that waits for a Kafka that is away."""
    if not starting.done():
        starting.cancel()
    with contextlib.suppress(asyncio.CancelledError, Exception):
        producer = await starting
        try:
            await asyncio.wait_for(producer.stop(), _CLOSE_WITHIN_S)
        except (TimeoutError, KafkaError):
            producer._message_accumulator.fail_all(KafkaError("closed"))  # else its sender tries for ever
            closed = asyncio.ensure_future(producer._sender.close())
            await asyncio.wait([closed], timeout=_CLOSE_WITHIN_S)
            await producer.client.close()
