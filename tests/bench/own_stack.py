"""A bench on a Kafka and PostgreSQL of its own, which end with it."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from liontrack_stream.local import Stack, StackError
from liontrack_stream.settings import Settings, load_settings
from tests.bench.running import ContenderFailed


def on_own_stack(name: str, measure: Callable[[Settings, Path], bool], keep: bool) -> int:
    """The exit code: 0 when ``measure`` says that all is as wanted; logs and data are kept where it is not.

    ``measure`` gets the stack's settings and a folder. ``keep``: keep them in any case.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"liontrack-{name}-"))
    stack = Stack(folder / "stack", report=lambda part, message: None)
    failed = True
    try:
        say("Starting Kafka and PostgreSQL")
        stack.up()
        failed = not measure(load_settings(stack.data_dir), folder)
    except (ContenderFailed, StackError, AssertionError) as error:
        print(f"{name}: {error}", file=sys.stderr)
    finally:
        stack.down()
        if failed or keep:
            print(f"Logs and data: {folder}", file=sys.stderr)
        else:
            shutil.rmtree(folder, ignore_errors=True)
    return int(failed)


def say(text: str) -> None:
    """Tell how far it is."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
