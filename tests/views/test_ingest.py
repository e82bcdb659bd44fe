"""Pushing over HTTP into a real Kafka: what is taken is there when the answer comes; what is not is named."""

from __future__ import annotations

import asyncio
import gzip
import json
import tracemalloc
import zlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientResponse

from liontrack_stream.contract.topics import POSITIONS, TOPICS
from liontrack_stream.kafka.producer import partition_of
from liontrack_stream.kafka.topics import create_topics
from liontrack_stream.settings import Settings
from liontrack_stream.sources.fixes import INDIVIDUAL
from liontrack_stream.views import pushes
from liontrack_stream.views.ingest import ROUTES
from tests.support.reading import read_topic
from tests.views.conftest import Client, Serve
from tests.views.test_access_matrix import address
from tests.views.tokens import ADMIN, PRODUCER, RANGER

PATH = "/ingest/positions"
LINES = {"Content-Type": "application/x-ndjson"}
PAGE = "https://maps.example.org"


def fix(lion: str, minute: int = 0, **more: Any) -> dict[str, Any]:
    """A position event of 2026-03-01."""
    time = f"2026-03-01T{minute // 60:02d}:{minute % 60:02d}:00Z"
    return {"lion_id": lion, "position": {"lat": -21.5, "lng": 23.5}, "timestamp": time, **more}


@pytest.fixture
async def topics(stack_settings: Settings, topic_prefix: str) -> dict[str, Any]:
    """Settings of topics of this test's own, of two partitions."""
    own = {"topic_prefix": topic_prefix, "topic_partitions": 2}
    await create_topics(stack_settings.model_copy(update=own))
    return own


@pytest.fixture
async def site(serve: Serve, topics: dict[str, Any]) -> Client:
    """A site that pushes into them."""
    return await serve(**topics)


async def held(settings: Settings, topics: dict[str, Any], topic: str = POSITIONS.name) -> list[Any]:
    """What the topic holds now."""
    return await read_topic(settings.model_copy(update=topics), topic)


async def answer(response: ClientResponse) -> tuple[int, Any]:
    return response.status, await response.json()


async def push(site: Client, data: Any, path: str = PATH, **headers: str) -> tuple[int, Any]:
    """Status and body for bytes, or for JSON of anything else."""
    sent = {"Content-Type": "application/json", **PRODUCER, **{n.replace("_", "-"): v for n, v in headers.items()}}
    body = data if isinstance(data, bytes) else json.dumps(data).encode()
    return await answer(await site.post(path, data=body, headers=sent))


async def test_what_is_acknowledged_kafka_holds(site: Client, stack_settings: Settings, topics: dict[str, Any]) -> None:
    items = [fix(f"lion-{number % 5}", number, event_id=f"e{number}") for number in range(40)]
    assert await push(site, items[0]) == (200, {"accepted": 1, "rejected": []})
    assert [json.loads(record.value) for record in await held(stack_settings, topics)] == items[:1]
    assert await push(site, items[1:20]) == (200, {"accepted": 19, "rejected": []})
    lines = b"\n".join(json.dumps(item).encode() for item in items[20:])
    assert await push(site, lines, Content_Type="application/x-ndjson") == (200, {"accepted": 20, "rejected": []})

    records = await held(stack_settings, topics)
    for lion in {item["lion_id"] for item in items}:
        of_lion = [record for record in records if record.key == lion.encode()]
        assert [json.loads(record.value) for record in of_lion] == [item for item in items if item["lion_id"] == lion]
        assert {record.partition for record in of_lion} == {partition_of(lion.encode(), 2)}
    headers = dict(records[0].headers)
    assert headers == {
        "event-type": b"lion.position.update",
        "timestamp": json.loads(records[0].value)["timestamp"].replace("Z", ".000Z").encode(),
        "source": b"http",
        "pushed-by": b"gateway",
    }


async def test_each_route_ends_in_its_topic(site: Client, stack_settings: Settings, topics: dict[str, Any]) -> None:
    for route in ROUTES:
        if route.body is not None:
            assert (await push(site, route.body.example, address(route)[0]))[0] == 200, route.path
    counts = {topic.noun: len(await held(stack_settings, topics, topic.name)) for topic in TOPICS}
    assert counts == {"positions": 4, "weights": 1, "activities": 1, "challenges": 1, "quality": 0}


