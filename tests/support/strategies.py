"""Hypothesis strategies: adversarial but realistic streams of the five topics, and ways to deliver them.

Few lions, users and challenges, few instants and few places, so that records collide. Times sit on the edges of the
rules: day and window edges, 10 minutes, 1, 4 and 24 hours, 29 to 31 days. Every record carries its place in Kafka, so
a stream means the same set however it is cut and interleaved::

    partition 0   r0 r1 r2 r3 ...        [r0 r1][s0][r2 r3][s1 s2] ...   one delivery
    partition 1   s0 s1 s2 ...           [s0 s1 s2][r0 r1 r2][r3]  ...   another: same result
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from .bad_records import BAD
from .oracle import ACTIVITIES, CHALLENGES, POSITIONS, QUALITY, TOPICS, WEIGHTS, Consumed

SECOND, MINUTE, HOUR, DAY = 1_000_000, 60_000_000, 3_600_000_000, 86_400_000_000
START_US = 1_740_787_200_000_000  # 2025-03-01T00:00:00Z
LATE_MS = 1_900_000_000_000  # 2030-03-17, after every event time below
PARTITIONS = 2

LIONS = ("lion-1", "lion|2", "66f0c1d2e3a4b5c6d7e8f901", "Löwe 🦁")
USERS = ("user-1", "user|2", "66f0c1d2e3a4b5c6d7e8f9ff")
CHALLENGE_IDS = ("c-1", "c-2", "c|3")
STATUSES = ("pending", "in_progress", "completed", "abandoned")
GAPS_US = (
    1,
    SECOND,
    5 * MINUTE - 1,
    5 * MINUTE,
    10 * MINUTE - 1,
    10 * MINUTE,
    30 * MINUTE,
    30 * MINUTE,
    HOUR - 1,
    HOUR,
    4 * HOUR,
    4 * HOUR + 1,
    12 * HOUR,
    DAY - 1,
    DAY,
    2 * DAY,
    3 * DAY + 1,
    28 * DAY,
    29 * DAY,
    30 * DAY,
    31 * DAY,
)
_HERE = (-21.5, 23.5)
PLACES = (
    _HERE,
    _HERE,
    (-21.5003, 23.5),  # 33 m
    (-21.5, 23.5004),  # 41 m
    (-21.5004, 23.5004),  # 61 m
    (-21.51, 23.5),  # 1.1 km
    (-21.53, 23.52),
    (-21.6, 23.6),  # 15 km
    (-22.5, 23.5),  # 111 km
    (0.0, 0.0),
    (-0.0, 0.0),
    (0.0, 23.5),
    (-21.5, 180.0),
    (-21.5, -180.0),
    (-90.0, 0.0),
)
WEIGHTS_KG = (150.0, 180.0, 180.1, 180.5, 181.0, 190.25, 230.0, 500.0, 500.5, 0.5, 1e308)
EXTRAS: tuple[Any, ...] = (
    0,
    1.5,
    True,
    None,
    "",
    "text",
    'quote " and \\ and \u2028',
    [1, [2, {}]],
    {"b": 1, "a": {"deep": [None]}},
    10**30,
    -(2**63),
    1e-300,
    "\\u0000",
)
Document = dict[str, Any]


@dataclass(frozen=True, slots=True, repr=False)
class Stream:
    """Records by (topic, partition), each in offset order."""

    partitions: dict[tuple[str, int], list[Consumed]]

    def __repr__(self) -> str:
        lines = [
            f"  {_short(r.topic)}/{r.partition}@{r.offset} appended {r.timestamp}: {r.value!r}" for r in self.records
        ]
        return "\n".join(["", *lines])

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))

    @property
    def records(self) -> list[Consumed]:
        return [record for records in self.partitions.values() for record in records]


@dataclass(frozen=True, slots=True, repr=False)
class Step:
    """What happens next: a batch of ``records``, or the process restarts where there are none."""

    topic: str = ""
    partition: int = 0
    records: tuple[Consumed, ...] = ()

    def __repr__(self) -> str:
        if not self.records:
            return "restart"
        return f"{_short(self.topic)}/{self.partition}@{self.records[0].offset}-{self.records[-1].offset}"

    def _repr_pretty_(self, printer: Any, cycle: bool) -> None:
        printer.text(repr(self))


def _short(topic: str) -> str:
    return topic.removesuffix(".events")


@dataclass(frozen=True, slots=True)
class Case:
    """A stream and one way to deliver it."""

    stream: Stream
    steps: list[Step]


@st.composite
def instants(draw: st.DrawFn, max_size: int = 32) -> list[int]:
    """Event times in µs, ascending: gaps at the edges of all rules, within hours only, or of days only."""
    times = [START_US + draw(st.sampled_from((0, -1, 5 * MINUTE - 1, 12 * HOUR, DAY - 1)))]
    gaps = draw(st.sampled_from((GAPS_US, GAPS_US[:12], (DAY, DAY, 2 * DAY, 29 * DAY, DAY - 1))))
    for gap in draw(
        st.lists(st.sampled_from(gaps), min_size=draw(st.integers(0, max_size - 1)), max_size=max_size - 1)
    ):
        times.append(times[-1] + gap)
    return times


@dataclass(frozen=True, slots=True)
class Scene:
    """Whom the events of a stream are about, when and where."""

    times: list[int]
    lions: tuple[str, ...]
    places: tuple[tuple[float, float], ...]


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """One lion, two or all; anywhere, within 60 m, or to and fro over 15 km."""
    lions = draw(st.sampled_from((LIONS[:1], LIONS[:2], LIONS)))
    places = draw(st.sampled_from((PLACES, PLACES[:4], PLACES[:9])))
    return Scene(draw(instants()), lions, places)


def written_time(time_us: int, form: int) -> str | int | float:
    """The same instant in one of the forms producers use."""
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=time_us)
    if form == 1 and time_us % SECOND == 0:
        return time_us // SECOND
    if form == 2 and time_us % 1000 == 0:
        return time_us // 1000
    if form == 3:
        return (moment + timedelta(hours=2)).isoformat().replace("+00:00", "+02:00")
    if form == 4:
        return moment.isoformat().replace("+00:00", "").replace("T", " ")
    if form == 5:
        return time_us / SECOND
    if form == 6 and time_us % 1000 == 0:
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    return moment.isoformat().replace("+00:00", "Z")


_forms = st.integers(0, 6)
_seldom = st.sampled_from((False, False, False, True))


@st.composite
def extras(draw: st.DrawFn) -> Document:
    """Unknown fields, mostly none."""
    if not draw(_seldom):
        return {}
    return draw(st.dictionaries(st.sampled_from(("collar", "note", "été", "x")), st.sampled_from(EXTRAS), max_size=2))


def _some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Document]:
    """Optional fields: each missing, null or drawn."""
    return st.fixed_dictionaries({}, optional={name: st.none() | values for name, values in fields.items()})


_metres = st.sampled_from((0.0, 5.0, 12.5, 1e308, -3.0))
_positions = _some(
    name=st.sampled_from(("Nala", "Simba", "Löwe", "")),
    source=st.sampled_from(("gps", "manual")),
    confidence=st.sampled_from((0.0, 0.95, 1)),
    accuracy=_metres,
    altitude=_metres,
    dop=_metres,
    temperature=_metres,
    visible=st.sampled_from((True, True, True, False)),
    event_id=st.sampled_from(("e1", "e2", 7)),
)


@st.composite
def position_documents(draw: st.DrawFn, scene: Scene) -> Document:
    lat, lng = draw(st.sampled_from(scene.places))
    optional = draw(_positions) if draw(_seldom) else {"name": "Nala", "source": "gps", "confidence": 0.95}
    return {
        "lion_id": draw(st.sampled_from(scene.lions)),
        "position": {"lat": lat, "lng": lng},
        "timestamp": draw(st.sampled_from(scene.times)),
        **optional,
    }


@st.composite
def weight_documents(draw: st.DrawFn, scene: Scene) -> Document:
    kilograms = draw(st.sampled_from(WEIGHTS_KG))
    unit = draw(st.sampled_from((None, "kg", "g", "lb")))
    scale = {"g": 1000.0, "lb": 2.0}.get(unit or "kg", 1.0)
    weight = kilograms if kilograms > 1e300 else kilograms * scale
    document = {
        "weight_id": f"w-{draw(st.integers(1, 40))}",
        "lion_id": draw(st.sampled_from(scene.lions)),
        "weight": weight,
        draw(st.sampled_from(("measured_at", "timestamp"))): draw(st.sampled_from(scene.times)),
        "source": "manual",
    }
    if unit:
        document["unit"] = unit
    if draw(st.booleans()):
        document["user_id"] = draw(st.sampled_from(USERS))
    return document


_profiles = _some(
    username=st.sampled_from(("ranger", "rangerin", "")),
    email=st.sampled_from(("a@example.org", "b@example.org")),
    roles=st.sampled_from(([], ["ranger"], ["admin", "ranger"])),
)


@st.composite
def activity_documents(draw: st.DrawFn, scene: Scene) -> Document:
    kinds = ("login", "weight_logged", "weight_added", "weight_entry", "view|page")
    document = {
        "user_id": draw(st.sampled_from(USERS)),
        "activity_type": draw(st.sampled_from(kinds)),
        "timestamp": draw(st.sampled_from(scene.times)),
    }
    if draw(st.booleans()):
        profile = draw(_profiles)
        document |= {"metadata": profile} if draw(st.booleans()) else profile
    if draw(_seldom):
        document["event_id"] = draw(st.sampled_from(("1", 1, "2", "")))
    if draw(_seldom):
        document["metadata"] = {"password": "hunter2", "nested": [{"Token": "t"}]}
    return document


@st.composite
def challenge_documents(draw: st.DrawFn, scene: Scene) -> Document:
    document = {
        "challenge_id": draw(st.sampled_from(CHALLENGE_IDS)),
        "user_id": draw(st.sampled_from(USERS[:2])),
        "title": draw(st.sampled_from(("Track a pride", "Weigh a cub"))),
        "status": draw(st.sampled_from(STATUSES)),
        "timestamp": draw(st.sampled_from(scene.times)),
    }
    if draw(st.booleans()):
        document["updated_at"] = document["timestamp"]
    if draw(_seldom):
        document["created_at"] = draw(st.sampled_from(scene.times))
        document["due_date"] = draw(st.sampled_from(scene.times))
        document["progress"] = draw(st.sampled_from((0, 0.5, 100, None)))
        document["description"] = draw(st.sampled_from((None, "Follow the pride for a day")))
    return document


@st.composite
def quality_documents(draw: st.DrawFn, scene: Scene) -> Document:
    return {
        "table_name": draw(st.sampled_from(("silver.lions", "gold|x"))),
        "check_name": draw(st.sampled_from(("not_null", "range|y"))),
        "check_timestamp": draw(st.sampled_from(scene.times)),
        "total_records": draw(st.sampled_from((0, 10, 2**63 - 1))),
        "valid_records": 9,
        "invalid_records": 1,
        "quality_percentage": draw(st.sampled_from((0, 33.333333333333336, 90, 99.9, 100.0))),
    }


DOCUMENTS = {
    POSITIONS: position_documents,
    WEIGHTS: weight_documents,
    ACTIVITIES: activity_documents,
    CHALLENGES: challenge_documents,
    QUALITY: quality_documents,
}
_TIME_FIELDS = {"timestamp", "measured_at", "updated_at", "check_timestamp", "created_at", "due_date"}


@st.composite
def written(draw: st.DrawFn, document: Document) -> bytes:
    """A document as JSON in one of many forms: times, order of fields, spaces, escapes, envelopes."""
    form = draw(_forms)
    fields = {name: written_time(item, form) if name in _TIME_FIELDS else item for name, item in document.items()}
    style = draw(st.integers(0, 7))
    if style == 1:
        fields = dict(reversed(fields.items()))
    elif style == 2:
        return json.dumps(fields, indent=2, ensure_ascii=False).encode()
    elif style == 3:
        inner = json.dumps({"_id": {"$oid": "0" * 24}, **fields})
        return json.dumps({"op": "c", "before": None, "after": inner, "source": {"connector": "mongodb"}}).encode()
    elif style == 4:
        change = {"operationType": "insert", "documentKey": {"_id": "x"}, "fullDocument": fields}
        return json.dumps(change).encode()
    return json.dumps(fields, separators=(",", ":")).encode()


@st.composite
def values(draw: st.DrawFn, topic: str, scene: Scene, earlier: list[Document]) -> bytes | None:
    """The next record's value: a new event, an earlier one again in another form or changed, or a bad record."""
    kind = draw(st.integers(0, 19))
    if kind == 19:
        return draw(st.sampled_from(_BAD_OF[topic])) if draw(st.booleans()) else draw(st.binary(max_size=60))
    if kind >= 15 and earlier:
        document = draw(st.sampled_from(earlier))
        if kind == 18:  # the same identity says something else
            document = {**document, "note": draw(st.integers(0, 2))}
    else:
        document = {**draw(DOCUMENTS[topic](scene)), **draw(extras())}
        earlier.append(document)
    return draw(written(document))


