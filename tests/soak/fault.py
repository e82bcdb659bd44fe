"""What a fault is, and the list of them: each module of ``faults`` adds its own."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from .scene import Scene

Lake = Literal["bucket", "folder"]
Inject = Callable[["Scene", Random], None]


class NotHere(Exception):
    """This machine cannot have the fault; the message says what it would need."""


@dataclass(frozen=True, slots=True)
class Fault:
    """``inject`` returns when the fault is over; what comes then is recovery.

    ``kills``: how many processes it ends by ``kill -9``. ``quiet``: it wants no load, and comes at a quiet point.
    ``last``: nothing goes on after it; it comes at a scene's end, and looks itself whether all is as it has to be.
    ``lake``: it wants a scene whose lake is of this kind.
    """

    name: str
    family: str
    inject: Inject
    kills: int = 0
    quiet: bool = False
    last: bool = False
    lake: Lake | None = None


FAULTS: list[Fault] = []


def fault(
    name: str, family: str, *, kills: int = 0, quiet: bool = False, last: bool = False, lake: Lake | None = None
) -> Callable[[Inject], Inject]:
    """Adds a function to the list."""

    def add(inject: Inject) -> Inject:
        FAULTS.append(Fault(name, family, inject, kills, quiet, last, lake))
        return inject

    return add
