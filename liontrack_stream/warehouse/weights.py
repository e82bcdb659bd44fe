"""Weights: silver weighings, the lion-days and user-days that they count for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from msgspec.structs import replace

from liontrack_stream.contract.convert import KG_PER_UNIT
from liontrack_stream.contract.events import Weight, to_json
from liontrack_stream.contract.times import iso
from liontrack_stream.core.fixes import DELETED
from liontrack_stream.core.geo import DAY_US
from liontrack_stream.core.health import LOOKBACK_DAYS, LionDay, day_weights
from liontrack_stream.core.weights import IMPLAUSIBLE, weight_flags
from liontrack_stream.warehouse.copying import Rows, copy_rows
from liontrack_stream.warehouse.deletions import Deletions, NewDeletions, load_deletions
from liontrack_stream.warehouse.identities import Claim, order_columns, settle_identities
from liontrack_stream.warehouse.lion_days import DaysOf, days_around, load_days, write_days
from liontrack_stream.warehouse.queries import query
from liontrack_stream.warehouse.revisions import Causes
from liontrack_stream.warehouse.user_days import write_user_days
from liontrack_stream.warehouse.work import BatchWork


async def store_weights(work: BatchWork) -> None:
    """Write everything that the batch's weighings and deletions change in silver and gold."""
    events, _ = work.events(Weight)
    gone = NewDeletions.of(work)
    if not (events or gone):
        return
    lions, users = {event.lion_id for event in events}, {event.user_id for event in events if event.user_id}
    ids = {event.weight_id for event in events} | gone.entities
    await work.lock(identity={f"weight {weight_id}" for weight_id in ids}, lion=lions | gone.entities)
    deletions = await load_deletions(work, lions | ids)
    claims = await settle_identities(
        work,
        Weight,
        lambda event: (event.weight_id,),
        lambda wanted: work.connection.fetch(query("silver/weights_stored"), [identity[0] for identity in wanted]),
        lambda row: (row["weight_id"],),
    )
    replaced = [claim.stored for claim in claims.replaced]
    withdrawn = [
        row
        for row in await gone.rows(work, "silver/weights_deleted")
        if row["weight_id"] not in {r["weight_id"] for r in replaced}
    ]
    former = [*replaced, *withdrawn]
    await work.lock(
        lion={row["lion_id"] for row in former} - lions, user=users | {r["user_id"] for r in former if r["user_id"]}
    )
    counted = [_Counted(c.event.lion_id, c.event.user_id, c.event.time_us, c.order[2]) for c in claims.winners]
    by_weight = {claim.identity[0]: claim.order[2] for claim in claims.winners}
    counted += [_Counted(r["lion_id"], r["user_id"], r["measured_at"], by_weight[r["weight_id"]]) for r in replaced]
    told = dict(await work.connection.fetch(query("silver/weights_newest"), sorted({c.lion for c in counted})))
    if replaced:
        await work.connection.execute(query("silver/weights_delete"), [row["weight_id"] for row in replaced])
        work.count(flagged=-sum(row["flags"] != 0 for row in replaced))
    if withdrawn:
        await work.connection.execute(query("silver/weights_withdraw"), [row["weight_id"] for row in withdrawn])
        work.count(flagged=sum(row["flags"] == 0 for row in withdrawn))
    await copy_rows(work.connection, "silver", "weight_history", _rows(work, claims.winners, deletions))

    lion_causes, user_causes = _causes(counted, told), _causes(counted, told, by_user=True)
    for row in withdrawn:
        offsets = gone.offsets_of(row["weight_id"]) | gone.offsets_of(row["lion_id"])
        lion_causes.deletion(row["lion_id"], offsets)
        user_causes.deletion(row["user_id"] or "", offsets)
        counted.append(_Counted(row["lion_id"], row["user_id"], row["measured_at"], -1))
    named = sorted(lions | {c.lion for c in counted})
    await work.connection.execute(query("silver/lions_touch"), named)
    await work.connection.execute(query("silver/lions_deleted"), named)
    await _write_lion_days(work, {(c.lion, c.day) for c in counted}, lion_causes)
    user_days = {(c.user, c.day) for c in counted if c.user}
    await work.connection.execute(query("silver/users_infer"), sorted(users | {user for user, _ in user_days}))
    await write_user_days(work, user_days, {}, user_causes)
    work.touched("silver", "weight_history", {c.day for c in counted})
    work.touched("silver", "lions")
    work.touched("silver", "users")
    for claim in sorted(claims.winners, key=lambda claim: claim.event.time_us):
        event = claim.event
        kilograms = event.weight * KG_PER_UNIT[event.unit]
        work.live[event.lion_id] = {"weight": kilograms, "measured_at": iso(event.time_us)}
    work.live.update(dict.fromkeys(row["lion_id"] for row in withdrawn))


