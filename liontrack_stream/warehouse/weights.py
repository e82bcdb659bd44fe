"""Weights: silver weighings, the lion-days and user-days that they count for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from liontrack_stream.contract.convert import KG_PER_UNIT
from liontrack_stream.contract.events import Weight, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.health import LionDay, day_weights
from liontrack_stream.core.weights import weight_flags
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.identities import Claim, order_columns, settle_identities
from liontrack_stream.warehouse.lion_days import days_around, load_days, write_days
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_weights(work: BatchWork) -> None:
    """Write everything that the batch's weighings change in silver and gold."""
    events, _ = work.events(Weight)
    if not events:
        return
    lions, users = {event.lion_id for event in events}, {event.user_id for event in events if event.user_id}
    await work.lock(lion=lions, user=users, identity={f"weight {event.weight_id}" for event in events})
    claims = await settle_identities(
        work,
        Weight,
        lambda event: (event.weight_id,),
        lambda wanted: work.connection.fetch(query("silver/weights_stored"), [identity[0] for identity in wanted]),
        lambda row: (row["weight_id"],),
    )
    if claims.replaced:
        former = [claim.stored for claim in claims.replaced]
        await work.lock(
            lion={row["lion_id"] for row in former} - lions, user={r["user_id"] for r in former if r["user_id"]} - users
        )
        await work.connection.execute(query("silver/weights_delete"), [row["weight_id"] for row in former])
    await copy_rows(work.connection, "silver", "weight_history", _rows(work, claims.winners))

    counted = [(c.event.lion_id, c.event.user_id, c.event.time_us // DAY_US) for c in claims.winners]
    counted += [(c.stored["lion_id"], c.stored["user_id"], c.stored["measured_at"] // DAY_US) for c in claims.replaced]
    named = sorted(lions | {lion for lion, _, _ in counted})
    await work.connection.execute(query("silver/lions_touch"), named)
    await _write_lion_days(work, {(lion, day) for lion, _, day in counted})
    user_days = {(user, day) for _, user, day in counted if user}
    await work.connection.execute(query("silver/users_infer"), sorted(users | {user for user, _ in user_days}))
    await write_user_days(work, user_days, {})
    work.touched("silver", "weight_history", {day for _, _, day in counted})
    work.touched("silver", "lions")
    work.touched("silver", "users")
    for claim in sorted(claims.winners, key=lambda claim: claim.event.time_us):
        event = claim.event
        kilograms = event.weight * KG_PER_UNIT[event.unit]
        work.live[event.lion_id] = {"weight": kilograms, "measured_at": iso(event.time_us)}


async def _write_lion_days(work: BatchWork, dirty: set[tuple[str, int]]) -> None:
    pairs = sorted(dirty)
    if not pairs:
        return
    facts = {pair: day_weights([]) for pair in pairs}
    rows = await work.connection.fetch(query("silver/weights_of_days"), *map(list, zip(*pairs, strict=True)))
    facts.update({pairs[n]: day_weights(kilograms) for n, kilograms in rows})
    lions = sorted({lion for lion, _ in pairs})
    dirty_days = {lion: [day for other, day in pairs if other == lion] for lion in lions}
    stored = await load_days(work, [(lion, *days_around(dirty_days[lion])) for lion in lions])
    await write_days(
        work,
        [
            (lion, days, {day: replace(days.get(day, LionDay()), **facts[lion, day]) for day in dirty_days[lion]})  # type: ignore[arg-type]
            for lion, days in zip(lions, stored, strict=True)
        ],
    )


def _rows(work: BatchWork, winners: list[Claim]) -> Rows:
    events: list[Weight] = [claim.event for claim in winners]
    kilograms = np.array([event.weight * KG_PER_UNIT[event.unit] for event in events])
    flags = weight_flags(kilograms)
    work.count(flagged=int((flags != 0).sum()))
    rows = Rows(len(events))
    rows.text("weight_id", [event.weight_id for event in events]).text("lion_id", [event.lion_id for event in events])
    rows.text("user_id", [event.user_id for event in events]).float8("weight", kilograms).constant("unit", "kg")
    rows.timestamp("measured_at", [event.time_us for event in events])
    rows.float8("original_weight", [event.weight for event in events])
    rows.text("original_unit", [event.unit for event in events]).text("source", [event.source for event in events])
    rows.int2("flags", flags)
    rows.json("metadata", [None if event.extra is None else to_json(event.extra) for event in events])
    return order_columns(rows, work.topic.name, winners)
