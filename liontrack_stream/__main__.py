"""The console script ``liontrack``: the Faust app's own command line, with this app already chosen."""

from __future__ import annotations

import sys

from liontrack_stream.commands import register
from liontrack_stream.logs import guard_terminal
from liontrack_stream.memory import share_one_heap


def main() -> None:
    """Run the command line; exits with the command's code."""
    guard_terminal()
    share_one_heap()
    from faust.cli.faust import cli

    register(next((word for word in sys.argv[1:] if not word.startswith("-")), None))
    # As if -A liontrack_stream were given, but the app is built only by commands that use it.
    cli(prog_name="liontrack", default_map={"app": "liontrack_stream"})


if __name__ == "__main__":
    main()
