"""What the transport's tests do all the time: produce, run workers on the fake warehouse, look at what it holds."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import asyncpg
from aiokafka import AIOKafkaProducer

from liontrack_stream.contract.topics import TOPICS
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings
from tests.support.fake_warehouse import SCHEMA
from tests.support.worker_process import WorkerProcess, environment, wait_until

NOUNS = tuple(topic.noun for topic in TOPICS)


class TransportKit:
    """One test's topics, fake warehouse and workers."""

    def __init__(self, settings: Settings, folder: Path) -> None:
        self.settings, self.folder = settings, folder
        self._workers: list[WorkerProcess] = []
        self.produced = 0
        asyncio.run(create_topics(settings))
        for statement in SCHEMA.split(";")[:-1]:
            self.execute(statement)

    # -- workers

    def worker(self, *arguments: str, instance: str = "1", **changes: Any) -> WorkerProcess:
        """Start a worker."""
        values = environment(self.settings, self.folder, LIONTRACK_INSTANCE=instance, **changes)
        worker = WorkerProcess(values, self.folder / f"worker-{instance}.log", "-l", "info", *arguments)
        self._workers.append(worker)
        return worker

    def catch_up(self, **changes: Any) -> dict[str, Any]:
        """Run a worker up to the topics' ends; its report."""
        return self.worker("--until-caught-up", **changes).report()

    def end(self) -> None:
        """Kill what still runs."""
        for worker in self._workers:
            if worker.running:
                worker.kill()

    # -- Postgres

    def execute(self, sql: str, *arguments: Any) -> list[Any]:
        """Run SQL in the test's database; its rows."""

        async def run() -> list[Any]:
            connection = await asyncpg.connect(**self.settings.pg_dsn)
            try:
                return list(await connection.fetch(sql, *arguments))
            finally:
                await connection.close()

        return asyncio.run(run())

    def stored(self) -> int:
        """Rows in the fake warehouse."""
        return int(self.execute("SELECT count(*) FROM fake.records")[0][0])

    def next_offset(self, topic: str, partition: int) -> int:
        """Where the fake warehouse stands."""
        sql = "SELECT next_offset FROM fake.offsets WHERE topic = $1 AND partition = $2"
        return int(self.execute(sql, topic, partition)[0][0])

    def stored_by(self, worker: WorkerProcess) -> bool:
        """Whether this worker, which must be running, has stored anything."""
        assert worker.running, worker.log_text()[-5000:]
        return bool(self.execute("SELECT EXISTS (SELECT FROM fake.records WHERE worker = $1)", worker.pid)[0][0])

    def wait_stored(self, count: int, timeout_s: float = 40.0) -> None:
        """Wait for this many rows."""
        wait_until(lambda: self.stored() >= count, timeout_s, f"{count} stored records (now {self.stored()})")

    def assert_each_stored_once(self, count: int | None = None) -> None:
        """Every record produced is there exactly once, and offsets stand behind the last."""
        rows, distinct = self.execute(
            'SELECT count(*), count(DISTINCT (topic, partition, "offset")) FROM fake.records'
        )[0]
        assert (rows, distinct) == (count or self.produced,) * 2

    # -- Kafka

    def produce(self, count: int, nouns: tuple[str, ...] = NOUNS, transaction: int = 0) -> None:
        """Send records round-robin over topics and keys; in transactions of ``transaction`` records when given."""
        asyncio.run(self._produce(count, nouns, transaction))

    @contextmanager
    def producing(self, per_second: int) -> Iterator[None]:
        """Send records to all topics in the background, for as long as the context lasts."""
        ended = threading.Event()
        thread = threading.Thread(target=lambda: asyncio.run(self._produce_until(ended, per_second)))
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    async def _produce(self, count: int, nouns: tuple[str, ...], transaction: int) -> None:
        names = [self.settings.topic(t.name) for t in TOPICS if t.noun in nouns]
        options = {"transactional_id": f"{self.settings.topic_prefix}tx"} if transaction else {}
        async with self._producer(**options) as producer:
            step = transaction or count
            for start in range(0, count, step):
                sending = nullcontext() if not transaction else producer.transaction()
                async with sending:
                    await self._send(producer, names, range(start, min(start + step, count)))

    async def _produce_until(self, ended: threading.Event, per_second: int) -> None:
        names = [self.settings.topic(topic.name) for topic in TOPICS]
        async with self._producer() as producer:
            while not ended.is_set():
                await self._send(producer, names, range(per_second // 10))
                await asyncio.sleep(0.1)

    def _producer(self, **options: Any) -> AIOKafkaProducer:
        return AIOKafkaProducer(
            bootstrap_servers=self.settings.kafka_brokers, linger_ms=5, max_batch_size=65536, **options
        )

    async def _send(self, producer: AIOKafkaProducer, topics: list[str], numbers: range) -> None:
        for i in numbers:
            await producer.send(topics[i % len(topics)], b"x" * 100, b"key-%d" % (i % 97))
        self.produced += len(numbers)
