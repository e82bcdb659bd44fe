"""Rounds of faults under load, a quiet point and a comparison after each."""

from __future__ import annotations

import shutil
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from random import Random

from . import faults
from .fault import FAULTS, Fault, Lake, NotHere
from .results import Results, count
from .scene import Scene, Servers

__all__ = ["FAULTS", "Soak", "faults"]
ROUNDS_PER_SCENE = 3  # then topics and warehouse begin anew: the oracle computes all that a scene holds
FAULTS_PER_ROUND = 4
RATE = 60  # records a second
LAKES: Sequence[Lake] = ("bucket", "bucket", "folder")  # of scenes, in turn


@dataclass
class Soak:
    """``failures``: in words, with the round's faults. The same seed gives the same faults in the same order."""

    folder: Path
    seed: int
    chosen: Sequence[Fault]
    say: Callable[[str], None]
    failures: list[str] = field(default_factory=list)
    results: Results = field(default_factory=Results)

    def run(self, seconds: float) -> None:
        """Whole rounds until so much time has passed, one at least; ends at the first failure, whose folder is kept."""
        began = time.monotonic()
        until = began + seconds
        self.results.seeds = [self.seed]
        random = Random(self.seed)
        suited = {lake: [one for one in self.chosen if not one.last and one.lake in (None, lake)] for lake in LAKES}
        decks = {lake: self._deck(random, faults) for lake, faults in suited.items()}
        lakes = [lake for lake in LAKES if suited[lake]] or LAKES
        endings = self._deck(random, [one for one in self.chosen if one.last])
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        servers = Servers(self.folder)
        try:
            number = 0
            while not self.failures and (self.results.rounds == 0 or time.monotonic() < until):
                number += 1
                lake = lakes[(number - 1) % len(lakes)]
                scene = Scene(servers, number, RATE, lake)
                try:
                    for _ in range(ROUNDS_PER_SCENE):
                        self._round(scene, list(islice(decks[lake], FAULTS_PER_ROUND)), random)
                        if self.failures or time.monotonic() >= until:
                            break
                    self.results.records += scene.stored()
                    for ending in islice(endings, 0 if self.failures else 1):
                        self._end(scene, ending, random)
                finally:
                    scene.close()
                    self.results.seconds = time.monotonic() - began
                if not self.failures:
                    scene.discard()
        finally:
            servers.close(keep=bool(self.failures))
        if not self.failures:
            shutil.rmtree(self.folder)

    @staticmethod
    def _deck(random: Random, faults: Sequence[Fault]) -> Iterator[Fault]:
        """Every fault once, in any order, then again; none where there are none."""
        while faults:
            yield from random.sample(faults, len(faults))

    def _round(self, scene: Scene, wanted: Sequence[Fault], random: Random) -> None:
        self.results.rounds += 1
        done: list[Fault] = []
        try:
            with scene.running():
                for one in wanted:
                    if not one.quiet:
                        self._inject(one, scene, random)
                        done.append(one)
            for one in wanted:
                if one.quiet:
                    self._inject(one, scene, random)
                    done.append(one)
            wrong = scene.wrong()
        except Exception:
            wrong = [traceback.format_exc()]
            done = list(wanted)
        self.say(f"round {self.results.rounds}: {scene.stored():,} records, {len(wrong)} differences")
        self._judge(done, wrong)

    def _end(self, scene: Scene, ending: Fault, random: Random) -> None:
        """What is wrong at once is the last: nothing goes on from here."""
        self.say(f"  {ending.family}: {ending.name}")
        try:
            ending.inject(scene, random)
            self.results.of(ending).recovery_s.append(0.0)
        except Exception:
            self._judge([ending], [traceback.format_exc()])

    def _judge(self, done: Sequence[Fault], wrong: Sequence[str]) -> None:
        if wrong:
            for one in done:
                count(self.results.of(one), wrong)
            names = "; ".join(one.name for one in done)
            self.failures.append(f"SEED={self.seed}, round {self.results.rounds} ({names}):\n" + "\n".join(wrong))

    def _inject(self, one: Fault, scene: Scene, random: Random) -> None:
        self.say(f"  {one.family}: {one.name}")
        tally = self.results.of(one)
        try:
            one.inject(scene, random)
        except NotHere as reason:
            self.say(f"    not here: {reason}")
            return
        tally.kills += one.kills
        tally.recovery_s.append(0.0 if one.quiet else scene.recover())