async def test_pushes_at_the_same_time(site: Client, stack_settings: Settings, topics: dict[str, Any]) -> None:
    answers = await asyncio.gather(*(push(site, [fix(f"lion-{n}", m) for m in range(5)]) for n in range(30)))
    assert answers == [(200, {"accepted": 5, "rejected": []})] * 30
    assert len(await held(stack_settings, topics)) == 150


async def test_bad_items_are_named_and_their_neighbours_taken(
    site: Client, stack_settings: Settings, topics: dict[str, Any]
) -> None:
    items = [
        fix("good", 1),
        fix("bad", 2, position={"lat": 91, "lng": 0}, event_id="e-2"),
        {"lion_id": "bad"},
        7,
        fix("bad\x00", 3),
        fix("bad", 4, timestamp="2026-03-01T00:04:00"),
        fix("bad", 5, nested=json.loads("[" * 100 + "]" * 100)),
        fix("bad", 6, name="x" * 300_000),
        fix("good", 7),
    ]
    status, body = await push(site, items)
    assert (status, body["accepted"]) == (207, 2)
    assert [(item["index"], item["rule"], item.get("event_id")) for item in body["rejected"]] == [
        (1, "impossible_coordinate", "e-2"),
        (2, "missing_field", None),
        (3, "wrong_type", None),
        (4, "nul_byte", None),
        (5, "timestamp_without_zone", None),
        (6, "too_nested", None),
        (7, "oversized", None),
    ]
    assert [record.key for record in await held(stack_settings, topics)] == [b"good", b"good"]

    status, body = await push(site, items[1:4])
    assert (status, body["accepted"], len(body["rejected"])) == (422, 0, 3)
    assert {"error", "detail"} <= body.keys()
    assert len(await held(stack_settings, topics)) == 2


async def test_a_broken_line_is_one_item(site: Client, stack_settings: Settings, topics: dict[str, Any]) -> None:
    good = [json.dumps(fix("good", minute)).encode() for minute in range(2)]
    bad = [b'{"lion_id": "x", ', b'{"lion_id": NaN}', b"\xff\xfe", b"[" * 5_000]
    body = b"\r\n".join([good[0], b"", *bad, b"  ", good[1], b""])
    status, told = await push(site, body, Content_Type="application/x-ndjson")
    assert (status, told["accepted"]) == (207, 2)
    rules = [(item["index"], item["rule"]) for item in told["rejected"]]
    assert [index for index, _ in rules] == [2, 3, 4, 5]
    assert [rule for _, rule in rules[:2]] == ["malformed_json", "not_finite"]
    assert [record.value for record in await held(stack_settings, topics)] == good


@pytest.mark.parametrize(
    ("body", "word"),
    [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b'{"lion_id": "x"', "truncated"),
        (b'[{"lion_id": "x"},\n {"lion_id": y}]', "line 2, column 14"),
        (b"[1, NaN]", "line 1, column 5"),
        (b'{"a": "\x00"}', "line 1"),
        (b"[" * 100_000, "nested"),
        (b"lion_id=x", "no JSON"),
        (b"[] []", "trailing"),
    ],
)
async def test_what_is_no_json_is_refused_as_a_whole_and_told_where(client: Client, body: bytes, word: str) -> None:
    status, told = await push(client, body)
    assert (status, told["error"], word in told["detail"]) == (400, "Bad request", True), told


async def test_nothing_to_push_is_fine(client: Client) -> None:
    assert await push(client, []) == (200, {"accepted": 0, "rejected": []})
    assert (await push(client, b" \n\n", Content_Type="application/x-ndjson"))[0] == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Type": "application/x-www-form-urlencoded"},  # what a page of another origin could send unasked
        {"Content_Type": "text/plain"},
        {"Content_Type": "multipart/form-data; boundary=x"},
        {"Content_Type": "application/json; charset=latin-1"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "gzip, gzip"},
    ],
)
async def test_another_kind_of_body_is_refused(client: Client, headers: dict[str, str]) -> None:
    status, told = await push(client, fix("x"), **headers)
    assert (status, set(told)) == (415, {"error", "detail"})