@dataclass(frozen=True, slots=True)
class _Counted:
    """A weighing that counts now, or did before; ``offset`` is of the record that changed it."""

    lion: str
    user: str | None
    time_us: int
    offset: int

    @property
    def day(self) -> int:
        return self.time_us // DAY_US


def _causes(counted: list[_Counted], told: dict[str, int], by_user: bool = False) -> Causes:
    causes = Causes()
    for weighing in counted:
        entity = weighing.user if by_user else weighing.lion
        if entity:
            causes.event(entity, weighing.time_us, weighing.offset, told.get(weighing.lion))
    return causes


async def _write_lion_days(work: BatchWork, dirty: set[tuple[str, int]], causes: Causes) -> None:
    pairs = sorted(dirty)
    if not (pairs and work.gold):
        return
    facts = {pair: day_weights([]) for pair in pairs}
    rows = await work.connection.fetch(query("silver/weights_of_days"), *map(list, zip(*pairs, strict=True)))
    facts.update({pairs[n]: day_weights(kilograms) for n, kilograms in rows})
    lions = sorted({lion for lion, _ in pairs})
    dirty_days = {lion: [day for other, day in pairs if other == lion] for lion in lions}
    stored = await load_days(work, [(lion, *days_around(dirty_days[lion])) for lion in lions])
    await write_days(
        work,
        [DaysOf(lion, days) for lion, days in zip(lions, stored, strict=True)],
        [
            {day: replace(days.get(day, LionDay()), **facts[lion, day]) for day in dirty_days[lion]}
            for lion, days in zip(lions, stored, strict=True)
        ],
        lambda lion, day: causes.of_day(lion, day, LOOKBACK_DAYS),
    )


def _rows(work: BatchWork, winners: list[Claim], deletions: Deletions) -> Rows:
    events: list[Weight] = [claim.event for claim in winners]
    kilograms = np.array([event.weight * KG_PER_UNIT[event.unit] for event in events])
    flags = weight_flags(kilograms)
    if deletions:
        hidden = [
            deletions.hides(c.order, c.event.weight_id) or deletions.hides(c.order, c.event.lion_id) for c in winners
        ]
        flags[np.array(hidden, bool)] |= DELETED
    work.count(flagged=int((flags != 0).sum()))
    implausible = [claim.order for claim, flag in zip(winners, flags, strict=True) if flag & IMPLAUSIBLE]
    work.catch("implausible", [order[1] for order in implausible], [order[2] for order in implausible])
    rows = Rows(len(events))
    rows.text("weight_id", [event.weight_id for event in events]).text("lion_id", [event.lion_id for event in events])
    rows.text("user_id", [event.user_id for event in events]).float8("weight", kilograms).constant("unit", "kg")
    rows.timestamp("measured_at", [event.time_us for event in events])
    rows.float8("original_weight", [event.weight for event in events])
    rows.text("original_unit", [event.unit for event in events]).text("source", [event.source for event in events])
    rows.int2("flags", flags)
    rows.json("metadata", [None if event.extra is None else to_json(event.extra) for event in events])
    return order_columns(rows, work.topic.name, winners)
