"""Named breaks of the pipeline, each in a copy: the soak has to catch every one of them (``make mutants``).

MUTANTS=part,part chooses by name. Ends with 1 where one survives.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
_WITHIN_S = 900.0


@dataclass(frozen=True, slots=True)
class Mutant:
    """A break: in ``file``, ``old`` becomes ``new``. ``faults``: which of the soak's show it (SOAK_FAULTS)."""

    name: str
    file: str
    old: str
    new: str
    faults: str


MUTANTS = (
    Mutant(
        "the offset is not compared", "sql/metadata/advance_offset.sql",
        " AND o.next_offset = moved.first_offset", "", "the answer to a COMMIT is lost",
    ),
    Mutant(
        "the offset is committed before the rows", "liontrack_stream/warehouse/sink.py",
        "                    runs = await self._write(work, records)",
        '                    await connection.execute("COMMIT; BEGIN")\n'
        "                    runs = await self._write(work, records)",
        "kill -9 at a random moment",
    ),
    Mutant(
        "the lease is not compared, nor the offset", "sql/metadata/advance_offset.sql",
        "o.next_offset = moved.first_offset\n    AND o.lease_epoch = moved.lease_epoch",
        "o.next_offset <= moved.next_offset", "paused past its session,a second worker",
    ),
    Mutant(
        "an agent raises", "agents/positions.py",
        "            await app.lanes.submit(batch)",
        "            await app.lanes.submit(batch)\n"
        "            if batch.records[-1].offset > 300:\n"
        "                raise RuntimeError",
        "kill -9 at a random moment",
    ),
    Mutant(
        "windows by the wall clock", "liontrack_stream/core/windows.py",
        "WINDOW_US = 5 * MINUTE_US", "import time\n\nWINDOW_US = (5 + int(time.time()) % 2) * MINUTE_US",
        "kill -9 at a random moment",
    ),
    Mutant(
        "a deadlock ends the worker", "liontrack_stream/kafka/infrastructure_errors.py",
        "    asyncpg.TransactionRollbackError,  # serialization failure, deadlock\n", "", "deadlocks",
    ),
    Mutant(
        "a read-only database ends the worker", "liontrack_stream/kafka/infrastructure_errors.py",
        "    asyncpg.ReadOnlySQLTransactionError,  # a failover to a replica\n", "", "read-only",
    ),
    Mutant(
        "dead letters are dropped", "liontrack_stream/warehouse/sink.py",
        "        await store_dead_letters(work, records)\n", "", "poison in a burst",
    ),
    Mutant(
        "changed days are not exported", "liontrack_stream/warehouse/sink.py",
        "        await work.mark_dirty()\n", "", "a hot key",
    ),
    Mutant(
        "a lion that another worker has changed is trusted", "liontrack_stream/warehouse/lion_states.py",
        "state is None or state.revision != revision", "state is None", "records hours late",
    ),
    Mutant(
        "reading begins at the group's offsets", "liontrack_stream/kafka/transport.py",
        "            seeks = await self._thread.seek_sources("
        "{tps[partition]: offset for partition, offset in starts.items()})",
        "            group = {place: await self._thread._ensure_consumer().committed(tp) or 0 "
        "for place, tp in tps.items()}\n"
        "            seeks = await self._thread.seek_sources({tps[place]: group[place] for place in starts})",
        "the group's offsets are moved",
    ),
    Mutant(
        "a swap does not wait for the last records", "liontrack_stream/replay/swap.py",
        "        await work.feed.advance(await work.live_ends())\n", "", "a swap killed",
    ),
    Mutant(
        "a paused worker's batch is let be", "liontrack_stream/warehouse/offsets.py",
        "                await self._end_blocking(pid)\n", "                pass\n", "paused past its session",
    ),
    Mutant(
        "changelogs stay narrow", "liontrack_stream/app.py",
        "            await widen(self.settings, "
        "[table.changelog_topic.get_topic_name() for table in self.tables.values()])\n",
        "", "a partition is added",
    ),
    Mutant(
        "rows of a gold key are not locked", "sql/metadata/lock_keys.sql",
        "pg_advisory_xact_lock_shared(class, number)::text ELSE pg_advisory_xact_lock(class, number)::text",
        "'' ELSE ''", "records hours late,a second worker",
    ),
    Mutant(
        "what a deletion names stays", "liontrack_stream/warehouse/sink.py",
        "        await store_deletions(work)\n", "", "records hours late",
    ),
    Mutant(
        "a value of any size is taken", "liontrack_stream/warehouse/sink.py",
        "self._value_max_bytes = settings.value_max_bytes", "self._value_max_bytes = 10**9", "values of 1 MB",
    ),
    Mutant(
        "a late fix leaves its neighbours as they are", "liontrack_stream/warehouse/positions.py",
        '    await write_resettled(work, lion_ids, fixes[settled.changed & (fixes["row"] < 0)])\n', "",
        "records hours late",
    ),
    Mutant(
        "a repeated fix is not noted", "liontrack_stream/warehouse/positions.py",
        '        await work.store_repeats(identities, losers["partition"], losers["offset"], losers["append_us"], '
        'losers["hash"])\n', "        pass\n", "records hours late",
    ),
    Mutant(
        "a file is told of and not written", "liontrack_stream/lake/bronze.py",
        "                await self._in_thread(staged.publish, file.path, False)\n", "", "the bucket is slow",
    ),
)  # fmt: skip


def main() -> int:
    """Break, soak, tell; see above."""
    names = [part.strip() for part in os.environ.get("MUTANTS", "").split(",") if part.strip()]
    chosen = [one for one in MUTANTS if not names or any(name in one.name for name in names)]
    survived = []
    for one in chosen:
        began = time.monotonic()
        caught, why = _run(one)
        print(
            f"{'caught  ' if caught else 'SURVIVED'}  {one.name} ({time.monotonic() - began:.0f} s): {why}", flush=True
        )
        if not caught:
            survived.append(one.name)
    print(f"{len(chosen) - len(survived)} of {len(chosen)} caught.")
    return 1 if survived else 0


def _run(mutant: Mutant) -> tuple[bool, str]:
    """Whether the soak fails in a copy with this break, and its first word of why."""
    copy = ROOT / ".cache" / "mutant"
    shutil.rmtree(copy, ignore_errors=True)
    for name in subprocess.check_output(["git", "ls-files"], cwd=ROOT, text=True).splitlines():
        target = copy / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / name, target)
    file = copy / mutant.file
    text = file.read_text()
    assert text.count(mutant.old) == 1, f"{mutant.name}: {mutant.file} has its text {text.count(mutant.old)} times"
    file.write_text(text.replace(mutant.old, mutant.new))
    wanted = {"PYTHONPATH": str(copy), "SOAK_SECONDS": "1", "SEED": "1", "SOAK_FAULTS": mutant.faults}
    done = subprocess.run(
        [sys.executable, "-m", "tests.soak"],
        cwd=copy, env={**os.environ, **wanted}, capture_output=True, text=True, timeout=_WITHIN_S, check=False,
    )  # fmt: skip
    shutil.rmtree(copy, ignore_errors=True)
    lines = [line for line in done.stderr.splitlines() if line.strip()]
    told = next((line for line in lines[1:] if not line.startswith(("Traceback", " "))), done.stdout[-200:])
    return done.returncode == 1, told[:160]


if __name__ == "__main__":
    sys.exit(main())
