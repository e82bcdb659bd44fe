"""The mapping of MongoDB's fields: defaults, changes by a file, and errors that name the field."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from bson import Binary, DatetimeMS, Decimal128, Int64, ObjectId

from liontrack_stream.sources.mongo.events import entry_of
from liontrack_stream.sources.mongo.mapping import DEFAULTS, MappingError, load_mapping
from liontrack_stream.sources.mongo.values import id_text, plain

AT = datetime(2025, 3, 1, 9, 0, 30, 125_000)  # naive, as pymongo gives it: UTC
USER = ObjectId("65f0c1d2e3a4b5c6d7e8f901")


def loaded(tmp_path: Path, text: str, name: str = "mapping.toml") -> Any:
    file = tmp_path / name
    file.write_text(text)
    return load_mapping(file)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[lion]\n", "the mapping: 'lion' is unknown; there are lions, users, challenges, weights"),
        ("[users]\nfield = 1\n", "users: 'field' is unknown"),
        ("[users.fields]\nnick = 'nick'\n", "users.fields: 'nick' is unknown; there are username, email"),
        ("[users.fields]\nemail = 5\n", "users.fields.email: takes a field's name or a list of them, not 5"),
        ("[users.fields]\nemail = 'a..b'\n", "users.fields.email: 'a..b' is no field's name"),
        ("[users.fields]\nemail = '$where'\n", "users.fields.email: '$where' is no field's name"),
        ("[users.fields]\nusername = 'passwordHash'\n", "users.fields.username: 'passwordHash' looks like a password"),
        ("[users]\nextra = ['profile', 'local.hash']\n", "users.extra: 'local.hash' looks like a password"),
        ("[users]\nextra = ['email']\n", "users.extra: 'email' is a field of the event"),
        ("[weights]\ncollection = 7\n", "weights.collection: takes the collection's name, not 7"),
        ("[weights]\ncollection = 'users'\n", "users.collection: 'users' is named more than once"),
        ("[challenges.values]\nstatus = 'done'\n", "challenges.values.status: takes a table of values"),
        ("[challenges.values.state]\na = 'b'\n", "challenges.values: 'state' is unknown"),
        ("lions = \n", "is no TOML"),
        (
            "lions.collection=''\nusers.collection=''\nchallenges.collection=''\nweights.collection=''\n",
            "no collection is",
        ),
    ],
)
def test_errors_name_the_field(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(MappingError) as error:
        loaded(tmp_path, text)
    assert words in str(error.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MappingError, match=r"MONGO_MAPPING_FILE: .* cannot be read"):
        load_mapping(tmp_path / "none.toml")


def test_a_file_changes_what_it_names(tmp_path: Path) -> None:
    given = {
        "lions": {"collection": ""},
        "challenges": {
            "collection": "quests",
            "extra": ["difficulty"],
            "fields": {"title": "name", "user_id": ["owner.id", "user"]},
            "values": {"status": {"done": "completed", "3": "abandoned"}},
        },
    }
    mapping = loaded(tmp_path, json.dumps(given), "mapping.json")
    assert set(mapping) == {"users", "challenges", "weights"}
    assert mapping["users"] == DEFAULTS["users"]
    quests = mapping["challenges"]
    document = {"_id": 1, "name": "Walk", "owner": {"id": USER}, "status": "done", "difficulty": 2, "secret": "x"}
    entry = entry_of(quests, document)
    assert entry is not None
    assert entry.fields == {
        "challenge_id": "1",
        "user_id": str(USER),
        "title": "Walk",
        "status": "completed",
        "difficulty": 2,
    }
    again = entry_of(quests, {**document, "status": 3})
    assert again is not None
    assert again.fields["status"] == "abandoned"
    assert "name" in quests.roots
    assert "secret" not in quests.roots


def test_only_mapped_fields_leave() -> None:
    document = {"_id": USER, "username": "nala", "password": "geheim", "profile": {"x": "geheim"}, "updatedAt": AT}
    entry = entry_of(DEFAULTS["users"], document)
    assert "geheim" not in repr(entry)
    assert "password" not in DEFAULTS["users"].roots


@pytest.mark.parametrize(
    "secret",
    [
        "$2b$10$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "x $2a$12$N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy",
        "$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$hash",
        "pbkdf2_sha256$600000$salt$hash=",
        "5e884898da28047151d0e56f8dc6292773603d0d6aabbdd62a11ef721d1542d8",
    ],
)
def test_what_looks_like_a_hash_does_not_leave_in_a_mapped_field(secret: str) -> None:
    entry = entry_of(DEFAULTS["users"], {"_id": USER, "username": secret, "email": [{"password": "x", "a": secret}]})
    assert entry is not None
    assert secret not in repr(entry)
    assert entry.fields["email"] == [{"a": "[removed]"}]


@pytest.mark.parametrize(
    ("value", "json_value"),
    [
        (AT, "2025-03-01T09:00:30.125Z"),
        (AT.replace(tzinfo=UTC), "2025-03-01T09:00:30.125Z"),
        (USER, str(USER)),
        (Int64(2**60), 2**60),
        (Decimal128("1.5"), 1.5),
        (Decimal128("NaN"), "nan"),
        (float("inf"), "inf"),
        (DatetimeMS(2**60), 2**60),
        (Binary(UUID(int=5).bytes, 4), str(UUID(int=5))),
        (b"bytes", None),
        ([{"a": USER}], [{"a": str(USER)}]),
    ],
)
def test_bson_as_json(value: Any, json_value: Any) -> None:
    assert plain(value) == json_value


@pytest.mark.parametrize(
    ("value", "text"),
    [(USER, str(USER)), ("nala", "nala"), (7, "7"), ({"_id": USER, "name": "x"}, str(USER)), (None, "")],
)
def test_ids(value: Any, text: str) -> None:
    assert id_text(value) == text


@pytest.mark.parametrize(
    "place",
    [
        {"position": {"lat": -21.5, "lng": 23.25}},
        {"position": {"latitude": -21.5, "longitude": 23.25}},
        {"location": {"type": "Point", "coordinates": [23.25, -21.5]}},
    ],
)
def test_a_lion_s_place_in_each_form(place: dict[str, Any]) -> None:
    entry = entry_of(DEFAULTS["lions"], {"_id": "simba", "name": "Simba", "updatedAt": AT, **place})
    assert entry is not None
    assert entry.fields == {"lion_id": "simba", "position": {"lat": -21.5, "lng": 23.25}, "name": "Simba"}


def test_a_lion_that_is_nowhere_tells_nothing() -> None:
    assert entry_of(DEFAULTS["lions"], {"_id": "simba", "name": "Simba", "updatedAt": AT}) is None
