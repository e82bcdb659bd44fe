"""Running checks: all at once, each within its time, those that need another one after it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal, TypeVar

from liontrack_stream.redaction import redacted
from liontrack_stream.settings import Settings, SettingsError

State = Literal["ok", "warn", "FAIL"]
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Line:
    """What one check found. ``todo`` says what to do; empty where nothing is to be done."""

    what: str
    state: State
    detail: str
    todo: str = ""

    def __str__(self) -> str:
        return f"{self.state:<4}  {self.what}: {self.detail}." + (f" {self.todo}." if self.todo else "")


def ok(what: str, detail: str) -> Line:
    return Line(what, "ok", detail)


def warn(what: str, detail: str, todo: str) -> Line:
    return Line(what, "warn", detail, todo)


def fail(what: str, detail: str, todo: str) -> Line:
    return Line(what, "FAIL", detail, todo)


@dataclass(slots=True)
class Patient:
    """What is looked at: the settings (None where they do not load, for the reason in ``trouble``) and the data folder.
    Checks leave here what others go on with."""

    folder: Path
    timeout_s: float
    loaded: Settings | None = None
    trouble: str = ""
    cluster: Any = None

    @property
    def settings(self) -> Settings:
        if self.loaded is None:
            raise SettingsError(self.trouble)
        return self.loaded

    @property
    def place(self) -> str:
        """Of PostgreSQL, for a person."""
        return f"{self.settings.pg_host}:{self.settings.pg_port}/{self.settings.pg_database}"


@dataclass(frozen=True, slots=True)
class Probe:
    """A check. ``needs`` are the names of those without which it makes no sense: where one fails, it is not made."""

    name: str
    look: Callable[[Patient], Awaitable[Line | Sequence[Line]]]
    needs: tuple[str, ...] = ()


async def examine(patient: Patient, probes: Iterable[Probe]) -> list[Line]:
    """Every line, in the order of the probes. Never raises for what a check runs into; holds no secret."""
    made: dict[str, asyncio.Task[list[Line]]] = {}
    for probe in probes:
        made[probe.name] = asyncio.create_task(_made(probe, patient, [(name, made[name]) for name in probe.needs]))
    found = [line for task in made.values() for line in await task]
    return [replace(line, detail=redacted(line.detail), todo=redacted(line.todo)) for line in found]


async def _made(probe: Probe, patient: Patient, needs: list[tuple[str, asyncio.Task[list[Line]]]]) -> list[Line]:
    for name, task in needs:
        if any(line.state == "FAIL" or line.detail.startswith("not checked") for line in await task):
            return [Line(probe.name, "warn", f"not checked: {name} comes first")]
    try:
        found = await asyncio.wait_for(probe.look(patient), patient.timeout_s)
    except TimeoutError:
        return [fail(probe.name, f"no answer within {patient.timeout_s:g} s", "See that it runs and can be reached")]
    except Exception as error:  # the other checks are still of use
        return [fail(probe.name, f"the check itself failed ({first_line(error)})", "Report this")]
    return [found] if isinstance(found, Line) else list(found)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """A blocking call in a thread that nobody waits for: a check that hangs must not keep the command from ending."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def tell(set_: Callable[[Any], None], value: Any) -> None:
        if not future.done():
            set_(value)

    def run() -> None:
        try:
            outcome = (future.set_result, function(*arguments))
        except Exception as error:
            outcome = (future.set_exception, error)  # type: ignore[assignment]
        if not loop.is_closed():
            loop.call_soon_threadsafe(tell, *outcome)

    threading.Thread(target=run, daemon=True).start()
    return await future


def first_line(error: BaseException) -> str:
    """What an error says, in one line without its full stop."""
    text = str(error).strip() or type(error).__name__
    return text.splitlines()[0].strip().rstrip(".")[:300]


def sentence(text: str) -> tuple[str, str]:
    """Two sentences, or «what is wrong: what to do», as detail and what to do."""
    text = text.strip().rstrip(".")
    for between in (". ", ": "):
        detail, _, todo = text.rpartition(between)
        if detail:
            return detail, todo[:1].upper() + todo[1:]
    return text, ""
