"""Which fields of which collections become which fields of events. What is not named here never leaves MongoDB.

A mapping file (TOML or JSON, MONGO_MAPPING_FILE) changes what it names and leaves the rest at these defaults::

    [challenges]
    collection = "quests"                     # "" watches no such collection
    extra = ["difficulty"]                    # sent along under their own names
    [challenges.fields]
    title = "name"                            # a path in the document, or several: the first that is there counts
    [challenges.values.status]
    done = "completed"                        # the document's value = the event's
"""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from liontrack_stream.contract.redact import SECRET_FIELDS

NOUNS = ("lions", "users", "challenges", "weights")
Paths = tuple[str, ...]

_CREATED: Paths = ("createdAt", "created_at")
_UPDATED: Paths = ("updatedAt", "updated_at")
_SECRET = re.compile(r"pass(word|wd|code|phrase)|pwd|hash|salt|secret|token|credential|api_?key", re.IGNORECASE)


class MappingError(Exception):
    """The mapping file cannot be used; the message names the field."""


class NounMapping(NamedTuple):
    """How one collection is read. ``fields``: event field -> paths; ``values``: event field -> value -> value."""

    noun: str
    collection: str
    fields: Mapping[str, Paths]
    extra: Paths = ()
    values: Mapping[str, Mapping[str, Any]] = {}

    @property
    def roots(self) -> list[str]:
        """The documents' top-level fields that are needed."""
        paths = [path for paths in self.fields.values() for path in paths] + list(self.extra)
        return sorted({path.split(".")[0] for path in paths} | {"_id"})

    @property
    def updated_roots(self) -> set[str]:
        """The top-level fields that say when a document was last written."""
        return {path.split(".")[0] for path in self.fields["updated_at"]}


DEFAULTS: dict[str, NounMapping] = {
    "lions": NounMapping(
        "lions",
        "lions",
        {
            "name": ("name",),
            "lat": (
                "position.lat",
                "position.latitude",
                "location.lat",
                "position.coordinates.1",
                "location.coordinates.1",
            ),
            "lng": (
                "position.lng",
                "position.longitude",
                "location.lng",
                "position.coordinates.0",
                "location.coordinates.0",
            ),
            "timestamp": ("position.timestamp", "lastUpdate", "last_update", "timestamp"),
            "confidence": ("confidence", "position.confidence"),
            "accuracy": ("accuracy", "position.accuracy"),
            "altitude": ("altitude", "position.altitude"),
            "temperature": ("temperature",),
            "created_at": _CREATED,
            "updated_at": _UPDATED,
        },
    ),
    "users": NounMapping(
        "users",
        "users",
        {
            "username": ("username",),
            "email": ("email",),
            "roles": ("roles",),
            "created_at": _CREATED,
            "updated_at": _UPDATED,
        },
    ),
    "challenges": NounMapping(
        "challenges",
        "challenges",
        {
            "user_id": ("user", "userId", "user_id"),
            "title": ("title",),
            "description": ("description",),
            "status": ("status",),
            "progress": ("progress",),
            "start_date": ("startDate", "start_date"),
            "due_date": ("dueDate", "due_date"),
            "created_at": _CREATED,
            "updated_at": _UPDATED,
        },
    ),
    "weights": NounMapping(
        "weights",
        "weights",
        {
            "lion_id": ("lion", "lionId", "lion_id"),
            "user_id": ("user", "userId", "user_id"),
            "weight": ("weight",),
            "unit": ("unit",),
            "measured_at": ("date", "measuredAt", "measured_at"),
            "note": ("note",),
            "created_at": _CREATED,
            "updated_at": _UPDATED,
        },
    ),
}


def load_mapping(file: Path | None) -> dict[str, NounMapping]:
    """The defaults, with a file's changes; only the collections that are watched.

    Raises
    ------
    MappingError
        When the file cannot be read, names something unknown, or would send what looks like a secret.
    """
    given: Any = {} if file is None else _read(file)
    _known("the mapping", given, NOUNS)
    mapping = {noun: _merged(DEFAULTS[noun], given.get(noun, {})) for noun in NOUNS}
    watched = {noun: one for noun, one in mapping.items() if one.collection}
    names = [one.collection for one in watched.values()]
    for noun, one in watched.items():
        if names.count(one.collection) > 1:
            raise MappingError(f"{noun}.collection: {one.collection!r} is named more than once.")
    if not watched:
        raise MappingError("collection: no collection is left to watch.")
    return watched


def _read(file: Path) -> Any:
    try:
        text = file.read_text(encoding="utf-8")
        return json.loads(text) if file.suffix == ".json" else tomllib.loads(text)
    except OSError as error:
        raise MappingError(f"MONGO_MAPPING_FILE: {file} cannot be read ({error.strerror}).") from None
    except (ValueError, UnicodeDecodeError) as error:
        kind = "JSON" if file.suffix == ".json" else "TOML"
        raise MappingError(f"MONGO_MAPPING_FILE: {file} is no {kind} ({error}).") from None


def _merged(default: NounMapping, given: Any) -> NounMapping:
    noun = default.noun
    _known(noun, given, ("collection", "fields", "extra", "values"))
    collection = given.get("collection", default.collection)
    if not isinstance(collection, str):
        raise MappingError(f"{noun}.collection: takes the collection's name, not {collection!r}.")
    given_fields = given.get("fields", {})
    _known(f"{noun}.fields", given_fields, tuple(default.fields))
    fields = {
        **default.fields,
        **{name: _paths(f"{noun}.fields.{name}", value) for name, value in given_fields.items()},
    }
    extra = _paths(f"{noun}.extra", given.get("extra", []))
    for name in extra:
        if name in fields or "." in name:
            raise MappingError(f"{noun}.extra: {name!r} is a field of the event, or a path; name a top-level field.")
    values = given.get("values", {})
    _known(f"{noun}.values", values, tuple(fields))
    for name, table in values.items():
        if not isinstance(table, dict):
            raise MappingError(f"{noun}.values.{name}: takes a table of values, not {table!r}.")
    return NounMapping(noun, collection, fields, extra, values)


def _known(where: str, given: Any, names: tuple[str, ...]) -> None:
    if not isinstance(given, dict):
        raise MappingError(f"{where}: takes a table, not {given!r}.")
    for name in given:
        if name not in names:
            raise MappingError(f"{where}: {name!r} is unknown; there are {', '.join(names)}.")


def _paths(where: str, value: Any) -> Paths:
    paths = (value,) if isinstance(value, str) else tuple(value) if isinstance(value, list) else None
    if paths is None or not all(isinstance(path, str) for path in paths):
        raise MappingError(f"{where}: takes a field's name or a list of them, not {value!r}.")
    for path in paths:
        if not path or "$" in path or not all(path.split(".")):
            raise MappingError(f"{where}: {path!r} is no field's name.")
        if any(part.lower() in SECRET_FIELDS or _SECRET.search(part) for part in path.split(".")):
            raise MappingError(f"{where}: {path!r} looks like a password or token; those never leave MongoDB.")
    return paths
