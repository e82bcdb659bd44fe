"""Which bronze files of a closed day become one, by their sizes in the manifest. No I/O."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from liontrack_stream.lake.ports import LakeFile

_FILL = 0.9  # of the maximum, since a group ends where a file ends


@dataclass(frozen=True, slots=True)
class DayPlan:
    """A day of a topic: files that stay, and runs of files of which each becomes one."""

    topic: str
    day: date
    kept: tuple[LakeFile, ...]
    merged: tuple[tuple[LakeFile, ...], ...]


def plan_days(files: Iterable[LakeFile], before: date, min_bytes: int, max_bytes: int) -> list[DayPlan]:
    """Plans of one topic's days before ``before`` that have something to merge, oldest first.

    ``files``: all bronze files of the topic. A run never skips another day's file: ranges of offsets must not overlap.
    """
    kept: dict[date, list[LakeFile]] = defaultdict(list)
    merged: dict[date, list[tuple[LakeFile, ...]]] = defaultdict(list)
    by_partition: dict[int | None, list[LakeFile]] = defaultdict(list)
    for file in files:
        by_partition[file.partition].append(file)
    for run in by_partition.values():
        run.sort(key=lambda file: file.first_offset or 0)
        for same_day in _same_day(run):
            for group in _groups(same_day, min_bytes, max_bytes):
                if len(group) > 1:
                    merged[group[0].day].append(tuple(group))
                else:
                    kept[group[0].day] += group
    return [
        DayPlan(groups[0][0].topic or "", day, tuple(kept[day]), tuple(groups))
        for day, groups in sorted(merged.items())
        if day < before
    ]


def _same_day(run: Sequence[LakeFile]) -> list[list[LakeFile]]:
    """A partition's files in offset order, cut where the day changes."""
    cut: list[list[LakeFile]] = []
    for file in run:
        if cut and cut[-1][-1].day == file.day:
            cut[-1].append(file)
        else:
            cut.append([file])
    return cut


def _groups(run: Sequence[LakeFile], min_bytes: int, max_bytes: int) -> list[list[LakeFile]]:
    """As few groups as fit, of about the same size; where every file is large enough, all stay alone."""
    if all(file.byte_count >= min_bytes for file in run):
        return [[file] for file in run]
    total = sum(file.byte_count for file in run)
    target = total / math.ceil(total / (max_bytes * _FILL))
    groups: list[list[LakeFile]] = []
    done = held = 0
    for file in run:
        fits = groups and held + file.byte_count <= max_bytes
        if not fits or done + file.byte_count / 2 > target * len(groups):
            groups.append([])
            held = 0
        groups[-1].append(file)
        held += file.byte_count
        done += file.byte_count
    return groups