async def test_a_body_has_a_size(serve: Serve, topics: dict[str, Any]) -> None:
    site = await serve(**topics, ingest_body_max_bytes=10_000, ingest_items_max=20)
    large = json.dumps([fix("x", name="n" * 20_000)]).encode()

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(large), 1_000):
            yield large[start : start + 1_000]

    zipped = {"Content_Encoding": "gzip"}
    assert (await push(site, gzip.compress(json.dumps(fix("x")).encode()), **zipped))[0] == 200
    for data, headers in ((large, {}), (gzip.compress(large), zipped)):
        status, told = await push(site, data, **headers)
        assert (status, "INGEST_BODY_MAX_BYTES" in told["detail"]) == (413, True)
    unsized = await site.post(PATH, data=chunks(), headers={"Content-Type": "application/json", **PRODUCER})
    assert unsized.status == 413
    status, told = await push(site, [fix("x", minute) for minute in range(21)])
    assert (status, "INGEST_ITEMS_MAX" in told["detail"]) == (413, True)
    assert (await push(site, fix("x")))[0] == 200


async def test_a_bomb_is_not_unpacked(serve: Serve) -> None:
    site = await serve(ingest_body_max_bytes=50_000)
    bomb = gzip.compress(b" " * 40_000_000)
    assert len(bomb) < 50_000
    tracemalloc.start()
    status, _ = await push(site, bomb, Content_Encoding="gzip")
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (status, peak < 10_000_000) == (413, True), peak


async def test_a_body_that_is_not_what_it_says(client: Client) -> None:
    whole = gzip.compress(json.dumps(fix("x")).encode())
    for data in (b"no gzip at all", whole[:-12], zlib.compress(b"{}"), whole[:15] + b"\x00" * 20 + whole[35:]):
        status, told = await push(client, data, Content_Encoding="gzip")
        assert (status, set(told)) == (400, {"error", "detail"}), data


async def test_a_slow_body_is_not_waited_for(client: Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pushes, "READ_WITHIN_S", 0.2)

    async def drip() -> AsyncIterator[bytes]:
        yield b"["
        await asyncio.sleep(1.0)
        yield b"]"

    response = await client.post(PATH, data=drip(), headers={"Content-Type": "application/json", **PRODUCER})
    assert response.status == 408


