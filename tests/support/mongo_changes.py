"""Changes of the web app's collections, and the slow oracle of what they amount to: nothing but what the test wrote.

::

    op ─► MongoDB
       └► versions[collection][id] = [(time, document), …], None at the end where it was deleted
"""

from __future__ import annotations

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo import DeleteOne, InsertOne, ReplaceOne, UpdateOne

START = datetime(2025, 3, 1, tzinfo=UTC)
SECRET = "N9qo8uLOickgx2ZMRZoMyeIjZAgcfl7p92ldGxad68LJZdL17lhWy"  # of every hash, after its salt's first letters
STATUSES = ("pending", "in_progress", "completed", "abandoned")

Op = tuple[str, Any]  # collection, what pymongo's bulk_write takes


class Changes:
    """A seeded sequence of changes. ``made`` holds every state that a document was in, oldest first."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)
        self._now = START
        self.made: dict[str, dict[ObjectId, list[dict[str, Any] | None]]] = defaultdict(lambda: defaultdict(list))
        self._owners: list[ObjectId] = []  # users that are never deleted: their weighings count

    def ops(self, count: int) -> Iterator[Op]:
        """So many changes, each noted when it is handed out."""
        makers = (self._user, self._challenge, self._weight, self._lion)
        for number in range(count):
            self._now += timedelta(milliseconds=self._random.randrange(1, 9_000))
            yield self._owner() if number < 10 else self._random.choice(makers)()

    def live(self, collection: str) -> dict[ObjectId, dict[str, Any]]:
        """The documents as they are at the end."""
        return {one: states[-1] for one, states in self.made[collection].items() if states[-1] is not None}

    def gone(self, collection: str) -> set[ObjectId]:
        return {one for one, states in self.made[collection].items() if states[-1] is None}

    def weighings(self) -> Counter[tuple[str, date]]:
        """How many weighings each user has on each day."""
        return Counter((str(one["user"]), one["date"].date()) for one in self.live("weights").values())

    # -- one change each

    def _owner(self) -> Op:
        op = self._insert("users", self._profile(len(self._owners)))
        self._owners.append(op[1]._doc["_id"])
        return op

    def _user(self) -> Op:
        return self._any("users", lambda: self._profile(self._random.randrange(10**6)), ("email", "roles", "password"))

    def _challenge(self) -> Op:
        return self._any("challenges", self._new_challenge, ("status", "progress", "title"))

    def _weight(self) -> Op:
        return self._any("weights", self._new_weight, ("weight", "date", "note"))

    def _lion(self) -> Op:
        return self._any("lions", self._new_lion, ("position",), always_dated=True)

    def _any(self, collection: str, new: Any, fields: tuple[str, ...], always_dated: bool = False) -> Op:
        """Insert, update (some without a new updatedAt), replace or delete."""
        live = [
            one for one, states in self.made[collection].items() if states[-1] is not None and one not in self._owners
        ]
        choice = self._random.random()
        if not live or choice < 0.35:
            return self._insert(collection, new())
        one = self._random.choice(live)
        before = self.made[collection][one][-1]
        assert before is not None
        if choice < 0.45:
            self.made[collection][one].append(None)
            return collection, DeleteOne({"_id": one})
        after = {**before, **{name: new()[name] for name in self._random.sample(fields, k=1)}}
        if always_dated or self._random.random() < 0.9:
            after["updatedAt"] = self._now
        self.made[collection][one].append(after)
        if choice < 0.55:
            return collection, ReplaceOne({"_id": one}, after)
        changed = {name: value for name, value in after.items() if before.get(name) != value}
        return collection, UpdateOne({"_id": one}, {"$set": changed or {"updatedAt": after["updatedAt"]}})

    def _insert(self, collection: str, document: dict[str, Any]) -> Op:
        document = {"_id": ObjectId(), **document, "createdAt": self._now, "updatedAt": self._now, "__v": 0}
        self.made[collection][document["_id"]].append(document)
        return collection, InsertOne(document)

    # -- documents, as mongoose writes them

    def _profile(self, number: int) -> dict[str, Any]:
        letters = "".join(self._random.choices("abcdefghij", k=4))
        return {
            "username": f"user{number}",
            "email": f"{letters}{number}@example.org",
            "roles": self._random.sample(["user", "ranger", "admin"], k=self._random.randrange(1, 4)),
            "password": f"$2b$10${letters}{SECRET}",
            "resetPasswordToken": SECRET[::-1],
        }

    def _new_challenge(self) -> dict[str, Any]:
        return {
            "title": f"Walk {self._random.randrange(10**6)} km",
            "description": "Ünïcode 🦁",
            "startDate": START,
            "dueDate": START + timedelta(days=self._random.randrange(30)),
            "progress": self._random.randrange(101),
            "status": self._random.choice(STATUSES),
            "user": self._random.choice(self._owners),
        }

    def _new_weight(self) -> dict[str, Any]:
        day = START + timedelta(days=self._random.randrange(20), seconds=self._random.randrange(86_400))
        note = f"note {self._random.randrange(10**6)}"
        return {
            "weight": round(self._random.uniform(50, 99), 1),
            "date": day,
            "note": note,
            "user": self._random.choice(self._owners),
        }

    def _new_lion(self) -> dict[str, Any]:
        lat, lng = -21.5 + self._random.random() / 1e4, 23.5 + self._random.random() / 1e4
        return {"name": "Simba", "position": {"lat": lat, "lng": lng}}
