"""The broker restarted, crashed, silent; its topics and groups changed under the workers."""

from __future__ import annotations

import asyncio
import time
from random import Random

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import CommitFailedError

from liontrack_stream.kafka.exits import ExitCode
from tests.support.kafka_admin import add_partitions, delete_group, delete_records, recreate
from tests.support.oracle import POSITIONS
from tests.support.worker_process import wait_until

from ..fault import NotHere, fault
from ..scene import PARTITIONS, Scene

_COMMITS = 30
_STORED = "SELECT next_offset FROM metadata.consumed_offsets WHERE topic = $1 AND partition = 0"


@fault("Kafka restarts", "kafka")
def restart(scene: Scene, random: Random) -> None:
    scene.servers.stack.down(["kafka"])
    time.sleep(random.uniform(0.0, 3.0))
    scene.servers.stack.up()


@fault("Kafka crashes", "kafka", kills=1)
def crash(scene: Scene, random: Random) -> None:
    scene.servers.crash("kafka")
    time.sleep(random.uniform(0.0, 3.0))
    scene.servers.stack.up()


@fault("Kafka is silent, its connections stay", "kafka")
def silent(scene: Scene, random: Random) -> None:
    broker = scene.servers.process("kafka")
    broker.suspend()
    try:
        time.sleep(random.uniform(10.0, 20.0))
    finally:
        broker.resume()


@fault("Kafka is silent for 60 s", "kafka")
def parted(scene: Scene, random: Random) -> None:
    broker = scene.servers.process("kafka")
    broker.suspend()
    try:
        time.sleep(60.0)
    finally:
        broker.resume()


@fault("the group's offsets are moved", "kafka")
def moved(scene: Scene, random: Random) -> None:
    """Back, and ahead of the log's end: they are telemetry, and nothing goes by them."""
    with scene.worker.down():
        asyncio.run(_commit(scene, random))


@fault("the group and its offsets are deleted", "kafka")
def deleted(scene: Scene, random: Random) -> None:
    with scene.worker.down():
        asyncio.run(delete_group(scene.kit.settings))


@fault("a partition is added to each topic", "kafka")
def added(scene: Scene, random: Random) -> None:
    """Keys go elsewhere from then on. Once per scene: the comparison reads what there is."""
    settings = scene.kit.settings
    if settings.topic_partitions > PARTITIONS:
        raise NotHere("this scene's topics have theirs already")
    count = settings.topic_partitions + 1
    asyncio.run(add_partitions(settings, count))
    scene.kit.settings = settings.model_copy(update={"topic_partitions": count})
    with scene.load.down():
        pass
    third = f"SELECT sum(next_offset) > 0 FROM metadata.consumed_offsets WHERE partition = {count - 1}"
    wait_until(lambda: bool(scene.kit.fetch(third)[0][0]), 120.0, "records of the new partitions")


async def _commit(scene: Scene, random: Random) -> None:
    settings = scene.kit.settings
    consumer = AIOKafkaConsumer(
        bootstrap_servers=settings.kafka_brokers, group_id=settings.liontrack_app_id, enable_auto_commit=False
    )
    await consumer.start()
    try:
        names = sorted(name for name in await consumer.topics() if name.startswith(settings.topic_prefix))
        places = [TopicPartition(name, number) for name in names for number in range(settings.topic_partitions)]
        consumer.assign(places)
        for attempt in range(_COMMITS):  # a worker that has ended is a member until its session is over
            try:
                return await consumer.commit({place: random.choice((0, 7, 10**9)) for place in places})
            except CommitFailedError:
                if attempt == _COMMITS - 1:
                    raise
                await asyncio.sleep(1.0)
    finally:
        await consumer.stop()


@fault("retention has passed the stored offset: a loud stop with the range", "kafka", last=True)
def lost(scene: Scene, random: Random) -> None:
    gone = random.randint(3, 30)
    _more(scene, gone + 5)
    [[stored]] = scene.kit.fetch(_STORED, POSITIONS)
    asyncio.run(delete_records(scene.kit.settings, POSITIONS, 0, stored + gone))
    code, log = _refused(scene)
    said = f"{POSITIONS}/0: offsets {stored} to {stored + gone - 1} were never stored"
    assert code == ExitCode.CONSISTENCY and said in log, f"{code}: {log[-2000:]}"
    assert [tuple(row) for row in scene.kit.fetch(_STORED, POSITIONS)] == [(stored,)]


@fault("a topic is deleted and made again: refused", "kafka", last=True)
def recreated(scene: Scene, random: Random) -> None:
    asyncio.run(recreate(scene.kit.settings, POSITIONS))
    _more(scene, 20)
    code, log = _refused(scene)
    assert code == ExitCode.CONSISTENCY, f"{code}: {log[-2000:]}"


def _more(scene: Scene, count: int) -> None:
    """Records in the first partition that no worker has stored."""
    asyncio.run(_produce(scene, count))


async def _produce(scene: Scene, count: int) -> None:
    async with AIOKafkaProducer(bootstrap_servers=scene.kit.settings.kafka_brokers) as producer:
        for _ in range(count):
            await producer.send_and_wait(scene.kit.settings.topic(POSITIONS), b"{}", partition=0)


def _refused(scene: Scene) -> tuple[int, str]:
    """How a worker ends that must not go on, and its log."""
    worker = scene.kit.worker("--until-caught-up", instance="refused")
    code, _ = worker.wait(90.0)
    return code, worker.log_text()
