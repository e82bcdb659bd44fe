"""Tells a person who waits what goes on: one live line per part in a terminal, else a line per change on stderr."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from threading import Lock

from liontrack_stream.local.cache import Report


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[Report]:
    """Yields ``report(part, message)``; may be called from any thread."""
    from rich.console import Console

    console = Console(stderr=True, highlight=False)
    if quiet:
        yield lambda part, message: None
    elif console.is_terminal:
        with _live(console) as report:
            yield report
    else:
        yield _plain(console)


def _plain(console: object) -> Report:
    """Lines; figures that change twice a second are shown once."""
    shown: set[tuple[str, str]] = set()
    lock = Lock()

    def report(part: str, message: str) -> None:
        gist = (part, "".join(letter for letter in message if not letter.isdigit()))
        with lock:
            if gist in shown and "downloading" in message:
                return
            shown.add(gist)
            console.print(f"{part}: {message}", soft_wrap=True)  # type: ignore[attr-defined]

    return report


@contextmanager
def _live(console: object) -> Iterator[Report]:
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(finished_text="[green]✓"), TextColumn("{task.description}"), TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:  # type: ignore[arg-type]
        tasks: dict[str, object] = {}
        lock = Lock()

        def report(part: str, message: str) -> None:
            with lock:
                if part not in tasks:
                    tasks[part] = bars.add_task("", total=None)
            done = message.startswith(("running", "stopped"))
            text = f"{part:<9} {message}"
            bars.update(tasks[part], description=text, total=1 if done else None, completed=1 if done else 0)  # type: ignore[arg-type]

        yield report