@st.composite
def deletions(draw: st.DrawFn, topic: str, scene: Scene) -> tuple[bytes | None, bytes | None]:
    """Key and value of a record that deletes: a tombstone, Debezium's ``d`` or a change stream's ``delete``."""
    weighings = tuple(f"w-{n}" for n in range(1, 41))
    entity = draw(
        st.sampled_from(
            {
                POSITIONS: scene.lions,
                WEIGHTS: (*scene.lions, *weighings),
                ACTIVITIES: USERS,
                CHALLENGES: CHALLENGE_IDS,
                QUALITY: ("silver.lions",),
            }[topic]
        )
    )
    form = draw(st.integers(0, 3))
    if form == 0:
        return entity.encode(), None
    if form == 1:
        before = json.dumps({"_id": {"$oid": entity}})
        return None, json.dumps({"op": "d", "before": before, "after": None, "source": {}}).encode()
    if form == 2:
        return b"x", json.dumps({"operationType": "delete", "documentKey": {"_id": entity}}).encode()
    id_field = {POSITIONS: "lion_id", WEIGHTS: "weightId", ACTIVITIES: "userId", CHALLENGES: "challenge_id"}
    before = json.dumps({"_id": draw(st.sampled_from(("e1", "1", "7"))), id_field.get(topic, "table_name"): entity})
    return None, json.dumps({"op": "d", "before": before, "source": {}}).encode()