async def test_more_pushes_than_there_are_places(serve: Serve, topics: dict[str, Any]) -> None:
    site = await serve(**topics, ingest_concurrency_max=1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"["
        begun.set()
        await go_on.wait()
        yield json.dumps(fix("x")).encode() + b"]"

    headers = {"Content-Type": "application/json", **PRODUCER}
    first = asyncio.create_task(site.post(PATH, data=slow(), headers=headers))
    await begun.wait()
    while not site.server.app[pushes.PUSHES]._under_way:  # type: ignore[attr-defined]  # noqa: ASYNC110
        await asyncio.sleep(0.01)
    refused = await site.post(PATH, json=fix("y"), headers=PRODUCER)
    assert (refused.status, refused.headers["Retry-After"]) == (429, "2")
    assert "INGEST_CONCURRENCY_MAX" in (await refused.json())["detail"]
    go_on.set()
    assert await answer(await first) == (200, {"accepted": 1, "rejected": []})
    assert (await push(site, fix("y")))[0] == 200


async def test_who_pushes_too_often_is_told_when_to_come_back(serve: Serve, topics: dict[str, Any]) -> None:
    site = await serve(**topics, api_rate_per_s=0.1, api_burst=2)
    statuses = [(await push(site, fix("x", minute)))[0] for minute in range(3)]
    assert statuses == [200, 200, 429]


async def test_without_kafka_nothing_is_acknowledged(serve: Serve) -> None:
    site = await serve(kafka_brokers="127.0.0.1:1", ingest_timeout_s=2.0)
    response = await site.post(PATH, json=fix("x"), headers=PRODUCER)
    assert (response.status, response.headers["Retry-After"]) == (503, "2")
    assert "again" in (await response.json())["detail"]
    assert (await site.get("/health")).status == 200


async def test_nobody_connects_to_kafka_before_the_first_push(client: Client) -> None:
    await client.get("/health")
    await client.post(PATH, data=b"[", headers={"Content-Type": "application/json", **PRODUCER})
    assert client.server.app[pushes.PUSHES].producer._starting is None  # type: ignore[attr-defined]


async def test_pages_of_other_origins_do_not_push(serve: Serve) -> None:
    site = await serve(cors_origins=(PAGE,))
    ask = {"Origin": PAGE, "Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "authorization"}
    for path in {address(route)[0] for route in ROUTES}:
        response = await site.options(path, headers=ask)
        assert (response.status, "Access-Control-Allow-Origin" in response.headers) == (405, False)
    answered = await site.post(PATH, json=[], headers={**PRODUCER, "Origin": PAGE})
    assert "Access-Control-Allow-Origin" not in answered.headers


async def test_an_answer_is_not_kept(client: Client) -> None:
    query = "id=ST-1&lat=1&lon=2&timestamp=1772386212"
    for response in (
        await client.post(PATH, json=fix("x"), headers={**ADMIN, "If-None-Match": "*"}),
        await client.get(f"/ingest/traccar?{query}", headers={**PRODUCER, "If-None-Match": "*"}),
    ):
        assert (response.status, response.headers["Cache-Control"]) == (200, "no-store")
        assert "ETag" not in response.headers


async def test_trackers_push_in_their_own_words(site: Client, stack_settings: Settings, topics: dict[str, Any]) -> None:
    folder = Path(__file__).parents[1] / "sources" / "trackers"
    status = json.loads((folder / "earthranger.json").read_text())
    assert await push(site, status, "/ingest/earthranger") == (200, {"accepted": 2, "rejected": []})
    forwarded = json.loads((folder / "traccar.json").read_text())
    assert (await push(site, forwarded, "/ingest/traccar"))[0] == 200
    lines = (folder / "urls.txt").read_text().splitlines()
    for query in lines:
        got = await answer(await site.get(f"/ingest/traccar?{query}", headers=PRODUCER))
        posted = await answer(await site.post(f"/ingest/traccar?{query}", headers=PRODUCER))
        assert got == posted == (200, {"accepted": 1, "rejected": []})
    records = await held(stack_settings, topics)
    assert len(records) == 2 + 1 + 2 * len(lines)
    assert {json.loads(record.value)["tag_id"] for record in records} == {"ST2010-2756", "865205035331204"}
    assert len({json.loads(record.value)["event_id"] for record in records}) == 3

    zoneless = {**status[0], "recorded_at": "2026-03-01T17:30:12"}
    code, told = await push(site, [zoneless, status[1]], "/ingest/earthranger")
    assert (code, told["accepted"], told["rejected"][0]["rule"]) == (207, 1, "timestamp_without_zone")
    query = "id=ST-1&lat=1&lon=2&timestamp=2026-03-01T17:30:12"
    code, told = await answer(await site.get(f"/ingest/traccar?{query}", headers=PRODUCER))
    assert (code, told["rejected"][0]["rule"]) == (422, "timestamp_without_zone")
    assert (await site.head(f"/ingest/traccar?{query}", headers=PRODUCER)).status == 405


async def test_a_tracker_s_fix_is_of_who_wore_the_collar_then(
    site: Client, stack_settings: Settings, topics: dict[str, Any]
) -> None:
    place = {"lat": -21.5, "lon": 23.5}
    observed = [
        {"manufacturer_id": tag, "subject_name": "Nala", "recorded_at": f"2026-03-01T{time}Z", "location": place}
        for tag, time in (
            ("collar-7", "00:29:59.999"),  # not on yet
            ("collar-7", "00:30:00"),
            ("collar-7", "00:59:59.999"),
            ("collar-7", "01:00:00"),  # changed hands
            ("collar-8", "01:00:00"),  # nobody has said who wears it
        )
    ]
    assert (await push(site, observed, "/ingest/earthranger"))[0] == 200
    query = "id=collar-7&lat=-21.5&lon=23.5&timestamp=2026-03-01T02:00:00Z"
    assert (await site.get(f"/ingest/traccar?{query}", headers=PRODUCER)).status == 200
    records = await held(stack_settings, topics)
    events = sorted((json.loads(record.value) for record in records), key=lambda e: (e["tag_id"], e["timestamp"]))
    assert [(event["lion_id"], event.get("name"), event.get(INDIVIDUAL)) for event in events] == [
        ("collar-7", "Nala", None),
        ("nala", "nala", "collar-7"),
        ("nala", "nala", "collar-7"),
        ("sarabi", "sarabi", "collar-7"),
        ("sarabi", None, "collar-7"),
        ("collar-8", "Nala", None),
    ]
    assert {record.key.decode() for record in records} == {"collar-7", "collar-8", "nala", "sarabi"}


async def test_without_postgres_trackers_are_heard(serve: Serve, topics: dict[str, Any], unused_tcp_port: int) -> None:
    site = await serve(**topics, pg_port=unused_tcp_port)
    query = "id=collar-7&lat=-21.5&lon=23.5&timestamp=2026-03-01T02:00:00Z"
    assert (await site.get(f"/ingest/traccar?{query}", headers=PRODUCER)).status == 200


async def test_a_ranger_does_not_push(client: Client) -> None:
    assert (await client.post(PATH, json=fix("x"), headers=RANGER)).status == 403
