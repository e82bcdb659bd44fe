"""The Kalahari's lions: seconds from the call of the import to the file's last fix in Kafka, warehouse and lake."""

from __future__ import annotations

import time
from pathlib import Path

from liontrack_stream.settings import Settings
from tests.bench.aims.aim import Aim, Finding
from tests.bench.aims.scene import Say, Scene
from tests.bench.running import REPOSITORY

FILE = REPOSITORY.parent / "shared" / "data" / "kalahari_lions_30min_movebank.csv.gz"
WITHIN_S = 60.0  # "in seconds", says issue 10: less than a minute, from the file to the warehouse


def measure(settings: Settings, folder: Path, say: Say, file: Path) -> Finding:
    """Import, then a worker until it has caught up."""
    says = f"import of the Kalahari file in seconds, ≤ {WITHIN_S:g} to the warehouse"
    if not file.exists():
        return Finding(file.name, ("", "s", "fixes/s"), [], [Aim(says, f"nothing, {file} is not here", False)])
    with Scene(settings, "kalahari", folder, say) as scene:
        say(f"Importing {file.name}")
        rejects = str(scene.folder / "rejects.csv")
        began = time.monotonic()
        imported = scene.command("import", "movebank", str(file), "--rejects", rejects, "--json", json_line=True)
        sent, import_s = int(imported.report["sent"]), time.monotonic() - began
        life = scene.catch_up()
        begin, end = life.working
        problems = scene.problems(sent)
    stored_s, lake_s = life.runs[0].report["seconds_to_warehouse"], life.runs[0].report["seconds"]
    took = {
        "import: file → Kafka, from the command's start": import_s,
        "worker: Kafka → warehouse, first commit to last": end.at_s - begin.at_s,
        "worker: to the warehouse, from its first partitions on": stored_s,
        "worker: to its last Parquet file": lake_s,
    }
    rows = [(what, f"{seconds:.1f}", f"{sent / seconds:,.0f}") for what, seconds in took.items()]
    in_all = import_s + stored_s
    aim = Aim(says, f"{in_all:.1f} s", in_all <= WITHIN_S)
    return Finding(f"{file.name}, {sent:,} fixes", ("", "s", "fixes/s"), rows, [aim], problems=problems)