_BAD_OF: dict[str, list[bytes]] = {
    topic: [value for where, value, _ in BAD.values() if where == topic and len(value) < 5000] for topic in TOPICS
}
_keys = st.sampled_from((b"lion-1", b'"lion-1"', b"\xff", b"", None))
_headers = st.sampled_from(
    (
        (),
        (("event-type", b"lion.position.update"), ("timestamp", b"2025-03-01T00:00:00Z")),
        (("odd\u00e9", b"\xff\x00"),),
    )
)


@st.composite
def streams(
    draw: st.DrawFn, topics: tuple[str, ...] = TOPICS, max_records: int = 60, tombstones: bool = False
) -> Stream:
    """Records of some topics in ``PARTITIONS`` partitions each, offsets with gaps, append times mostly ascending.

    An identity usually stays in one partition; now and then it does not, as after a change of the partition count.
    """
    scene = draw(scenes())
    times = scene.times
    earlier: dict[str, list[Document]] = {topic: [] for topic in topics}
    partitions: dict[tuple[str, int], list[Consumed]] = {}
    clock_ms = draw(
        st.sampled_from((LATE_MS, LATE_MS, LATE_MS, times[0] // 1000, times[len(times) // 2] // 1000 - 600_000))
    )
    for _ in range(draw(st.integers(1, max_records) | st.just(max_records))):
        topic = draw(st.sampled_from(topics))
        partition = draw(st.integers(0, PARTITIONS - 1))
        value = draw(values(topic, scene, earlier[topic]))
        key = draw(_keys)
        if tombstones and draw(st.integers(0, 9)) == 9:
            key, value = draw(deletions(topic, scene))
        clock_ms = max(0, clock_ms + draw(st.sampled_from((0, 0, 1, 1000, -1, 600_000))))
        run = partitions.setdefault((topic, partition), [])
        offset = run[-1].offset + draw(st.sampled_from((1, 1, 1, 1, 1, 1, 2, 5))) if run else 0
        run.append(Consumed(topic, partition, offset, clock_ms, key, value, draw(_headers)))
    return Stream(partitions)


@st.composite
def deliveries(draw: st.DrawFn, stream: Stream, restarts: bool = True, again: bool = True) -> list[Step]:
    """One way the stream meets the sink: partitions interleaved, cut anywhere, batches delivered twice, restarts."""
    left = {place: list(records) for place, records in stream.partitions.items()}
    steps: list[Step] = []
    longest = draw(st.sampled_from((1, 3, 10, 1000)))
    while left:
        place = draw(st.sampled_from(sorted(left)))
        size = draw(st.integers(1, longest))
        batch, left[place] = left[place][:size], left[place][size:]
        if not left[place]:
            del left[place]
        steps.append(Step(*place, tuple(batch)))
        extra = draw(st.integers(0, 9))
        if extra == 9 and restarts:
            steps.append(Step())
        if extra == 8 and again:
            steps.append(draw(st.sampled_from([step for step in steps if step.records])))
    return steps


@st.composite
def cases(draw: st.DrawFn, topics: tuple[str, ...] = TOPICS, max_records: int = 40, tombstones: bool = False) -> Case:
    """A stream of some topics and one delivery of it."""
    stream = draw(streams(topics, max_records, tombstones))
    return Case(stream, draw(deliveries(stream)))
